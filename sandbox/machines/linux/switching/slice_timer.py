"""How we sleep until something is due, so that a process has its real CPU for as long as its slice was granted."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time

from sandbox.machines.clock import Clock
from sandbox.machines.linux.delay import Delay
from sandbox.machines.linux.poller import Poller
from sandbox.util.units import MS, US, S

#: The last stretch before an expiry is waited for awake: a sleep would end somewhat early or late.
_SPIN_NS = 200 * US
#: A long sleep ends late, and each time another bit: it is broken off so long before its end, and a short one follows.
_MIN_LONG_NS, _NEAR_NS = 2 * MS, 300 * US
#: What is assumed before the first one. A slower reaction than the most was caused by something else on our CPU, and
#: says nothing about the next one.
_USUAL_REACTION_NS, _MAX_REACTION_NS = 100 * US, 400 * US
#: Every machine delays us by less than this now and then; a policy that takes so long is interrupted, which is told by
#: itself.
_MIN_STALL_NS = 1 * S


class SliceTimer:
    """Times of slices are the machine's, times of sleeps are of CLOCK_MONOTONIC.

    On ``dedicated`` CPUs, which are the processes' alone, a stop takes time to arrive, so a slice is declared expired
    that much early. On a CPU that we share nobody else runs while we do, so a slice begins when we have gone to sleep.
    """

    def __init__(self, clock: Clock, poller: Poller, dedicated: bool) -> None:
        self._clock = clock
        self._poller = poller
        self._dedicated = dedicated
        #: How long it takes us as a rule from declaring a slice expired until the stop is sent, and when we last did.
        self._reaction = Delay(_USUAL_REACTION_NS if dedicated else 0, _MAX_REACTION_NS)
        self._expired_ns: int | None = None
        #: When we let somebody run and have not gone to sleep since; how much later its slice then began.
        self._started_ns: int | None = None
        self._owed_ns = 0
        #: Until when we meant to sleep, or when we last woke.
        self._due_ns = 0

    def start(self) -> None:
        """The time that it took to get ready was no stall."""
        self._due_ns = time.monotonic_ns()

    def expiry_ns(self, end_ns: int) -> int:
        """When a slice that ends then is declared expired."""
        return end_ns - self._reaction.usual_ns + self._owed_ns

    def wake_ns(self, expiry_ns: int) -> int:
        """When a sleep has to end for that, which takes its time as well."""
        return expiry_ns - self._poller.lateness.usual_ns if self._dedicated else expiry_ns

    def begin(self) -> None:
        """We have nothing left to do but wait."""
        self._expired_ns = None
        if self._started_ns is not None:
            self._owed_ns, self._started_ns = self._clock.now_ns() - self._started_ns, None

    def sleep(self, until_ns: int, precisely: bool = False) -> tuple[bool, int]:
        """Handle what the poller has until then: whether there was anything, and for how long we were stalled (stopped
        or starved by other programs, so that nothing was scheduled); 0: not for long enough to matter."""
        now_ns = time.monotonic_ns()
        late_ns, self._due_ns = now_ns - self._due_ns, max(now_ns, until_ns)
        stalled_ns = late_ns if late_ns > _MIN_STALL_NS else 0
        in_two = precisely and self._dedicated and until_ns - now_ns > _MIN_LONG_NS
        handled = self._poller.wait(until_ns - _NEAR_NS, roughly=True) if in_two else False
        if not in_two or self._poller.timed_out:
            handled = self._poller.wait(until_ns)
        now_ns = self._poller.woke_ns
        late_ns, self._due_ns = now_ns - self._due_ns, now_ns
        return handled, stalled_ns + (late_ns if late_ns > _MIN_STALL_NS else 0)

    def spin(self, expiry_ns: int) -> int:
        """Wait awake until then, when a slice is to be declared expired, if that is near. Returns the time."""
        until_ns, now = self._clock.monotonic_ns(expiry_ns), time.monotonic_ns
        while 0 < until_ns - now() < _SPIN_NS:
            pass
        return self._clock.now_ns()

    def expired(self, now_ns: int) -> None:
        """A slice has been declared expired just now."""
        self._expired_ns = now_ns

    def switched(self, stopped_ns: int | None, started_ns: int | None) -> None:
        """Processes were told to stop (when, the last of them; None: none were), and let run."""
        if not self._dedicated:
            self._owed_ns, self._started_ns = 0, started_ns
        elif stopped_ns is not None and self._expired_ns is not None:
            self._reaction.took(stopped_ns - self._expired_ns)
