"""Every event of a run as a line, from the beginning: which there are, which of them match, and their words. Words are
made for lines that somebody sees, or looks for."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sandbox import wording
from sandbox.model.events import Admitted, Became, Described, Event, Queues, Witnessed
from sandbox.util.units import S
from sandbox.views.eventlog import EventLog

#: What only answers somebody who looks at the machine, or says afterwards what was seen.
_NOT_TOLD = (Described, Queues, Witnessed)
#: So many events are read between two looks at the clock.
_BATCH = 256


class Line(NamedTuple):
    """A line as ``ossandbox run`` prints it, in its parts. ``pid`` is "" where it is about no single process; ``event``
    is the name of its class."""

    time: str
    kind: str
    pid: str
    text: str
    event: str

    @property
    def words(self) -> str:
        """All that one may look for in it, in small letters."""
        return f"{self.time} {self.kind} {self.pid} {self.text}".casefold()


class _Names(Mapping[int, str]):
    """What processes were called after so many events."""

    def __init__(self, by_pid: Mapping[int, list[tuple[int, str]]], index: int) -> None:
        self._by_pid, self._index = by_pid, index

    def __getitem__(self, pid: int) -> str:
        names = self._by_pid[pid]
        return names[max(bisect_right(names, self._index, key=lambda each: each[0]) - 1, 0)][1]

    def __iter__(self) -> Iterator[int]:
        return iter(self._by_pid)

    def __len__(self) -> int:
        return len(self._by_pid)


class Chronicle:
    """Lines stand for events, by their index in the run. It is read in pieces: a long run has a million of them."""

    def __init__(self, past: EventLog) -> None:
        self._past = past
        #: The events that are told, of the first so many.
        self._told = array("q")
        self._read = 0
        self._names: dict[int, list[tuple[int, str]]] = {}
        #: What is looked for; which lines have it, of the first so many.
        self._wanted = ""
        self._found = array("q")
        self._searched = 0

    @property
    def lines(self) -> array[int]:
        """The index of each event that has a line, and matches."""
        return self._found if self._wanted else self._told

    @property
    def wanted(self) -> str:
        """What is looked for, "" for nothing."""
        return self._wanted

    @property
    def number(self) -> int:
        """How many lines there are, whether they match or not."""
        return len(self._told)

    @property
    def progress(self) -> float:
        """How much of the run has been looked through, 0 … 1."""
        if self._wanted:
            return self._searched / max(len(self._told), 1) * self._read / max(len(self._past), 1)
        return self._read / max(len(self._past), 1)

    def look_for(self, text: str) -> None:
        """From now on only lines that have this in them, in capitals or not; all for ""."""
        text = text.strip().casefold()
        if text != self._wanted:
            self._wanted, self._found, self._searched = text, array("q"), 0

    def grow(self, for_s: float) -> None:
        """Read on, and look for what is wanted, for so long at most."""
        until_s = time.perf_counter() + for_s
        while self._read < len(self._past) and time.perf_counter() < until_s:
            self._take(self._past.between(self._read, self._read + _BATCH))
        while self._wanted and self._searched < len(self._told) and time.perf_counter() < until_s:
            self._search(self._told[self._searched : self._searched + _BATCH // 8])

    def place(self, index: int) -> int:
        """The number of the last line that belongs to the run's first ``index`` events; -1: there is none."""
        return bisect_right(self.lines, index - 1) - 1

    def line(self, index: int) -> Line:
        """The words for an event."""
        (event,) = self._past.between(index, index + 1)
        return self._word(event, index)

    def _take(self, events: Sequence[Event]) -> None:
        for index, event in enumerate(events, self._read):
            if isinstance(event, (Admitted, Became)):
                self._names.setdefault(event.pid, []).append((index, event.name))
            if not isinstance(event, _NOT_TOLD):
                self._told.append(index)
        self._read += len(events)

    def _search(self, indices: Sequence[int]) -> None:
        for index in indices:
            if self._wanted in self.line(index).words:
                self._found.append(index)
        self._searched += len(indices)

    def _word(self, event: Event, index: int) -> Line:
        pid = getattr(event, "pid", None)
        text = wording.sentence(event, _Names(self._names, index)).replace("\n", " ⏎ ")
        time_said, told_pid = f"{event.t_ns / S:10.6f} s", "" if pid is None else str(pid)
        return Line(time_said, wording.kind(event), told_pid, text, type(event).__name__)
