"""The events of a run as lines of text: which lines there are, which match a search, and their words. Words are made
only for lines that are shown or searched."""

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

#: Events without a line: answers to a screen that looks at the machine, and records of what was seen.
_NOT_TOLD = (Described, Queues, Witnessed)
#: The number of events to read between two looks at the clock.
_BATCH = 256
#: The number of chapters whose names are cached: a screen may show the end of one and the beginning of the next.
_MAX_NAMED = 2


class Line(NamedTuple):
    """The parts of a line, as ``ossandbox run`` prints it. ``pid`` is "" for an event about no single process;
    ``event`` is the name of the event's class."""

    time: str
    kind: str
    pid: str
    text: str
    event: str

    @property
    def words(self) -> str:
        """The text of the line that can be searched, in small letters."""
        return f"{self.time} {self.kind} {self.pid} {self.text}".casefold()


class _Told(Sequence[int]):
    """The indices of those of the first ``end`` events that have a line. Only the indices of the others are stored,
    which are few."""

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
        """Add the next events."""
        self._left_out.extend(at for at, event in enumerate(events, self.end) if isinstance(event, _NOT_TOLD))
        self.end += len(events)


class _Named:
    """The names of processes within a chapter: at its beginning and after each of its events that was read."""

    def __init__(self, past: EventLog, first: int) -> None:
        self._past, self._end = past, first
        self._by_pid = {pid: [(first - 1, name)] for pid, name in past.called_before(first).items()}

    def after(self, index: int) -> Mapping[int, str]:
        """Return the names, by pid, after the event with this index."""
        if index >= self._end:
            for at, event in enumerate(self._past.between(self._end, index + 1), self._end):
                if isinstance(event, (Admitted, Became)):
                    self._by_pid.setdefault(event.pid, []).append((at, event.name))
            self._end = index + 1
        return _Names(self._by_pid, index)


class _Names(Mapping[int, str]):
    """The names of processes, by pid, after the event with a given index."""

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
    """The lines of a run, identified by the indices of their events. The events are read in pieces, as a long run has a
    million of them; only indices are kept."""

    def __init__(self, past: EventLog) -> None:
        self._past = past
        #: The events with a line, among those read so far.
        self._told = _Told()
        #: The names in the chapters used last, by the index of the chapter's first event.
        self._named: dict[int, _Named] = {}
        #: The text to search for, the events that match it, and the number of lines searched so far.
        self._wanted = ""
        self._found = array("q")
        self._searched = 0

    @property
    def lines(self) -> Sequence[int]:
        """The indices of the events that have a line and match the search text."""
        return self._found if self._wanted else self._told

    @property
    def wanted(self) -> str:
        """The text to search for; "" for none."""
        return self._wanted

    @property
    def number(self) -> int:
        """The number of lines, whether they match or not."""
        return len(self._told)

    @property
    def progress(self) -> float:
        """The share of the run that has been read and searched, 0 … 1."""
        if self._wanted:
            return self._searched / max(len(self._told), 1) * self._told.end / max(len(self._past), 1)
        return self._told.end / max(len(self._past), 1)

    def look_for(self, text: str) -> None:
        """Keep only lines that contain the text, ignoring case; "" for all lines."""
        text = text.strip().casefold()
        if text != self._wanted:
            self._wanted, self._found, self._searched = text, array("q"), 0

    def grow(self, for_s: float) -> None:
        """Read and search more of the run, for at most ``for_s`` seconds."""
        until_s = time.perf_counter() + for_s
        while (end := self._told.end) < len(self._past) and time.perf_counter() < until_s:
            self._told.grow(self._past.between(end, end + _BATCH))
        while self._wanted and self._searched < len(self._told) and time.perf_counter() < until_s:
            self._search(self._told[self._searched : self._searched + _BATCH // 8])

    def place(self, index: int) -> int:
        """Return the number of the last line that belongs to the first ``index`` events of the run; -1 if there is
        none."""
        return bisect_right(self.lines, index - 1) - 1

    def line(self, index: int) -> Line:
        """Return the line of an event, given its index."""
        (event,) = self._past.between(index, index + 1)
        return self._word(event, index)

    def _search(self, indices: Sequence[int]) -> None:
        for index in indices:
            if self._wanted in self.line(index).words:
                self._found.append(index)
        self._searched += len(indices)

    def _names(self, index: int) -> Mapping[int, str]:
        """Return the names of processes, by pid, after an event."""
        first = self._past.chapter(index)
        if first not in self._named:
            self._named = {**dict([*self._named.items()][1 - _MAX_NAMED :]), first: _Named(self._past, first)}
        return self._named[first].after(index)

    def _word(self, event: Event, index: int) -> Line:
        pid = getattr(event, "pid", None)
        text = wording.sentence(event, self._names(index)).replace("\n", " ⏎ ")
        time_said, told_pid = f"{event.t_ns / S:10.6f} s", "" if pid is None else str(pid)
        return Line(time_said, wording.kind(event), told_pid, text, type(event).__name__)
