"""The machine's clock: nanoseconds since boot, standing still while the machine is frozen."""

from __future__ import annotations

import mmap
import time


class Clock:
    """CLOCK_MONOTONIC, less the time of boot and of all pauses; jumps of the wall clock do not touch it.

    The operator's watch is a second one beside it, by which scripted commands are due: it goes on in a pause that the
    script itself ends. Both stand at 0 until ``start``.
    """

    def __init__(self) -> None:
        self._boot_ns = time.monotonic_ns()
        #: The CLOCK_MONOTONIC time at which the machine's time would have been 0 without pauses.
        self._zero_ns = self._boot_ns
        #: The time is taken to be at least this, since it was rounded up to it.
        self._min_ns = 0
        #: Since when the machine is frozen (None: it is not).
        self._frozen_ns: int | None = self._boot_ns
        self.frozen = True
        #: How long the operator's watch has stood still, and whether it does in this pause.
        self._watch_paused_ns = 0
        self.watch_stands = False
        #: The same, where processes that are forked from this one can read it.
        self.zero = memoryview(mmap.mmap(-1, 8)).cast("q")

    def now_ns(self) -> int:
        """The machine's time. It is asked for many times in each slice."""
        now_ns = (time.monotonic_ns() if self._frozen_ns is None else self._frozen_ns) - self._zero_ns
        if now_ns > self._min_ns:  # as a rule, and to ask max would take three times as long
            return now_ns
        return self._min_ns

    def round_up(self, now_ns: int) -> int:
        """Take it to be so late already, which it will be in a moment; the time never goes back. Returns the time."""
        self._min_ns = max(self._min_ns, now_ns)
        return self.now_ns()

    def watch_ns(self) -> int:
        """The time of the operator's watch."""
        until_ns = self._frozen_ns if self._frozen_ns is not None and self.watch_stands else time.monotonic_ns()
        return until_ns - self._boot_ns - self._watch_paused_ns

    def monotonic_ns(self, at_ns: int) -> int:
        """The CLOCK_MONOTONIC time at which the machine's time will be ``at_ns``, if no pause comes between."""
        return at_ns + self._zero_ns

    def machine_ns(self, monotonic_ns: int) -> int:
        """The machine's time at a moment of CLOCK_MONOTONIC since the last pause."""
        return monotonic_ns - self._zero_ns

    def watch_monotonic_ns(self, at_ns: int) -> int:
        """The CLOCK_MONOTONIC time at which the operator's watch will show ``at_ns``."""
        return at_ns + self._boot_ns + self._watch_paused_ns

    def start(self) -> None:
        """Boot is now."""
        now_ns = time.monotonic_ns()
        self._boot_ns = self._zero_ns = self.zero[0] = now_ns
        self._frozen_ns, self.frozen = None, False

    def freeze(self, watch_stands: bool) -> None:
        """Stand still, and the operator's watch, too, or not."""
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
