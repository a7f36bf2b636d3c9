"""Births and exits of processes: they are admitted, adopted, or recorded if they have ended already; then reaped.

All parts of the machine that have to know of births and exits are informed here.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time
from collections.abc import Iterable
from functools import partial

from sandbox.kernel.machine import Arrived, Ended, Lived, Told
from sandbox.machines.clock import Clock
from sandbox.machines.consoles import Consoles
from sandbox.machines.linux.blocking.blocked import BlockedProcesses
from sandbox.machines.linux.blocking.detector import Detector
from sandbox.machines.linux.net.monitor import NetMonitor
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.accounts import ChildrenAccounts
from sandbox.machines.linux.process.child import Child, Gone, Mode
from sandbox.machines.linux.process.family import Family
from sandbox.machines.linux.process.memory import MemoryLimits
from sandbox.machines.linux.process.privileges import Privileges
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.process.reaper import End, Reaper, exit_status
from sandbox.machines.linux.process.remains import Remains
from sandbox.machines.linux.process.terminate import Terminator
from sandbox.machines.linux.switching.recipe import RecipeInForce
from sandbox.machines.linux.switching.stolen import StolenTime
from sandbox.machines.linux.switching.stop_monitor import StopMonitor
from sandbox.machines.reports import Reports
from sandbox.model.events import Event, Unseen
from sandbox.util.units import MS

#: How often to scan for new processes if records announce them, too.
_SCAN_NS = 100 * MS


class Population:
    """All processes of the machine, from their admission to their end."""

    def __init__(
        self,
        table: ProcessTable,
        clock: Clock,
        poller: Poller,
        reports: Reports,
        *,
        detector: Detector,
        blocked: BlockedProcesses,
        stop_monitor: StopMonitor,
        reaper: Reaper,
        terminator: Terminator,
        consoles: Consoles[Child],
        net: NetMonitor,
        recipe: RecipeInForce,
        stolen: StolenTime,
        memory: MemoryLimits,
        privileges: Privileges,
    ) -> None:
        self._table = table
        self._clock = clock
        self._poller = poller
        self._reports = reports
        self._detector = detector
        self._blocked = blocked
        self._stop_monitor = stop_monitor
        self._reaper = reaper
        self._terminator = terminator
        self._consoles = consoles
        self._net = net
        self._recipe = recipe
        self._stolen = stolen
        self._memory = memory
        self._privileges = privileges
        self._family = Family(table, clock, reports)
        self._accounts = ChildrenAccounts()
        self.remains = Remains(table, reports)
        #: When the last scan was (CLOCK_MONOTONIC).
        self._scanned_ns = 0
        poller.add(reaper.fileno(), self._reap_ended)

    # Births and arrivals

    def admit_arrivals(self, now_ns: int) -> None:
        """Admit the processes of the scenario that are due, in its order."""
        arriving = self._table.arriving
        while arriving and arriving[0].spec.arrive_ns <= now_ns:
            self.admit(arriving.popleft())

    def admit(self, child: Child, continued: bool = False) -> None:
        """Admit a process."""
        self._table.admit(child)
        self._consoles.add(child)
        self._net.add(child)
        parent = child.parent.pid if child.parent else None
        self._reports.add(Arrived(child.pid, child.spec, child.order, child.os_pid, parent, continued))

    def look(self, now_ns: int) -> None:
        """Take in new processes, and changed names."""
        lineage = self._detector.lineage
        if lineage is not None and lineage.whole and not lineage.has_news:
            return  # the records were just read
        self._detector.read()
        self._take_in_recorded()
        if self._detector.forked(now_ns):
            self._take_in(self._family.scan())

    def scan(self) -> None:
        """Scan for processes that no record announces: those that were forked on another CPU, which is rare."""
        if not self._detector.misses_nobody:
            self._take_in(self._family.scan())
        elif (now_ns := time.monotonic_ns()) - self._scanned_ns > _SCAN_NS:
            self._scanned_ns = now_ns
            self._detector.read()
            self._take_in_recorded()
            self._take_in(self._family.scan())

    def _take_in_recorded(self) -> None:
        lineage = self._detector.lineage
        if lineage is None:
            return
        if lineage.has_births:
            self._take_in(self._family.born(lineage.births(), lineage, self._detector.read))
        for os_pid in lineage.renamed():
            child = self._table.by_os_pid.get(os_pid)
            if child is not None:
                self._refresh_name(child)

    def _take_in(self, descendants: Iterable[Child | Gone]) -> None:
        """Admit descendants like other processes. Usually they keep running meanwhile."""
        for descendant in descendants:
            if isinstance(descendant, Gone):
                self._pass_over(descendant)
                continue
            self._table.add(descendant)
            self._recipe.found(descendant)
            if isinstance(descendant.parent, Child):
                descendant.usual_class = descendant.parent.usual_class
            descendant.mode = Mode.STOPPED if descendant.stop_wanted else Mode.RUNNING
            self._stop_monitor.add(descendant)
            if descendant.stop_wanted:  # it freezes once it has run for the first time
                descendant.stop()
                self._stop_monitor.expect([descendant])
            self._poller.add(descendant.pidfd, partial(self._reap_adopted, descendant))
            self.admit(descendant, continued=not descendant.stop_wanted)

    def _pass_over(self, gone: Gone) -> None:
        """Record a descendant that has ended already."""
        self._table.pass_over(gone)
        self._accounts.ended(gone)
        self.remains.ended(gone)
        death, parent = gone.death, gone.parent.pid if gone.parent else None
        arrived = Arrived(gone.pid, gone.spec, None, gone.os_pid, parent)
        ended = Ended(gone.pid, death.cpu_ns, death.code, death.signal)
        self._reports.add(Lived(arrived, ended, death.born_ns, death.ended_ns))

    def refresh_names(self, children: Iterable[Child]) -> None:
        """Update the names of processes that may have executed other programs; not needed if records tell."""
        if self._detector.lineage is None:
            for child in children:
                self._refresh_name(child)

    def _refresh_name(self, child: Child) -> None:
        if not child.forked and self._family.refresh_name(child):
            self._recipe.look_at(child)
            self._privileges.look_at(child)

    # Exits

    def _reap_ended(self) -> None:
        """Reap children that have ended, ours and orphans that we have inherited."""
        self._reaper.clear()
        while (end := self._reaper.next_end()) is not None:
            if end.os_pid not in self._table.by_os_pid and end.os_pid not in self._table.helpers:
                self._take_in_unknown(end)
            child = self._table.by_os_pid.get(end.os_pid)
            if child is not None:
                self._reap(child, end.code, end.signal)
            else:  # for example the leader of a session whose console was closed
                self._table.helpers.discard(end.os_pid)
            self._settle(end.os_pid, self._reaper.take(end.os_pid))

    def _take_in_unknown(self, end: End) -> None:
        """Take in an inherited orphan that has ended before it was found, unless its end is known already."""
        self._detector.read()
        self._take_in_recorded()
        if self._table.relative(end.os_pid) is None:
            self._pass_over(self._family.orphan(end))

    def _settle(self, os_pid: int, family_ns: int) -> None:
        """Report the unseen part of the CPU time of a reaped process and its children, ``family_ns``."""
        relative = self._table.recent.get(os_pid)
        if relative is None or not relative.pid:
            return
        unseen_ns = self._accounts.unseen_ns(relative, family_ns)
        if unseen_ns and not self._detector.misses_nobody:
            self._reports.add(Told(Unseen(self._clock.now_ns(), relative.pid, unseen_ns)))

    def _reap_adopted(self, child: Child) -> None:
        """Reap an adopted process. Its status has gone to its parent, unless we have inherited it."""
        self._reap_ended()
        if self._table.by_os_pid.get(child.os_pid) is child:
            self._reap(child, *exit_status(child.pidfd, child.stat_fd))
            self._accounts.ended(child)

    def _reap(self, child: Child, code: int | None, number: int | None) -> None:
        self.scan()  # as long as the parents of its children can still be seen
        if child.mode is Mode.RUNNING:
            self._reports.add_stolen(child, self._stolen.end(child, self._clock.now_ns(), last=True))
        cpu_ns = self._close_account(child)
        child.mode = Mode.ENDED
        self._poller.remove(child.pidfd)
        self._terminator.remove(child)
        self._stop_monitor.remove(child)
        self._table.remove(child)
        self._recipe.ended(child)
        self._memory.ended(child, number)
        if child.pid:
            self._blocked.ended(child)
            self._consoles.remove(child)
            ended, now_ns = Ended(child.pid, cpu_ns, code, number), self._clock.now_ns()
            arrived = self._reports.withdraw_arrival_of(child.pid)
            self._reports.add(ended if arrived is None else Lived(arrived, ended, now_ns, now_ns))
        else:
            self._reports.fault(None, "ended before its arrival", name=child.spec.name)
            if child.console is not None:
                child.console.close()
        self.remains.ended(child)
        child.close()

    def _close_account(self, child: Child) -> int:
        """Return the total CPU time of a process that has ended, and update its name."""
        lineage = self._detector.lineage
        if lineage is None:
            if not child.forked:
                self._family.refresh_name(child)
            return child.final_cpu_ns(0)
        self._detector.read()
        if not child.forked:
            self._family.settle_name(child, lineage.name(child.os_pid))
        death = lineage.death(child.os_pid)
        cpu_ns = child.final_cpu_ns(0 if death is None or child.forked else death.cpu_ns)
        lineage.forget(child.os_pid)
        return cpu_ns

    def unseen(self) -> list[Event]:
        """Return events about the CPU time of unseen children whose parents are alive."""
        if self._detector.misses_nobody:
            return []
        now_ns = self._clock.now_ns()
        unseen = {pid: self._accounts.unseen_so_far_ns(child) for pid, child in self._table.by_pid.items()}
        return [Unseen(now_ns, pid, cpu_ns) for pid, cpu_ns in unseen.items() if cpu_ns]

    def close(self) -> None:
        self._family.close()
