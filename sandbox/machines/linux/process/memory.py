"""How much memory a process and its descendants may have (``memory`` in a scenario): resident memory, that is what they
really use. What they merely reserve, and runtimes like Java, Go and JavaScript reserve far more, is ``address_space``.

The system keeps the limit where there is a control group for that, and ends what needs more at the very moment. Where
there is none we look every now and then, and end the largest one ourselves.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal
import time
from collections.abc import Collection

from sandbox.machines.linux import procfs_counts
from sandbox.machines.linux.cgroup import Group, RunGroup, oom_kills
from sandbox.machines.linux.process.child import Child
from sandbox.machines.reports import Reports
from sandbox.util.units import MS, show_size

#: So often it is looked, where nobody else does: a process fills some 2 GB a second.
_PAUSE_NS = 20 * MS


class MemoryLimits:
    """``run``: the control group of the run, if it has one; ``living``: those among whom descendants are."""

    def __init__(self, run: RunGroup | None, living: Collection[Child], reports: Reports) -> None:
        self._run = run
        self._living = living
        self._reports = reports
        #: Of version 1, where memory is limited by that.
        self._old: RunGroup | None = None
        #: How many processes the system has ended in a group, as far as that was told, by its folder.
        self._told: dict[str, int] = {}
        #: Those that we watch ourselves, by the system's number.
        self._watched: dict[int, Child] = {}
        self._next_look_ns = 0

    def born(self, child: Child) -> None:
        """A process stands still before its first own instruction: from now on its limit holds."""
        if child.spec.memory is None:
            return
        child.limits = self._group(child.spec.memory)
        try:
            if child.limits is not None:
                child.limits.add(child.os_pid)
                return
        except OSError:
            child.limits = None
        self._watched[child.os_pid] = child

    def ended(self, child: Child, number: int | None) -> None:
        """It has ended, by that signal: was it for its want of memory?"""
        self._watched.pop(child.os_pid, None)
        if child.limits is not None and number == signal.SIGKILL:
            kills = oom_kills(child.limits)
            if kills > self._told.get(child.limits.path, 0):
                self._told[child.limits.path] = kills
                self._tell(child)

    @property
    def next_ns(self) -> int | None:
        """When to look (CLOCK_MONOTONIC)."""
        return self._next_look_ns if self._watched else None

    def check(self) -> None:
        """Look at those that nobody else watches."""
        now_ns = time.monotonic_ns()
        if not self._watched or now_ns < self._next_look_ns:
            return
        self._next_look_ns = now_ns + _PAUSE_NS
        for child in self._watched.values():
            family = [other for other in self._living if child in _line(other)]
            sizes = {each.os_pid: procfs_counts.resident_memory(each.os_pid) for each in family}
            if child.spec.memory is not None and sum(sizes.values()) > child.spec.memory < _proportional(family):
                largest = max(family, key=lambda each: sizes[each.os_pid])
                largest.send(signal.SIGKILL)
                self._tell(largest)

    def _tell(self, child: Child) -> None:
        limit = next((each.spec.memory for each in _line(child) if each.spec.memory is not None), 0)
        self._reports.fault_once(child, "too much memory", memory=show_size(limit))

    def _group(self, limit: int) -> Group | None:
        """A new group with that limit; None: it cannot be had."""
        try:
            if self._run is not None:
                return self._run.limit(limit)
        except OSError:
            pass
        try:
            if self._old is None:
                self._old = RunGroup("memory")
            return self._old.limit(limit)
        except OSError:
            return None

    def close(self) -> None:
        """Nobody lives there any more."""
        if self._old is not None:
            self._old.end()


def _line(child: Child | None) -> list[Child]:
    """A process and those that it descends from."""
    line = []
    while isinstance(child, Child):
        line.append(child)
        child = child.parent if isinstance(child.parent, Child) else None
    return line


def _proportional(family: Collection[Child]) -> int:
    """What these have in memory together: what several of them share counts once."""
    me = os.getpid()
    uses = [procfs_counts.memory_use(each.os_pid, me) for each in family]
    return sum(use.proportional or use.private for use in uses if use is not None)
