"""Work other than scheduling. It is done together, now and then, so that most rounds of the loop only handle the end of
a slice."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time

from sandbox.machines.clock import Clock
from sandbox.machines.commands import Commands
from sandbox.machines.consoles import Consoles
from sandbox.machines.linux.blocking.waits import WaitMonitor
from sandbox.machines.linux.monopoly import Monopoly
from sandbox.machines.linux.net.monitor import NetMonitor
from sandbox.machines.linux.population import Population
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.memory import MemoryLimits
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.process.signals import SentSignals
from sandbox.machines.linux.process.terminate import Terminator
from sandbox.machines.linux.switching.pinning import Pinning
from sandbox.machines.linux.switching.recipe import RecipeInForce
from sandbox.machines.linux.switching.stolen import StolenTime
from sandbox.machines.linux.switching.stop_monitor import StopMonitor
from sandbox.machines.linux.unattended import UnattendedRun
from sandbox.machines.operator_link import OperatorLink
from sandbox.machines.reports import Reports
from sandbox.util.units import MS

#: The longest time between two rounds of all chores; the shortest one after a descriptor was handled.
_MAX_PAUSE_NS, _MIN_PAUSE_NS = 50 * MS, 2 * MS
#: Chores that nothing asks for are done this much early if the machine would otherwise wake for them between two
#: switches. A wake-up takes some 100 µs of CPU time, because the caches have been used by others meanwhile.
_EARLY_NS = 20 * MS


class Chores:
    """The chores. Times are of CLOCK_MONOTONIC, because chores are done in pauses, too. ``unattended``: checked if the
    run is not ``attended``."""

    def __init__(
        self,
        clock: Clock,
        link: OperatorLink,
        table: ProcessTable,
        reports: Reports,
        *,
        attended: bool,
        population: Population,
        recipe: RecipeInForce,
        stop_monitor: StopMonitor,
        stolen: StolenTime,
        pinning: Pinning,
        commands: Commands,
        memory: MemoryLimits,
        terminator: Terminator,
        net: NetMonitor,
        waits: WaitMonitor,
        signals: SentSignals,
        consoles: Consoles[Child],
        monopoly: Monopoly,
        unattended: UnattendedRun,
    ) -> None:
        self._clock = clock
        self._link = link
        self._table = table
        self._reports = reports
        self._attended = attended
        self._population = population
        self._recipe = recipe
        self._stop_monitor = stop_monitor
        self._stolen = stolen
        self._pinning = pinning
        self._commands = commands
        self._memory = memory
        self._terminator = terminator
        self._net = net
        self._waits = waits
        self._signals = signals
        self._consoles = consoles
        self._monopoly = monopoly
        self._unattended = unattended
        #: Whether something has happened that requires all chores.
        self.stirred = True
        #: When the first chore is due, except for frequent ones, which have their own times; since when it may be done.
        self._due_ns = self._early_ns = 0
        self._done_ns = 0

    def heard(self) -> None:
        """Note that a descriptor was handled. Chores that follow from it are not urgent."""
        self._due_ns = min(self._due_ns, self._done_ns + _MIN_PAUSE_NS)
        self._early_ns = min(self._due_ns, self._early_ns)

    def do(self, wake_ns: int | None) -> int:
        """Do the chores that are due, or all of them if ``stirred``. Returns when the next one is due. ``wake_ns``:
        when the machine wakes next for another reason; None: unknown."""
        now_ns = time.monotonic_ns()
        due_ns = self._due_ns if wake_ns is None or wake_ns < self._due_ns else self._early_ns
        if now_ns < due_ns and not self.stirred:
            next_ns = self._next_ns
            if now_ns < next_ns:
                return next_ns
            self._do_frequent(now_ns)
        else:
            self._do_all()
        return self._next_ns

    @property
    def _next_ns(self) -> int:
        """When the next chore is due."""
        due_ns, check_ns = min(self._due_ns, self._stop_monitor.next_ns, self._net.next_ns), self._link.next_check_ns
        return due_ns if check_ns is None or due_ns < check_ns else check_ns

    def _do_frequent(self, now_ns: int) -> None:
        """Do the chores that are due many times a second, without the others."""
        if (check_ns := self._link.next_check_ns) is not None and now_ns >= check_ns:
            self._commands.check()
            self._hold_back()
        if now_ns >= self._stop_monitor.next_ns:
            self._stop_monitor.check()
        if now_ns >= self._net.next_ns:
            self._net.look()

    def _do_all(self) -> None:
        self.stirred = False
        self._population.scan()
        self._recipe.check()
        self._stop_monitor.check(_EARLY_NS)
        self._account_long_turns()
        self._pinning.check(self._table.running.values())
        self._commands.check()
        self._memory.check()
        self._terminator.escalate()
        self._net.look()
        self._waits.look(self._clock.frozen)
        self._population.remains.look()
        self._signals.look()
        self._consoles.tick()
        self._hold_back()
        if not self._clock.frozen:
            self._monopoly.check(self._clock.now_ns())
            if not self._attended:
                self._unattended.check(self._clock.now_ns())
        times = (self._terminator.next_ns, self._consoles.next_ns, self._commands.next_ns, self._memory.next_ns)
        soon = (self._waits, self._population.remains, self._signals)
        self._done_ns = time.monotonic_ns()
        latest_ns = self._done_ns + min(self._recipe.pause_ns or self._unattended.pause_ns, _MAX_PAUSE_NS)
        asked_ns = min(*(part.next_ns for part in soon), *(ns for ns in times if ns is not None))
        self._due_ns, self._early_ns = min(latest_ns, asked_ns), min(latest_ns - _EARLY_NS, asked_ns)

    def _hold_back(self) -> None:
        """Stop reading consoles while the link is behind, and in a pause, in which no write may proceed."""
        self._consoles.hold_back(self._link.behind or (self._clock.frozen and self._stop_monitor.spares))

    def _account_long_turns(self) -> None:
        """Account for stolen time of turns that are not over; they may last as long as the run."""
        now_ns = self._clock.now_ns()
        for child in self._table.running.values():
            self._reports.add_stolen(child, self._stolen.end_piece(child, now_ns))
