"""Every event of a run as a line, from the beginning: which there are, which of them match, and their words. Words are
made for lines that somebody sees, or looks for."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, overload

from sandbox import wording
from sandbox.model.events import Admitted, Became, Described, Event, Queues, Witnessed
from sandbox.util.units import S
from sandbox.views.eventlog import EventLog

#: What only answers somebody who looks at the machine, or says afterwards what was seen.
_NOT_TOLD = (Described, Queues, Witnessed)
#: So many events are read between two looks at the clock.
_BATCH = 256
#: The names of so many chapters stay at hand: a screen may show the end of one and the beginning of the next.
_MAX_NAMED = 2


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


class _Told(Sequence[int]):
    """The indices of the first ``end`` events, but for those that have no line: they are few, and kept instead."""

    def __init__(self) -> None:
        self.end = 0
        self._left_out = array("q")

    def __len__(self) -> int:
        return self.end - len(self._left_out)

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> list[int]: ...
    def __getitem__(self, place: int | slice) -> int | list[int]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place %= len(self)
        return place + bisect_right(range(len(self._left_out)), place, key=lambda nth: self._left_out[nth] - nth)

    def grow(self, events: Sequence[Event]) -> None:
        """These are the next ones."""
        self._left_out.extend(at for at, event in enumerate(events, self.end) if isinstance(event, _NOT_TOLD))
        self.end += len(events)


class _Named:
    """What processes were called in a chapter: at its beginning, and after each of its events so far."""

    def __init__(self, past: EventLog, first: int) -> None:
        self._past, self._end = past, first
        self._by_pid = {pid: [(first - 1, name)] for pid, name in past.called_before(first).items()}

    def after(self, index: int) -> Mapping[int, str]:
        """After the event with this index."""
        if index >= self._end:
            for at, event in enumerate(self._past.between(self._end, index + 1), self._end):
                if isinstance(event, (Admitted, Became)):
                    self._by_pid.setdefault(event.pid, []).append((at, event.name))
            self._end = index + 1
        return _Names(self._by_pid, index)


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
    """Lines stand for events, by their index in the run. It is read in pieces: a long run has a million of them, and
    nothing is kept of those that have been read but which have a line."""

    def __init__(self, past: EventLog) -> None:
        self._past = past
        #: The events that are told, of those that have been read.
        self._told = _Told()
        #: The names in the chapters that were in sight last, by their first events.
        self._named: dict[int, _Named] = {}
        #: What is looked for; which lines have it, of the first so many.
        self._wanted = ""
        self._found = array("q")
        self._searched = 0

    @property
    def lines(self) -> Sequence[int]:
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
            return self._searched / max(len(self._told), 1) * self._told.end / max(len(self._past), 1)
        return self._told.end / max(len(self._past), 1)

    def look_for(self, text: str) -> None:
        """From now on only lines that have this in them, in capitals or not; all for ""."""
        text = text.strip().casefold()
        if text != self._wanted:
            self._wanted, self._found, self._searched = text, array("q"), 0

    def grow(self, for_s: float) -> None:
        """Read on, and look for what is wanted, for so long at most."""
        until_s = time.perf_counter() + for_s
        while (end := self._told.end) < len(self._past) and time.perf_counter() < until_s:
            self._told.grow(self._past.between(end, end + _BATCH))
        while self._wanted and self._searched < len(self._told) and time.perf_counter() < until_s:
            self._search(self._told[self._searched : self._searched + _BATCH // 8])

    def place(self, index: int) -> int:
        """The number of the last line that belongs to the run's first ``index`` events; -1: there is none."""
        return bisect_right(self.lines, index - 1) - 1

    def line(self, index: int) -> Line:
        """The words for an event."""
        (event,) = self._past.between(index, index + 1)
        return self._word(event, index)

    def _search(self, indices: Sequence[int]) -> None:
        for index in indices:
            if self._wanted in self.line(index).words:
                self._found.append(index)
        self._searched += len(indices)

    def _names(self, index: int) -> Mapping[int, str]:
        """What processes were called after an event."""
        first = self._past.chapter(index)
        if first not in self._named:
            self._named = {**dict([*self._named.items()][1 - _MAX_NAMED :]), first: _Named(self._past, first)}
        return self._named[first].after(index)

    def _word(self, event: Event, index: int) -> Line:
        pid = getattr(event, "pid", None)
        text = wording.sentence(event, self._names(index)).replace("\n", " ⏎ ")
        time_said, told_pid = f"{event.t_ns / S:10.6f} s", "" if pid is None else str(pid)
        return Line(time_said, wording.kind(event), told_pid, text, type(event).__name__)
