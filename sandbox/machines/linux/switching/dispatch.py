"""Puts processes on CPUs and takes them off.

There are two orders. *Overlapped*, if we have a CPU of our own: stop one process and continue the next back to back,
and confirm the stop afterwards, so that the CPU is never idle in between. *Sequential*, if the machine has a single
CPU: a stop takes effect only while we sleep, so it is awaited first. How a process is stopped, by a signal or the
freezer, is decided in ``Child.stop``.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import select
import time
from collections.abc import Iterable, Sequence

from sandbox.machines.clock import Clock
from sandbox.machines.console import Console
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.process.reaper import Reaper
from sandbox.machines.linux.process.suspension import CTRL_Z
from sandbox.machines.linux.switching.pinning import Pinning
from sandbox.machines.linux.switching.precedence import favour_no_longer, favour_parents
from sandbox.machines.linux.switching.writes import WriteGuard
from sandbox.util.units import MS, US

#: How long to wait for a stop after the next process has been continued (overlapped), or before (sequential). Then the
#: loop goes on without it, since a stop in the middle of a vfork may never take effect.
_MAX_AFTER_NS = 300 * US
_MAX_BEFORE_NS = 2 * MS
#: The characters that a terminal turns into signals: those of ctrl+c, ctrl+z and ctrl+\.
_SIGNAL_KEYS = "\x03\x1c" + CTRL_Z
#: The interval of polling processes that are being frozen, because no event tells that they are.
_LOOK_S = 20e-6


class Dispatcher:
    """Carries out stops and runs. ``pinning`` keeps each process on its mini CPU; ``guard`` knows the processes that
    are in the middle of a write."""

    def __init__(self, pinning: Pinning, clock: Clock, reaper: Reaper, overlapped: bool, guard: WriteGuard) -> None:
        self._overlapped = overlapped
        self._guard = guard
        #: Whether other processes may stop ours, too. Then pending stops are looked for before each turn.
        self.careful = False
        #: The processes stopped by the last switch, if that was not awaited.
        self._unconfirmed: Sequence[Child] = ()
        #: When the last stops were sent (CLOCK_MONOTONIC).
        self.sent_ns = 0
        self._pinning = pinning
        self._clock = clock
        self._reaper = reaper
        self._child_signals = select.poll()
        self._child_signals.register(reaper.fileno(), select.POLLIN)

    def wait_for_stops(self) -> None:
        """Use the sequential order from now on, since processes would share a CPU before a stop takes effect."""
        self._overlapped = False
        self._reaper.hear_stops()

    def prepare_for_keys(self, keys: str, console: Console | None, children: Iterable[Child]) -> None:
        """Prepare for the signals that a terminal will send for these keys."""
        self.careful |= CTRL_Z in keys
        if console is not None and any(key in keys for key in _SIGNAL_KEYS):
            favour_parents(console, children)

    def switch(self, stops: Sequence[Child], runs: Sequence[tuple[Child, int]]) -> None:
        """Stop some processes and run others on their mini CPUs.

        Overlapped stops are still to be confirmed. A stop that could not be confirmed in time leaves ``stopping_ns``
        set. A process that is ``held`` does not run. Between the last stop and the first run a CPU is idle, so all work
        that can be done before or after is not done there.
        """
        for child, cpu in runs:
            if self.careful:
                child.hear_stops()
            if child.cpu != cpu:
                self._pinning.pin(child, cpu)
            if child.usual_class is not None:
                favour_no_longer(child)
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
        for child, _ in runs:  # now the CPUs are busy, so this delays no process
            self._pinning.keep(child)
        self._unconfirmed = stops if overlapped else ()

    def confirm(self) -> None:
        """Wait for the unconfirmed stops of the last switch. To be called as late as possible, because something else
        can be done while they take effect. Only processes with a turn to account for are awaited: a process that was
        just forked stops when it gets the CPU, which may take a slice."""
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
        # The system's account of a running process dates from about when it came onto the CPU.
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
    """Whether a process that is continued before its stop has taken effect, because it has just woken, may stop another
    one whose stop is pending. Two pending signals of a kind would merge. Only forked descendants stop each other."""
    relatives = (*stops, *(child for child, _ in runs))
    return any(child.stopping_ns is not None for child, _ in runs) and not all(child.forked for child in relatives)
