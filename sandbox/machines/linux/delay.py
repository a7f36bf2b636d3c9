"""How long something takes as a rule."""

from __future__ import annotations

#: The usual is the mean of so many, the later ones weighing more.
_MANY = 8


class Delay:
    """Learns from each time; times in ns. ``assumed_ns``: what is usual before anything was learned, which counts like
    one time; ``most_ns``: what took as long was held up by something else, and says nothing about the next time."""

    __slots__ = ("_most_ns", "_times", "usual_ns")

    def __init__(self, assumed_ns: int, most_ns: int) -> None:
        self.usual_ns = assumed_ns
        self._most_ns = most_ns
        self._times = 1

    def took(self, ns: int) -> None:
        """It has just taken so long."""
        if 0 < ns < self._most_ns:
            if self._times < _MANY:
                self._times += 1
            self.usual_ns += (ns - self.usual_ns) // self._times
