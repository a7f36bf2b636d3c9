"""Verifies the slices of a run by the system's own records.

The events tell when the mini operating system has given a process a CPU and taken it away; ``Witnessed`` events tell
when the process was on the real CPU. All times in ns.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from sandbox.model.events import Descheduled, Dispatched, Event, Exited, Witnessed
from sandbox.util.stats import distribution

_NOT_YET_NS = 1 << 62


class Stretch(NamedTuple):
    """An interval in which a process was on the real CPU."""

    from_ns: int
    until_ns: int


class Turn:
    """A slice of a process. ``came_ns`` and ``left_ns``: when it was on the real CPU; None if it was not."""

    __slots__ = ("came_ns", "cpu", "end_ns", "left_ns", "pid", "reason", "slice_ns", "start_ns")

    def __init__(self, event: Dispatched) -> None:
        self.pid = event.pid
        self.cpu = event.cpu
        self.start_ns = event.t_ns
        self.slice_ns = event.slice_ns
        self.end_ns = _NOT_YET_NS
        self.reason = ""
        self.came_ns: int | None = None
        self.left_ns: int | None = None


class Verification:
    """Collects the events of a run; ``figures`` returns the accuracy."""

    def __init__(self) -> None:
        self._turns: list[list[Turn]] = []
        self._on: dict[int, Turn] = {}
        self._stretches: dict[int, list[Stretch]] = {}
        self._cpu_ns: dict[int, int] = {}
        self._undispatched_ns = 0

    def add(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case Dispatched(cpu=cpu):
                while len(self._turns) <= cpu:
                    self._turns.append([])
                self._on[cpu] = Turn(event)
                self._turns[cpu].append(self._on[cpu])
            case Descheduled(cpu=cpu):
                turn = self._on.pop(cpu)
                turn.end_ns, turn.reason = event.t_ns, event.reason
            case Witnessed(pid=pid):
                self._stretches.setdefault(pid, []).append(Stretch(event.from_ns, event.until_ns))
            case Exited(pid=pid):
                self._cpu_ns[pid] = event.cpu_ns
                self._undispatched_ns += event.undispatched_ns

    @property
    def witnessed(self) -> bool:
        """Whether there are records of the system."""
        return bool(self._stretches)

    def figures(self) -> dict[str, Any]:
        """The error distributions, each ``count``, ``p50``, ``p99``, ``max`` in ns.

        ``slice_error``: what a used-up slice was longer (or, below 0, shorter) on the real CPU than granted;
        ``dispatch_gap``: from one process's leaving the CPU to the next one's coming, where a slice ended;
        ``block_to_dispatch``: the same where a process blocked; ``accounting_error``: CPU time on our books less that
        of the record, by process. ``undispatched_ns``: what ran without being dispatched, by our books;
        ``undispatched_recorded_ns``: by the record.
        """
        for stretches in self._stretches.values():
            stretches.sort()
        for turns in self._turns:
            self._find(turns)
        return {
            "slice_error": distribution(self._slice_errors()),
            "dispatch_gap": distribution(self._gaps("expired", "preempted")),
            "block_to_dispatch": distribution(self._gaps("blocked")),
            "accounting_error": distribution(
                cpu_ns - sum(until_ns - from_ns for from_ns, until_ns in self._stretches.get(pid, ()))
                for pid, cpu_ns in self._cpu_ns.items()
            ),
            "undispatched_ns": self._undispatched_ns,
            "undispatched_recorded_ns": self._undispatched_recorded_ns(),
        }

    def _find(self, turns: list[Turn]) -> None:
        """Find when the process of each turn came to the real CPU, which is between dispatch and end, and when it left
        it for the last time before its next turn."""
        for turn in turns:
            stretches = self._stretches.get(turn.pid, [])
            index = bisect_left(stretches, (turn.start_ns, 0))
            while index < len(stretches) and stretches[index].from_ns < turn.end_ns:
                if turn.came_ns is None:
                    turn.came_ns = stretches[index].from_ns
                turn.left_ns = stretches[index].until_ns
                index += 1

    def _slice_errors(self) -> Iterator[int]:
        """Yield the errors of slices that were used up and were followed by another process; else there was no
        switch."""
        for turns in self._turns:
            for turn, following in pairwise(turns):
                if turn.reason == "expired" and turn.pid != following.pid and turn.slice_ns is not None:
                    if turn.came_ns is not None and turn.left_ns is not None:
                        yield turn.left_ns - turn.came_ns - turn.slice_ns

    def _gaps(self, *reasons: str) -> Iterator[int]:
        for turns in self._turns:
            for turn, following in pairwise(turns):
                at_once = following.start_ns == turn.end_ns and turn.pid != following.pid
                if at_once and turn.reason in reasons and turn.left_ns is not None and following.came_ns is not None:
                    yield following.came_ns - turn.left_ns

    def _undispatched_recorded_ns(self) -> int:
        """Return the total time that processes were on the real CPU outside their turns."""
        total_ns = 0
        turns: dict[int, list[Turn]] = {}
        for turn in (turn for turns_of_cpu in self._turns for turn in turns_of_cpu):
            turns.setdefault(turn.pid, []).append(turn)
        for pid, stretches in self._stretches.items():
            own = sorted(turns.get(pid, []), key=lambda turn: turn.start_ns)
            total_ns += sum(until_ns - from_ns for from_ns, until_ns in stretches) - _overlap(stretches, own)
        return total_ns


def _overlap(stretches: list[Stretch], turns: list[Turn]) -> int:
    """Return the time that is both in a stretch and in a turn. Both are sorted, and do not overlap among themselves."""
    total_ns, index = 0, 0
    for from_ns, until_ns in stretches:
        while index < len(turns) and turns[index].end_ns <= from_ns:
            index += 1
        for turn in turns[index:]:
            if turn.start_ns >= until_ns:
                break
            total_ns += max(min(until_ns, turn.end_ns) - max(from_ns, turn.start_ns), 0)
    return total_ns
