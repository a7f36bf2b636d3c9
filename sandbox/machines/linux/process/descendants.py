"""What children fork is found and taken in: children's children, daemons, whole pipelines.

The system tells the newest pid that it gave out. While that stands still nobody has forked; when it moves, only the
numbers in between can be new, so no scan of ``/proc`` is needed. Numbers that were given out and are not visible yet
are looked for again for a while.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sandbox.kernel.machine import Told
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.process.limits import may_adopt
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.procfs import Stat, command_line, newest_pid, open_newest_pid, process_ids
from sandbox.machines.linux.reports import Reports
from sandbox.model.events import Became
from sandbox.model.spec import ProcessSpec
from sandbox.util.text import clean_line
from sandbox.util.units import MS

#: So long after it was given out a number may become visible: a fork is quick, but may itself wait for the CPU.
_MAX_FORK_NS = 10 * MS
#: Where more numbers than these were given out at once, listing ``/proc`` is cheaper than trying each.
_MAX_GAP = 4_096


class DescendantScanner:
    """Finds processes that descend from those in the table."""

    def __init__(self, table: ProcessTable, reports: Reports) -> None:
        self._table = table
        self._reports = reports
        self._os_pid = os.getpid()
        self._loadavg = open_newest_pid()
        self._newest = newest_pid(self._loadavg)
        #: Numbers that were given out and are not looked into yet, with the time (CLOCK_MONOTONIC) of the news.
        self._unseen: dict[int, int] = {}

    def scan(self) -> Iterator[Child]:
        """New descendants since the last time, parents before children. The caller adds each to the table before
        asking for the next."""
        newest = newest_pid(self._loadavg)
        if newest == self._newest and not self._unseen:
            return
        now_ns = time.monotonic_ns()
        for os_pid in self._given_out(newest):
            self._unseen[os_pid] = now_ns
        self._newest = newest
        for os_pid in sorted(self._unseen):
            for found in self._find(os_pid, now_ns):
                child = self._take_hold(found)
                if child is not None:
                    yield child

    def is_ours(self, child: Child) -> bool:
        """Whether a process that we have hold of descends from the table: between finding it and taking hold of it
        its number may have gone to a stranger."""
        try:
            parent = Stat(child.os_pid, child.stat_fd).parent
        except OSError:
            return False
        return (parent == self._os_pid or parent in self._table.by_os_pid) and child.exists()

    def refresh_name(self, child: Child) -> bool:
        """One that was found may have become another program since: whether it has."""
        if child.mode is Mode.ENDED:
            return False
        try:
            stat = Stat(child.os_pid, child.stat_fd)
        except OSError:
            return False
        if stat.name == child.comm:
            return False
        child.comm = stat.name
        child.spec.name, runs = _identity(stat)
        child.spec.command = [runs]
        self._reports.add(Told(Became(self._reports.now_ns(), child.pid, child.spec.name, runs)))
        return True

    def _given_out(self, newest: int) -> Iterable[int]:
        if newest < self._newest or newest - self._newest > _MAX_GAP:  # the numbers began anew at the lowest
            return process_ids()
        return range(self._newest + 1, newest + 1)

    def _find(self, os_pid: int, now_ns: int) -> Iterator[_Found]:
        """This process, if it is a new descendant, and before it those that must come first."""
        given_out_ns = self._unseen.pop(os_pid, None)
        known = self._table.by_os_pid
        if given_out_ns is None or os_pid in known or os_pid in self._table.helpers:
            return
        try:
            stat = Stat(os_pid)
            if stat.parent in self._unseen:  # the numbers began anew, and its parent has a larger one
                yield from self._find(stat.parent, now_ns)
                stat = Stat(os_pid)
        except OSError:
            if now_ns - given_out_ns < _MAX_FORK_NS:
                self._unseen[os_pid] = given_out_ns
            return
        if stat.state in "ZX":
            return
        if stat.parent in known:
            yield _Found(stat, known[stat.parent])
        elif stat.parent == self._os_pid:
            yield _Found(stat, known.get(stat.session))

    def _take_hold(self, found: _Found) -> Child | None:
        """None: it is gone, is none of ours after all, or is one too many and was ended."""
        stat, parent = found
        name, runs = _identity(stat)
        console = parent.console if parent is not None else None
        try:
            child = Child(stat.os_pid, ProcessSpec(name, command=[runs]), console, forked=False)
        except OSError:
            return None  # a thread, or gone already
        if not self.is_ours(child):
            child.close()
            return None
        if not may_adopt(child):
            child.send(signal.SIGKILL)
            child.close()
            self._reports.fault_again(parent, "one child too many was ended")
            return None
        child.parent, child.comm = parent, stat.name
        return child

    def close(self) -> None:
        os.close(self._loadavg)


class _Found(NamedTuple):
    """A process that descends from one of ours; ``parent`` None: it is an orphan that came to us."""

    stat: Stat
    parent: Child | None


def _identity(stat: Stat) -> tuple[str, str]:
    """The name and the command line of a process."""
    name = clean_line(stat.name).replace(" ", "-") or "child"
    return name, clean_line(command_line(stat.os_pid)) or name
