"""A recording, looked at like a run: it has no machine, its present is its end, and it can be played."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice

import msgspec

from sandbox.model.commands import Command
from sandbox.model.events import AnyEvent
from sandbox.model.spec import Scenario
from sandbox.scenario import built_in_folder
from sandbox.trace.load import Recording
from sandbox.tui.state.session import Link, Session

#: So many events are taken in before the clock is asked again.
_AT_ONCE = 200


class Replay(Session):
    """``start`` starts the kernel process of a scenario that is opened afterwards."""

    def __init__(
        self,
        recording: Recording,
        start: Callable[[Scenario], Link],
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        scenario = recording.header.scenario
        if scenario.folder != str(built_in_folder()):  # a recording names no files of ours
            scenario = msgspec.structs.replace(scenario, lesson=None)
        super().__init__(scenario, start, clock)
        self._missing = set()
        self.recording = recording
        self._events: Iterator[AnyEvent] = recording.events()
        #: Whether all of it has been read.
        self.is_read = False
        #: When, by our clock, time 0 of the recording would have been; None while it is not played.
        self._played_since_ns: int | None = None

    def begin(self) -> None:
        """There is nothing to start. The view is at the beginning."""
        if not len(self.past):
            self.read(0)
        self.to_start()

    def send(self, command: Command) -> bool:
        """Nobody is there to ask."""
        return False

    def read(self, for_s: float) -> None:
        """Read on, for so long at least."""
        give_up = time.monotonic() + for_s
        while not self.is_read:
            events = [*islice(self._events, _AT_ONCE)]
            for event in events:
                self.past.add(event)
                self.story.add(event)
            self.reading.take(events, len(self.story.reached))
            self.is_read = len(events) < _AT_ONCE
            if time.monotonic() >= give_up:
                return

    # Playing

    @property
    def plays(self) -> bool:
        return self._played_since_ns is not None

    @property
    def lesson_asks(self) -> bool:
        """The lesson was for who saw the run."""
        return False

    @property
    def runs(self) -> bool:
        """There is no machine."""
        return False

    @property
    def moving(self) -> bool:
        """Whether the clock that is looked at goes on."""
        return self.plays

    def play(self) -> None:
        """Let time go on from what is looked at; at the end, from the beginning."""
        if not self.looks_back:
            self.to_start()
        self._played_since_ns = self.clock() - self._seen_ns

    def stop(self) -> None:
        """Let time stand still where it is."""
        if self._played_since_ns is not None:
            self.advance()
            self._played_since_ns = None

    def advance(self) -> None:
        """While it is played: come to where it would be by now."""
        if self._played_since_ns is not None:
            super().look_at(self.clock() - self._played_since_ns)
            if not self.looks_back and self.is_read:
                self._played_since_ns = None

    def look_at(self, t_ns: int) -> None:
        self._played_since_ns = None
        super().look_at(t_ns)

    def _go(self, index: int) -> None:
        self._played_since_ns = None
        super()._go(index)

    def _see(self, index: int) -> None:
        self._played_since_ns = None
        super()._see(index)
