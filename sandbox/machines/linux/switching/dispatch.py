"""Putting processes on CPUs and taking them off.

Two orders. *Overlapped*, where we have a CPU of our own: stop the one and continue the other back to back, and see the
stop confirmed afterwards; the CPU is never without work in between. *Sequential*, where the machine has a single CPU:
the stop takes effect only while we sleep, so it is awaited first. How a process is stopped, by a signal or by freezing
it, is its own (``Child.stop``).
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import select
import time
from collections.abc import Sequence

from sandbox.machines.clock import Clock
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.process.reaper import Reaper
from sandbox.machines.linux.switching.pinning import Pinning
from sandbox.machines.linux.switching.writes import WriteGuard
from sandbox.util.units import MS, US

#: So long a stop is waited for after the next process has been continued (overlapped), or before (sequential); then the
#: loop goes on without it: in the middle of a vfork it may never come.
_MAX_AFTER_NS = 300 * US
_MAX_BEFORE_NS = 2 * MS
#: A process that is being frozen wakes nobody: so often it is looked at.
_LOOK_S = 20e-6


class Dispatcher:
    """Obeys stops and runs. ``pinning`` keeps each process on its mini CPU; ``guard`` knows whom a stop would harm."""

    def __init__(self, pinning: Pinning, clock: Clock, reaper: Reaper, overlapped: bool, guard: WriteGuard) -> None:
        self._overlapped = overlapped
        self._guard = guard
        #: Whether others may stop our processes, too: then that is looked for before each turn.
        self.careful = False
        #: Whom the last switch has stopped, where that was not waited for.
        self._unconfirmed: Sequence[Child] = ()
        #: When the last stops were sent (CLOCK_MONOTONIC).
        self.sent_ns = 0
        self._pinning = pinning
        self._clock = clock
        self._reaper = reaper
        self._child_signals = select.poll()
        self._child_signals.register(reaper.fileno(), select.POLLIN)

    def wait_for_stops(self) -> None:
        """Go over to the sequential order: processes would share a CPU before a stop takes effect."""
        self._overlapped = False
        self._reaper.hear_stops()

    def switch(self, stops: Sequence[Child], runs: Sequence[tuple[Child, int]]) -> None:
        """Stop some processes and let others run on their mini CPUs.

        Overlapped stops are still to be confirmed. A stop that could not be confirmed in time leaves ``stopping_ns``
        set. One that is ``held`` does not run. Between the last stop and the first run a CPU is without work: what can
        be done elsewhere is not done there.
        """
        for child, cpu in runs:
            if self.careful:
                child.hear_stops()
            if child.cpu != cpu:
                self._pinning.pin(child, cpu)
        overlapped = self._overlapped and not (self.careful and _may_stop(runs, stops))
        for child in stops:
            child.mode = Mode.STOPPED
            if child.may_write and self._guard.spares(child):
                child.spare()
            else:
                child.stop()
        self.sent_ns = time.monotonic_ns()
        if not overlapped:
            self._confirm(stops, asleep=not self._overlapped, within_ns=_MAX_BEFORE_NS)
        for child, _ in runs:
            self._run(child)
        for child, _ in runs:  # now nobody waits for it
            self._pinning.keep(child)
        self._unconfirmed = stops if overlapped else ()

    def confirm(self) -> None:
        """See the stops of the last switch confirmed, if they are not yet. To be called as late as possible: they take
        a moment, in which something else can be done. Only those are waited for who have had a CPU, whose books are
        closed now: one that has only just been forked stops when the CPU comes to it, which may take a slice."""
        if self._unconfirmed:
            stops, self._unconfirmed = [child for child in self._unconfirmed if child.turn_ns is not None], ()
            self._confirm(stops, asleep=False, within_ns=_MAX_AFTER_NS)

    def stopped(self, child: Child) -> bool:
        """Whether the stop that was sent has taken effect."""
        return (child.forked and child.leaf is None and self._reaper.stopped(child.os_pid)) or child.stands_still()

    def _run(self, child: Child) -> None:
        child.resume()
        child.started_ns = self._clock.now_ns()
        child.mode = Mode.RUNNING
        # The system's books of a process that runs are from before it came onto the CPU, or nearly.
        child.started_cpu_ns = child.cpu_ns()

    def _confirm(self, children: Sequence[Child], asleep: bool, within_ns: int) -> None:
        waiting = [child for child in children if child.stopping_ns is not None and not child.spared]
        give_up_ns = time.monotonic_ns() + within_ns
        while waiting:
            for child in [child for child in waiting if self.stopped(child)]:
                child.stopping_ns = None
                waiting.remove(child)
            if not waiting or time.monotonic_ns() > give_up_ns:
                return
            if asleep and all(child.leaf is not None for child in waiting):
                time.sleep(_LOOK_S)
            elif asleep:
                self._child_signals.poll(1)
                self._reaper.clear()


def _may_stop(runs: Sequence[tuple[Child, int]], stops: Sequence[Child]) -> bool:
    """Whether one that goes on at once, because it has only just woken, may stop one whose stop is still on its way:
    two signals of a kind that wait are one. It is families that stop their own."""
    relatives = (*stops, *(child for child, _ in runs))
    return any(child.stopping_ns is not None for child, _ in runs) and not all(child.forked for child in relatives)
