"""Compact tracks of a value over time, such as where a process was, or which process a CPU had.

A run of hours has millions of changes, and drawing any part of it should only cost as much as that part; so times are
found by binary search, and the time used up to each change is stored with it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

#: Values of a process's track; ``ON_CPU + k``: it runs on CPU ``k``.
GONE, BLOCKED, READY, ON_CPU = -2, -1, 0, 1
#: Value of the track of a CPU that no process has; any other value is a pid.
NOBODY = 0
#: The most changes that are kept (1 MB). Beyond that, every second pair of the older half is dropped: at the scale at
#: which so many changes fit into a picture, it looks the same, and the used time up to each kept change stays exact.
MAX_CHANGES = 50_000


class Track:
    """Values over time, each valid until the next one's time. Positive values mean use: of a CPU, or by a process."""

    __slots__ = ("_used_ns", "times", "values")

    def __init__(self) -> None:
        self.times = array("q")
        self.values = array("i")
        #: The total time with positive values before each change.
        self._used_ns = array("q")

    def __len__(self) -> int:
        return len(self.times)

    def put(self, t_ns: int, value: int) -> None:
        """Record that the value is ``value`` from ``t_ns`` on, which must not be before the last change."""
        self._used_ns.append(self._used_by_now_ns(t_ns))
        self.times.append(t_ns)
        self.values.append(value)
        if len(self.times) > MAX_CHANGES:
            self._thin(len(self.times) // 2)

    def _used_by_now_ns(self, t_ns: int) -> int:
        """Return ``used_ns`` for a time after the last change."""
        if not self.times:
            return 0
        used_ns = self._used_ns[-1]
        return used_ns + t_ns - self.times[-1] if self.values[-1] > 0 else used_ns

    def put_in_passing(self, t_ns: int, value: int) -> None:
        """Like ``put``, but drop values that lasted no time at all, and changes to the same value."""
        while self.times and self.times[-1] == t_ns:
            self.times.pop()
            self.values.pop()
            self._used_ns.pop()
        if not self.values or self.values[-1] != value:
            self.put(t_ns, value)

    def until(self, t_ns: int) -> Track:
        """Return a copy of this track up to and including the instant ``t_ns``."""
        count, track = bisect_right(self.times, t_ns), Track()
        track.times, track.values, track._used_ns = self.times[:count], self.values[:count], self._used_ns[:count]
        return track

    @property
    def last(self) -> Track:
        """A new track with only the last change of this one and the time used before it."""
        track = Track()
        track.times, track.values, track._used_ns = self.times[-1:], self.values[-1:], self._used_ns[-1:]
        return track

    def _thin(self, older: int) -> None:
        for kept in (self.times, self.values, self._used_ns):
            kept[:older] = array(kept.typecode, [kept[index] for index in range(older) if index % 4 < 2])

    def at(self, t_ns: int) -> int:
        """Return the index of the change in force at ``t_ns``; -1 before the first change."""
        return bisect_right(self.times, t_ns) - 1

    def before(self, t_ns: int) -> int:
        """Return the index of the change in force just before ``t_ns``; -1 if there was none."""
        return bisect_left(self.times, t_ns) - 1

    def end_ns(self, index: int, now_ns: int) -> int:
        """Return the time of the change after ``index``, or ``now_ns`` for the last one."""
        return self.times[index + 1] if index + 1 < len(self.times) else now_ns

    def used_ns(self, until_ns: int) -> int:
        """Return the total time with positive values until ``until_ns``, assuming that the last value goes on."""
        index = self.at(until_ns)
        if index < 0:
            return 0
        used_ns = self._used_ns[index] + (until_ns - self.times[index] if self.values[index] > 0 else 0)
        return min(used_ns, self._used_ns[index + 1]) if index + 1 < len(self._used_ns) else used_ns
