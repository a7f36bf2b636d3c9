"""What is known of a machine between its events: what time it is there, and how busy it has been."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from sandbox.tui.state.viewpoint import Viewpoint
from sandbox.util.units import MS, S

#: An event later than this was not on its way for so long: the machine's clock stood still in the meantime.
_LATE_NS = 100 * MS
#: The load is that of the last second. It changes no more often than one can read it.
_WINDOW_NS = 1 * S
_LOAD_EVERY_NS = 200 * MS


class MachineClock:
    """``clock``: our own, nanoseconds that go on by themselves. ``times``: how many times as fast the machine's goes
    (None: nobody can tell)."""

    def __init__(self, clock: Callable[[], int], times: Fraction | None = Fraction(1)) -> None:
        self._clock = clock
        self._times = times
        #: What our clock showed when the machine's stood at 0; None until that is known.
        self._zero_ns: int | None = None

    def lose(self) -> None:
        """It was set, or stood still: forget what is known of it."""
        self._zero_ns = None

    def set_pace(self, times: Fraction | None) -> None:
        """From now on it goes so fast."""
        self._times = times
        self.lose()

    def hear(self, t_ns: int, fresh: bool) -> None:
        """An event has come; ``fresh``: just now. The one that was on its way for the shortest tells most."""
        if self._times is None:
            return
        zero_ns = self._clock() - t_ns * self._times.denominator // self._times.numerator
        if self._zero_ns is None or zero_ns < self._zero_ns or (fresh and zero_ns > self._zero_ns + _LATE_NS):
            self._zero_ns = zero_ns

    def now_ns(self, told_ns: int) -> int:
        """The machine's time, as far as is known; not before that of its last event, ``told_ns``."""
        if self._zero_ns is None or self._times is None:
            return told_ns
        return max((self._clock() - self._zero_ns) * self._times.numerator // self._times.denominator, told_ns)


class Load:
    """The share of the last second in which the CPUs had a process."""

    def __init__(self) -> None:
        self._share = 0.0
        self._read_ns = -_LOAD_EVERY_NS

    def share(self, view: Viewpoint, moving: bool) -> float:
        """0 … 1; of a clock that does not move, read anew at once."""
        now_ns, history = view.now_ns, view.history
        cpus = history.booted.cpus if history.booted is not None else 1
        if now_ns - self._read_ns >= _LOAD_EVERY_NS or not moving or now_ns < self._read_ns:
            from_ns = max(now_ns - _WINDOW_NS, 0)
            busy_ns = sum(track.used_ns(now_ns) - track.used_ns(from_ns) for track in history.cpus.values())
            self._read_ns, self._share = now_ns, min(busy_ns / max((now_ns - from_ns) * cpus, 1), 1.0)
        return self._share
