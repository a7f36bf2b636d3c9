"""The machine's clock: nanoseconds since boot, stopped while the machine is frozen."""

from __future__ import annotations

import mmap
import time


class Clock:
    """CLOCK_MONOTONIC, less the time of boot and all pauses. It is not affected by changes of the wall clock.

    The operator's watch is a second clock, by which scripted commands are due. It continues in pauses that the script
    itself ends. Both are 0 until ``start``.
    """

    def __init__(self) -> None:
        self._boot_ns = time.monotonic_ns()
        #: The CLOCK_MONOTONIC time at which the machine's time would have been 0 without pauses.
        self._zero_ns = self._boot_ns
        #: A lower bound of the time, set by ``round_up``.
        self._min_ns = 0
        #: Since when the machine has been frozen (None: it is not).
        self._frozen_ns: int | None = self._boot_ns
        self.frozen = True
        #: For how long the operator's watch was stopped, and whether it is in this pause.
        self._watch_paused_ns = 0
        self.watch_stands = False
        #: ``_zero_ns`` in memory that is shared with processes that are forked from this one.
        self.zero = memoryview(mmap.mmap(-1, 8)).cast("q")

    def now_ns(self) -> int:
        """Return the machine's time. Called many times in each slice."""
        now_ns = (time.monotonic_ns() if self._frozen_ns is None else self._frozen_ns) - self._zero_ns
        if now_ns > self._min_ns:  # the usual case; calling max() would take three times as long
            return now_ns
        return self._min_ns

    def round_up(self, now_ns: int) -> int:
        """Set a lower bound of the time, which is reached soon anyway; the time never goes back. Returns the time."""
        self._min_ns = max(self._min_ns, now_ns)
        return self.now_ns()

    def watch_ns(self) -> int:
        """Return the time of the operator's watch."""
        until_ns = self._frozen_ns if self._frozen_ns is not None and self.watch_stands else time.monotonic_ns()
        return until_ns - self._boot_ns - self._watch_paused_ns

    def monotonic_ns(self, at_ns: int) -> int:
        """Return the CLOCK_MONOTONIC time at which the machine's time will be ``at_ns``, if there is no pause
        before."""
        return at_ns + self._zero_ns

    def machine_ns(self, monotonic_ns: int) -> int:
        """Return the machine's time at a CLOCK_MONOTONIC time since the last pause."""
        return monotonic_ns - self._zero_ns

    def watch_monotonic_ns(self, at_ns: int) -> int:
        """Return the CLOCK_MONOTONIC time at which the operator's watch will show ``at_ns``."""
        return at_ns + self._boot_ns + self._watch_paused_ns

    def start(self) -> None:
        """Start both clocks at 0."""
        now_ns = time.monotonic_ns()
        self._boot_ns = self._zero_ns = self.zero[0] = now_ns
        self._frozen_ns, self.frozen = None, False

    def freeze(self, watch_stands: bool) -> None:
        """Stop the clock. ``watch_stands``: stop the operator's watch, too."""
        if self._frozen_ns is None:
            self._frozen_ns, self.watch_stands = time.monotonic_ns(), watch_stands
            self.frozen = True

    def thaw(self) -> None:
        if self._frozen_ns is not None:
            frozen_ns = time.monotonic_ns() - self._frozen_ns
            self._zero_ns += frozen_ns
            self._watch_paused_ns += frozen_ns if self.watch_stands else 0
            self._frozen_ns, self.frozen, self.watch_stands = None, False, False
            self.zero[0] = self._zero_ns
