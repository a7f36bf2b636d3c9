"""What held from when on, kept in a few bytes a change: where a process was, or whose a CPU was.

A run of hours has millions of changes, and a picture of any stretch of it shall cost no more than what is in the
picture; so times are found by halving, and the time that was used up to each change is kept with it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

#: Where a process is when it is on no CPU; ``ON_CPU + k``: it runs on CPU ``k``.
GONE, BLOCKED, READY, ON_CPU = -2, -1, 0, 1
#: Whose a CPU is when it is nobody's; else the value is a pid.
NOBODY = 0
#: So many changes are kept: 1 MB. When there are more, of the older half only every second pair is: at the scale at
#: which so much fits into a picture that shows the same, and the time used up to each change that is kept stays exact.
MAX_CHANGES = 50_000


class Track:
    """Values over time, each from its time to the next one's. Positive values are use: of a CPU, or by a process."""

    __slots__ = ("_used_ns", "times", "values")

    def __init__(self) -> None:
        self.times = array("q")
        self.values = array("i")
        #: How long values were positive before each change.
        self._used_ns = array("q")

    def __len__(self) -> int:
        return len(self.times)

    def put(self, t_ns: int, value: int) -> None:
        """From ``t_ns`` on it is ``value``; times do not go back."""
        self._used_ns.append(self._used_by_now_ns(t_ns))
        self.times.append(t_ns)
        self.values.append(value)
        if len(self.times) > MAX_CHANGES:
            self._thin(len(self.times) // 2)

    def _used_by_now_ns(self, t_ns: int) -> int:
        """``used_ns`` of a time after the last change."""
        if not self.times:
            return 0
        used_ns = self._used_ns[-1]
        return used_ns + t_ns - self.times[-1] if self.values[-1] > 0 else used_ns

    def put_in_passing(self, t_ns: int, value: int) -> None:
        """The same, but what has lasted no time at all leaves no trace."""
        while self.times and self.times[-1] == t_ns:
            self.times.pop()
            self.values.pop()
            self._used_ns.pop()
        if not self.values or self.values[-1] != value:
            self.put(t_ns, value)

    def until(self, t_ns: int) -> Track:
        """A track of its own, as this one was after the instant ``t_ns``."""
        count, track = bisect_right(self.times, t_ns), Track()
        track.times, track.values, track._used_ns = self.times[:count], self.values[:count], self._used_ns[:count]
        return track

    @property
    def last(self) -> Track:
        """A track of its own that knows the present value and the time used, and nothing of how that came."""
        track = Track()
        track.times, track.values, track._used_ns = self.times[-1:], self.values[-1:], self._used_ns[-1:]
        return track

    def _thin(self, older: int) -> None:
        for kept in (self.times, self.values, self._used_ns):
            kept[:older] = array(kept.typecode, [kept[index] for index in range(older) if index % 4 < 2])

    def at(self, t_ns: int) -> int:
        """The index of the change that holds at ``t_ns``; -1 before the first."""
        return bisect_right(self.times, t_ns) - 1

    def before(self, t_ns: int) -> int:
        """The index of the change that held just before ``t_ns``; -1 if there was none."""
        return bisect_left(self.times, t_ns) - 1

    def end_ns(self, index: int, now_ns: int) -> int:
        """When a value ceases to hold; the present for the last one."""
        return self.times[index + 1] if index + 1 < len(self.times) else now_ns

    def used_ns(self, until_ns: int) -> int:
        """For how long values were positive until then, the last one going on."""
        index = self.at(until_ns)
        if index < 0:
            return 0
        used_ns = self._used_ns[index] + (until_ns - self.times[index] if self.values[index] > 0 else 0)
        return min(used_ns, self._used_ns[index + 1]) if index + 1 < len(self._used_ns) else used_ns
