"""The machine's clock: nanoseconds since boot, standing still while the machine is frozen."""

from __future__ import annotations

import mmap
import time


class Clock:
    """CLOCK_MONOTONIC, less the time of boot and of all pauses; jumps of the wall clock do not touch it."""

    def __init__(self) -> None:
        """It stands at 0 until ``start``."""
        self._boot_ns = time.monotonic_ns()
        self._least_ns = 0
        #: How long the machine has stood still, and since when it does (None: it does not).
        self._paused_ns = 0
        self._frozen_ns: int | None = self._boot_ns
        #: How long the operator's watch has stood still, and whether it does in this pause.
        self._unwatched_ns = 0
        self.watch_stands = False
        #: The CLOCK_MONOTONIC time at which the machine's time was 0, if there had been no pauses: for processes that
        #: are forked from this one to read.
        self.zero = memoryview(mmap.mmap(-1, 8)).cast("q")

    @property
    def frozen(self) -> bool:
        return self._frozen_ns is not None

    def now_ns(self) -> int:
        """The machine's time."""
        until_ns = time.monotonic_ns() if self._frozen_ns is None else self._frozen_ns
        now_ns = until_ns - self._boot_ns - self._paused_ns
        return max(self._least_ns, now_ns)

    def round_up(self, now_ns: int) -> int:
        """Say that it is so late already, which it will be in a moment; the time never goes back. Returns the time."""
        self._least_ns = max(self._least_ns, now_ns)
        return self.now_ns()

    def watch_ns(self) -> int:
        """The operator's watch: it goes on in a pause, unless that was not his."""
        until_ns = self._frozen_ns if self._frozen_ns is not None and self.watch_stands else time.monotonic_ns()
        return until_ns - self._boot_ns - self._unwatched_ns

    def monotonic_ns(self, at_ns: int) -> int:
        """The CLOCK_MONOTONIC time at which the machine's time will be ``at_ns``, if no pause comes between."""
        return at_ns + self._boot_ns + self._paused_ns

    def machine_ns(self, monotonic_ns: int) -> int:
        """The machine's time at a moment of CLOCK_MONOTONIC since the last pause."""
        return monotonic_ns - self._boot_ns - self._paused_ns

    def watch_monotonic_ns(self, at_ns: int) -> int:
        """The CLOCK_MONOTONIC time at which the operator's watch will show ``at_ns``."""
        return at_ns + self._boot_ns + self._unwatched_ns

    def start(self) -> None:
        """Boot is now."""
        self._boot_ns, self._frozen_ns = time.monotonic_ns(), None
        self.zero[0] = self.monotonic_ns(0)

    def freeze(self, watch_stands: bool) -> None:
        """Stand still; the operator's watch, too, or not."""
        if self._frozen_ns is None:
            self._frozen_ns, self.watch_stands = time.monotonic_ns(), watch_stands

    def thaw(self) -> None:
        if self._frozen_ns is not None:
            stood_ns = time.monotonic_ns() - self._frozen_ns
            self._paused_ns += stood_ns
            self._unwatched_ns += stood_ns if self.watch_stands else 0
            self._frozen_ns, self.watch_stands = None, False
            self.zero[0] = self.monotonic_ns(0)
