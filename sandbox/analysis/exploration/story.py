"""The part of a run's past that belongs to its outcome."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Hashable, Iterable, Sequence

from sandbox.analysis.exploration.judge import Plain, are_timed
from sandbox.analysis.exploration.touching import Touching
from sandbox.model.events import Admitted, Event, Exited, Wrote
from sandbox.model.spec import Scenario
from sandbox.views.tracker import LessonTracker
from sandbox.views.verdicts import happenings


class Story:
    """What has happened so far that belongs to the outcome: the output, the exits, and what claims are about. Two
    states with different stories have different outcomes."""

    def __init__(self, scenario: Scenario, folder: str, touching: Touching) -> None:
        self.plain = Plain(folder)
        self._touching = touching
        self._tracker = LessonTracker(happenings(scenario.claims))
        #: Whether states with equal keys are equal for every claim.
        self._is_known = not are_timed(scenario.claims)
        self._exits: dict[int, int | None] = {}
        #: The last state of what claims are about.
        self._times: Hashable = ()
        self._wrote: list[tuple[int, str]] = []
        self._told = 0

    def add(self, events: Iterable[Event]) -> None:
        """Take in the next events."""
        for event in events:
            self._told += 1
            self._tracker.add(event)
            self._touching.see(event)
            match event:
                case Admitted():
                    self.plain.add(event)
                case Exited(pid=pid):
                    self._exits[pid] = event.status
                case Wrote(pid=pid, text=text):
                    self._wrote.append((pid, self.plain.text(text)))
            if self._tracker.times and (now := self._happened()) != self._times:
                self._times = now
                self._touching.claimed()

    def catch_up(self, before: int, events: Sequence[Event]) -> None:
        """Take in the events after the first ``before``, some of which may have been added already."""
        self.add(events[max(self._told - before, 0) :])

    def _happened(self) -> Hashable:
        """Return what claims are about: how often things have happened, and in which order."""
        times = [(each.number, each.first_ns or 0) for each in self._tracker.times.values()]
        first = sorted(range(len(times)), key=lambda index: times[index][1])
        return tuple(number for number, _ in times), tuple(index for index in first if times[index][0])

    def key(self) -> Hashable | None:
        """Return a key that is the same for equal stories; None if that cannot be told."""
        if not self._is_known:
            return None
        paths = self._tracker.paths
        return (
            tuple((paths.get(pid, ""), text) for pid, text in self._wrote),
            self._times,
            tuple(
                sorted((paths.get(pid, ""), -1 if status is None else status) for pid, status in self._exits.items())
            ),
        )
