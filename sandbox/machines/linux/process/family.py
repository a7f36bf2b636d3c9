"""Keeps track of descendants of the scenario's processes, including those that ended before they could be opened."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal
from collections.abc import Callable, Iterable, Iterator

from sandbox.kernel.machine import Told
from sandbox.machines.clock import Clock
from sandbox.machines.linux.process.child import Child, Death, Gone, Mode, Relative, cpu_time_ns
from sandbox.machines.linux.process.descendants import DescendantScanner, Found
from sandbox.machines.linux.process.limits import may_adopt
from sandbox.machines.linux.process.lineage import Birth, Lineage
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.process.reaper import End, code_or_signal
from sandbox.machines.linux.procfs import Stat, command_line, zombie
from sandbox.machines.linux.procfs_files import descriptor_target
from sandbox.machines.reports import Reports
from sandbox.model.events import Became
from sandbox.model.spec import ProcessSpec
from sandbox.util.text import clean_line


class Family:
    """Finds the descendants of the processes in the table, and their names."""

    def __init__(self, table: ProcessTable, clock: Clock, reports: Reports) -> None:
        self._table = table
        self._clock = clock
        self._reports = reports
        self._os_pid = os.getpid()
        self._scanner = DescendantScanner(table)

    # Arrivals

    def scan(self) -> Iterator[Child | Gone]:
        """Yield new descendants that a scan finds, parents before children. The caller adds each to the table before
        asking for the next."""
        for found in self._scanner.scan():
            dead = found.stat.state == "Z" and zombie(found.stat.os_pid) is not None
            child = None if dead else self._hold(found.stat.os_pid, found.parent)
            if child is None:
                gone = self._zombie(found)
                if gone is not None:
                    yield gone
            elif self._has_room(child):
                yield child

    def born(self, births: Iterable[Birth], lineage: Lineage, read: Callable[[], None]) -> Iterator[Child | Gone]:
        """Yield the descendants that were forked according to records, in the order of their births. ``read`` reads
        further records. The caller adds each to the table before asking for the next."""
        for birth in births:
            self._scanner.told(birth.os_pid)
            if birth.parent == self._os_pid:
                continue  # we forked it ourselves
            known = self._table.relative(birth.os_pid)
            if known is not None and not 0 < known.ended_ns < birth.t_ns:
                continue  # it was found before its record was read
            parent = self._table.relative(birth.parent)
            living = lineage.death(birth.os_pid) is None
            child = self._hold(birth.os_pid, parent, forked_by=birth.parent) if living else None
            if child is None:
                read()  # it has ended, so its end is in the records by now
                yield self._gone(birth, parent, lineage)
            elif self._has_room(child):
                yield child

    def orphan(self, end: End) -> Gone:
        """Return a process that was handed to us and had ended before it was found."""
        stat = Stat(end.os_pid)
        now_ns = self._clock.now_ns()
        death = Death(now_ns, now_ns, cpu_time_ns(end.os_pid), end.code, end.signal)
        return self._put_down(stat.os_pid, stat.name, self._table.by_session.get(stat.session), death)

    def _hold(self, os_pid: int, parent: Relative | None, forked_by: int | None = None) -> Child | None:
        """Open a process; None if it is gone, or is no descendant of ours. ``forked_by``: its parent by the records,
        which need not be in the table: it may be ending, with its children about to be handed to us."""
        console = parent.console if parent is not None else None
        try:
            child = Child(os_pid, ProcessSpec("", command=[""]), console, forked=False)
        except OSError:
            return None  # a thread, or gone already
        name = self.name_if_ours(child, forked_by)
        if name is None:
            child.close()
            return None
        self._name(child, name)
        child.parent, child.writes = parent, _is_read(child)
        return child

    def name_if_ours(self, child: Child, forked_by: int | None = None) -> str | None:
        """Return the system's name of an opened process; None if it is no descendant of those in the table: between
        finding and opening it, its number may have been assigned to an unrelated process."""
        try:
            stat = Stat(child.os_pid, child.stat_fd)
        except OSError:
            return None
        ours = stat.parent == forked_by or self._has(stat.parent)
        return stat.name if ours and child.exists() else None

    def _has(self, parent: int) -> bool:
        """Whether this is the number of a living process of ours, or our own."""
        return parent == self._os_pid or parent in self._table.by_os_pid

    def _has_room(self, child: Child) -> bool:
        """Whether there are descriptors left for the process. If not, it is killed, and that is reported."""
        if may_adopt(child):
            return True
        child.send(signal.SIGKILL)
        child.close()
        parent = child.parent
        self._reports.fault_again(parent if isinstance(parent, Child) else None, "one child too many was ended")
        return False

    # Descendants that are gone

    def _zombie(self, found: Found) -> Gone | None:
        """Return a process that had ended before it was found and was not reaped yet; None if it was reaped by now."""
        seen = zombie(found.stat.os_pid)
        if seen is None:
            return None
        now_ns = self._clock.now_ns()
        death = Death(now_ns, now_ns, cpu_time_ns(found.stat.os_pid), *code_or_signal(seen[1]))
        return self._put_down(found.stat.os_pid, found.stat.name, found.parent, death)

    def _gone(self, birth: Birth, parent: Relative | None, lineage: Lineage) -> Gone:
        """Return a process that is known from records. Its exit status is only known if its zombie is still there."""
        seen, recorded = zombie(birth.os_pid), lineage.death(birth.os_pid)
        now_ns, born_ns = self._clock.now_ns(), self._clock.machine_ns(birth.t_ns)
        ended_ns = self._clock.machine_ns(recorded.t_ns) if recorded is not None else now_ns
        cpu_ns = recorded.cpu_ns if recorded is not None else 0
        code = number = None
        if seen is not None and self._has(seen[0]):
            cpu_ns = max(cpu_time_ns(birth.os_pid), cpu_ns)
            code, number = code_or_signal(seen[1])
        name = lineage.name(birth.os_pid) or birth.name or _comm(parent)
        lineage.forget(birth.os_pid)
        return self._put_down(birth.os_pid, name, parent, Death(born_ns, ended_ns, cpu_ns, code, number))

    @staticmethod
    def _put_down(os_pid: int, comm: str, parent: Relative | None, death: Death) -> Gone:
        name = _shown(comm)
        gone = Gone(os_pid, ProcessSpec(name, command=[name]), parent, death)
        gone.comm = comm
        return gone

    # Names

    def refresh_name(self, child: Child) -> bool:
        """Update the name of a process, which may have executed another program. Return whether the name has
        changed."""
        if child.mode is Mode.ENDED:
            return False
        try:
            stat = Stat(child.os_pid, child.stat_fd)
        except OSError:
            return False
        if stat.name == child.comm:
            return False
        self._name(child, stat.name)
        child.writes = child.writes or _is_read(child)
        self._tell_name(child)
        return True

    def settle_name(self, child: Child, comm: str) -> None:
        """Set the final name of a found process that has ended."""
        if comm and comm != child.comm:
            child.comm, child.spec.name = comm, _shown(comm)
            self._tell_name(child)

    @staticmethod
    def _name(child: Child, comm: str) -> None:
        child.comm, child.spec.name = comm, _shown(comm)
        child.spec.command = [clean_line(command_line(child.os_pid)) or child.spec.name]

    def _tell_name(self, child: Child) -> None:
        """Report a new name, unless the arrival is still to be reported, which then has the new name already."""
        if not self._reports.has_arrival_of(child.pid):
            self._reports.add(Told(Became(self._reports.now_ns(), child.pid, child.spec.name, child.spec.runs)))

    def close(self) -> None:
        self._scanner.close()


def _is_read(child: Child) -> bool:
    """Whether another process reads what this one writes to its standard output."""
    return descriptor_target(child.os_pid, 1).startswith(("pipe:", "socket:"))


def _shown(comm: str) -> str:
    """Return the name on the board for a process with this system name."""
    return clean_line(comm).replace(" ", "-") or "child"


def _comm(parent: Relative | None) -> str:
    """Return the name that a child of this process has before it executes another program."""
    if parent is None:
        return ""
    if not parent.comm and isinstance(parent, Child) and parent.mode is not Mode.ENDED:
        try:
            return Stat(parent.os_pid, parent.stat_fd).name
        except OSError:
            pass
    return parent.comm or parent.spec.name
