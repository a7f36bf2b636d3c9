"""Sleeps until something is due, precisely enough that a process has its real CPU for as long as its slice."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time

from sandbox.machines.clock import Clock
from sandbox.machines.linux.delay import Delay
from sandbox.machines.linux.poller import Poller
from sandbox.util.units import MS, US, S

#: The last part of the wait for an expiry is a busy wait, because a sleep would end early or late.
_SPIN_NS = 200 * US
#: A sleep of at least _MIN_LONG_NS ends late, by a varying time. So it is ended _NEAR_NS early and followed by a short
#: one.
_MIN_LONG_NS, _NEAR_NS = 2 * MS, 300 * US
#: The reaction time that is assumed before the first one was measured. A reaction slower than the maximum has another
#: cause, such as other load on our CPU, and is not used to predict the next one.
_USUAL_REACTION_NS, _MAX_REACTION_NS = 100 * US, 400 * US
#: Delays below this happen on every machine. A policy that takes longer is interrupted, and reported separately.
_MIN_STALL_NS = 1 * S


class SliceTimer:
    """Times slices and sleeps. Times of slices are machine times, those of sleeps are of CLOCK_MONOTONIC.

    On ``dedicated`` CPUs, which only run the processes, a stop takes time to arrive, so a slice is declared expired
    that much early. On a CPU that is shared with us no process runs while we do, so a slice begins when we go to sleep.
    """

    def __init__(self, clock: Clock, poller: Poller, dedicated: bool) -> None:
        self._clock = clock
        self._poller = poller
        self._dedicated = dedicated
        #: The usual time from declaring a slice expired until the stop is sent, and when a slice was last declared
        #: expired.
        self._reaction = Delay(_USUAL_REACTION_NS if dedicated else 0, _MAX_REACTION_NS)
        self._expired_ns: int | None = None
        #: When a process was run after which we have not slept yet; how much later its slice began for that reason.
        self._started_ns: int | None = None
        self._owed_ns = 0
        #: The intended end of our sleep, or when we last woke.
        self._due_ns = 0

    def start(self) -> None:
        """Do not count the time of preparations as a stall."""
        self._due_ns = time.monotonic_ns()

    def expiry_ns(self, end_ns: int) -> int:
        """Return when to declare a slice expired that ends at ``end_ns``."""
        return end_ns - self._reaction.usual_ns + self._owed_ns

    def wake_ns(self, expiry_ns: int) -> int:
        """Return until when to sleep for this expiry, given how late sleeps usually end."""
        return expiry_ns - self._poller.lateness.usual_ns if self._dedicated else expiry_ns

    def begin(self) -> None:
        """Note that there is nothing left to do but sleep, so that the slices of processes begin."""
        self._expired_ns = None
        if self._started_ns is not None:
            self._owed_ns, self._started_ns = self._clock.now_ns() - self._started_ns, None

    def sleep(self, until_ns: int, precisely: bool = False) -> tuple[bool, int]:
        """Wait until ``until_ns`` and handle the poller's events. Return whether there were any, and for how long we
        were stalled, in ns: stopped or starved by other programs, so that no process was scheduled (0: less than
        matters)."""
        now_ns = time.monotonic_ns()
        late_ns, self._due_ns = now_ns - self._due_ns, max(now_ns, until_ns)
        stalled_ns = late_ns if late_ns > _MIN_STALL_NS else 0
        in_two = precisely and self._dedicated and until_ns - now_ns > _MIN_LONG_NS
        handled = self._poller.wait(until_ns - _NEAR_NS, roughly=True) if in_two else False
        if not in_two or self._poller.timed_out:
            handled = self._poller.wait(until_ns, roughly=not precisely)
        now_ns = self._poller.woke_ns
        late_ns, self._due_ns = now_ns - self._due_ns, now_ns
        return handled, stalled_ns + (late_ns if late_ns > _MIN_STALL_NS else 0)

    def spin(self, expiry_ns: int) -> int:
        """Busy-wait until a slice is to be declared expired, if that is near. Return the machine time."""
        until_ns, now = self._clock.monotonic_ns(expiry_ns), time.monotonic_ns
        while 0 < until_ns - now() < _SPIN_NS:
            pass
        return self._clock.now_ns()

    def expired(self, now_ns: int) -> None:
        """Note that a slice was declared expired."""
        self._expired_ns = now_ns

    def switched(self, stopped_ns: int | None, started_ns: int | None) -> None:
        """Note that processes were stopped, the last of them at ``stopped_ns`` (CLOCK_MONOTONIC; None: none were), and
        run from ``started_ns`` on (machine time; None: none were)."""
        if not self._dedicated:
            self._owed_ns, self._started_ns = 0, started_ns
        elif stopped_ns is not None and self._expired_ns is not None:
            self._reaction.took(stopped_ns - self._expired_ns)
