"""Estimates of a machine's state between its events: its time, and the load of its CPUs."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from sandbox.tui.state.viewpoint import Viewpoint
from sandbox.util.units import MS, S

#: An event that arrives later than expected by more than this was not merely delayed: the machine's clock has stood
#: still.
_LATE_NS = 100 * MS
#: The load is that of the last second, and is updated no more often than a reader can follow.
_WINDOW_NS = 1 * S
_LOAD_EVERY_NS = 200 * MS


class MachineClock:
    """An estimate of a machine's time. ``clock``: the app's own clock, in ns. ``times``: the speed of the machine's
    clock relative to it (None: unknown)."""

    def __init__(self, clock: Callable[[], int], times: Fraction | None = Fraction(1)) -> None:
        self._clock = clock
        self._times = times
        #: The time of the app's clock at which the machine's clock showed 0; None if unknown.
        self._zero_ns: int | None = None

    def lose(self) -> None:
        """Forget the estimate, as the machine's clock was set or stood still."""
        self._zero_ns = None

    def set_pace(self, times: Fraction | None) -> None:
        """Set the speed of the machine's clock relative to the app's."""
        self._times = times
        self.lose()

    def hear(self, t_ns: int, fresh: bool) -> None:
        """Take note of an event's time. ``fresh``: it has arrived just now. The event with the shortest delay is the
        most precise one."""
        if self._times is None:
            return
        zero_ns = self._clock() - t_ns * self._times.denominator // self._times.numerator
        if self._zero_ns is None or zero_ns < self._zero_ns or (fresh and zero_ns > self._zero_ns + _LATE_NS):
            self._zero_ns = zero_ns

    def now_ns(self, told_ns: int) -> int:
        """Return the machine's time, in ns, as far as known; never less than ``told_ns``, the time of its last
        event."""
        if self._zero_ns is None or self._times is None:
            return told_ns
        return max((self._clock() - self._zero_ns) * self._times.numerator // self._times.denominator, told_ns)


class Load:
    """The share of the CPUs' time in the last second that processes used."""

    def __init__(self) -> None:
        self._share = 0.0
        self._read_ns = -_LOAD_EVERY_NS

    def share(self, view: Viewpoint, moving: bool) -> float:
        """Return the share, 0 … 1. It is recomputed at most every 200 ms while the clock is moving, else at every
        call."""
        now_ns, history = view.now_ns, view.history
        cpus = history.booted.cpus if history.booted is not None else 1
        if now_ns - self._read_ns >= _LOAD_EVERY_NS or not moving or now_ns < self._read_ns:
            from_ns = max(now_ns - _WINDOW_NS, 0)
            busy_ns = sum(track.used_ns(now_ns) - track.used_ns(from_ns) for track in history.cpus.values())
            self._read_ns, self._share = now_ns, min(busy_ns / max((now_ns - from_ns) * cpus, 1), 1.0)
        return self._share
