"""Tells of what processes leave behind: zombies, which were not reaped yet, and orphans, which get another parent."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import time

from sandbox.kernel.machine import Told
from sandbox.machines.linux.process.child import Child, Mode, Relative
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.procfs import Stat, zombie
from sandbox.machines.reports import Reports
from sandbox.model.events import Adopted, Reaped, Zombie
from sandbox.util.units import MS

#: Most parents reap at once. An ended process that was not reaped after _MIN_AGE_NS is a zombie, and checked again each
#: _AGAIN_NS.
_MIN_AGE_NS, _AGAIN_NS = 60 * MS, 100 * MS
#: The maximum number of processes that are watched. More zombies would not be read by anyone.
_MAX_WATCHED = 200
_NEVER_NS = 1 << 62


class Remains:
    """Reports zombies and orphans. Must be told of the end of every descendant.

    ``next_ns``: when to look next (CLOCK_MONOTONIC), far in the future if there is nothing to look for.
    """

    def __init__(self, table: ProcessTable, reports: Reports) -> None:
        self._table = table
        self._reports = reports
        self._os_pid = os.getpid()
        self.next_ns = _NEVER_NS
        #: Ended processes that may not have been reaped yet, by pid; the pids of those that were reported as zombies.
        self._watched: dict[int, Relative] = {}
        self._told: set[int] = set()
        #: The pids of ended processes that may have had children.
        self._gone: set[int] = set()

    def ended(self, relative: Relative) -> None:
        """Note that a process has ended."""
        parent = relative.parent
        if parent is not None and parent.mode is not Mode.ENDED and len(self._watched) < _MAX_WATCHED:
            self._watched[relative.pid] = relative
        self._gone.add(relative.pid)
        for pid in [pid for pid in self._told if self._watched[pid].parent is relative]:
            self._forget(pid)  # its zombies are handed to us, and we reap at once
        self.next_ns = min(self.next_ns, time.monotonic_ns() + _MIN_AGE_NS)

    def look(self) -> None:
        """Report new zombies, zombies that were reaped, and new orphans."""
        if time.monotonic_ns() < self.next_ns:
            return
        for pid, relative in [*self._watched.items()]:
            self._look_at(pid, relative)
        if self._gone:
            for child in self._table.by_pid.values():
                if child.parent is not None and child.parent.pid in self._gone:
                    self._look_at_orphan(child)
            self._gone.clear()
        self.next_ns = time.monotonic_ns() + _AGAIN_NS if self._watched else _NEVER_NS

    def _look_at(self, pid: int, relative: Relative) -> None:
        parent = relative.parent
        seen = zombie(relative.os_pid)
        if parent is not None and seen is not None and seen[0] == parent.os_pid and parent.mode is not Mode.ENDED:
            if pid not in self._told:
                self._told.add(pid)
                self._reports.add(Told(Zombie(self._reports.now_ns(), pid, parent.pid)))
            return
        self._forget(pid)

    def _forget(self, pid: int) -> None:
        """Stop watching an ended process. If it was reported as a zombie, report that it was reaped."""
        parent = self._watched.pop(pid).parent
        if pid in self._told:
            self._told.discard(pid)
            by = parent.pid if parent is not None and parent.mode is not Mode.ENDED else None
            self._reports.add(Told(Reaped(self._reports.now_ns(), pid, by)))

    def _look_at_orphan(self, child: Child) -> None:
        try:
            parent = Stat(child.os_pid, child.stat_fd).parent
        except OSError:
            return
        other = self._table.by_os_pid.get(parent)
        if other is not None or parent == self._os_pid:
            by = other.pid if other is not None else None
            self._reports.add(Told(Adopted(self._reports.now_ns(), child.pid, by)))
