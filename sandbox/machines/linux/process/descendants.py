"""Finds the descendants of our children by their numbers, where no records tell of forks.

The system reports the newest pid that it has assigned. While that is unchanged, no process has forked; when it changes,
only the numbers in between can be new, so no scan of ``/proc`` is needed. Numbers that were assigned but are not
visible yet are looked up again for a while.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sandbox.machines.linux.process.child import Relative
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.procfs import Stat, newest_pid, open_newest_pid, process_ids
from sandbox.util.units import MS

#: How long after its assignment a number may become visible: a fork is quick, but may itself wait for the CPU.
_MAX_FORK_NS = 10 * MS
#: If more numbers than these were assigned at once, listing ``/proc`` is cheaper than trying each.
_MAX_GAP = 4_096


class Found(NamedTuple):
    """A descendant of one of our processes; ``parent`` is None if it is an orphan that was handed to us."""

    stat: Stat
    parent: Relative | None


class DescendantScanner:
    """Finds processes that descend from those in the table."""

    def __init__(self, table: ProcessTable) -> None:
        self._table = table
        self._os_pid = os.getpid()
        self._loadavg = open_newest_pid()
        self._newest = newest_pid(self._loadavg)
        #: Numbers that were assigned and are not examined yet, each with the time (CLOCK_MONOTONIC) when that was
        #: noticed.
        self._unseen: dict[int, int] = {}
        #: Numbers that need not be examined, because the processes are known from another source.
        self._told: set[int] = set()

    def told(self, os_pid: int) -> None:
        """Note that this process is known from another source."""
        self._told.add(os_pid)

    def scan(self) -> Iterator[Found]:
        """Yield the descendants that are new since the last call, zombies included, parents before children. The caller
        adds each to the table before asking for the next."""
        newest = newest_pid(self._loadavg)
        if newest == self._newest and not self._unseen:
            return
        now_ns = time.monotonic_ns()
        for os_pid in self._given_out(newest):
            if os_pid not in self._told:
                self._unseen[os_pid] = now_ns
        self._newest = newest
        self._told.clear()
        for os_pid in sorted(self._unseen):
            yield from self._find(os_pid, now_ns)

    def _given_out(self, newest: int) -> Iterable[int]:
        if newest < self._newest or newest - self._newest > _MAX_GAP:  # the numbers wrapped around to the lowest
            return process_ids()
        return range(self._newest + 1, newest + 1)

    def _find(self, os_pid: int, now_ns: int) -> Iterator[Found]:
        """Yield this process, if it is a new descendant, after new ancestors of it."""
        given_out_ns = self._unseen.pop(os_pid, None)
        table = self._table
        if given_out_ns is None or os_pid in table.by_os_pid or os_pid in table.helpers:
            return
        try:
            stat = Stat(os_pid)
            if stat.parent in self._unseen:  # the numbers wrapped around, and its parent has a larger one
                yield from self._find(stat.parent, now_ns)
                stat = Stat(os_pid)
        except OSError:
            self._look_again(os_pid, given_out_ns, now_ns)
            return
        if stat.state == "X" or (stat.state == "Z" and os_pid in table.recent):
            return
        if stat.parent == self._os_pid:
            yield Found(stat, table.by_session.get(stat.session))
        elif stat.parent in table.by_os_pid:
            yield Found(stat, table.by_os_pid[stat.parent])
        elif stat.parent in table.recent:  # its parent is ending, and the process is about to be handed to us
            self._look_again(os_pid, given_out_ns, now_ns)

    def _look_again(self, os_pid: int, given_out_ns: int, now_ns: int) -> None:
        if now_ns - given_out_ns < _MAX_FORK_NS:
            self._unseen[os_pid] = given_out_ns

    def close(self) -> None:
        os.close(self._loadavg)
