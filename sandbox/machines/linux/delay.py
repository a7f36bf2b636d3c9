"""Estimates how long something usually takes."""

from __future__ import annotations

#: The estimate is a moving average over so many times.
_MANY = 8


class Delay:
    """A moving average, in ns. ``assumed_ns``: the initial value, which counts like one measurement; ``most_ns``:
    longer times are ignored, because they were caused by something else."""

    __slots__ = ("_most_ns", "_times", "usual_ns")

    def __init__(self, assumed_ns: int, most_ns: int) -> None:
        self.usual_ns = assumed_ns
        self._most_ns = most_ns
        self._times = 1

    def took(self, ns: int) -> None:
        """Add a measurement."""
        if 0 < ns < self._most_ns:
            if self._times < _MANY:
                self._times += 1
            self.usual_ns += (ns - self.usual_ns) // self._times
