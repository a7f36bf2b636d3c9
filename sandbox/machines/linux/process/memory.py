"""Limits of the memory of a process and its descendants (``memory`` in a scenario).

The limit is on resident memory, which they really use. For reserved memory, of which runtimes like Java, Go and
JavaScript have far more, there is ``address_space``. If there is a control group for it, the system enforces the limit
and kills at once. Otherwise, we check every few milliseconds and kill the largest process ourselves.
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
from sandbox.machines.linux.process.child import Child, lineage
from sandbox.machines.reports import Reports
from sandbox.util.units import MS, show_size

#: The interval of our own checks. A process can fill some 2 GB per second.
_PAUSE_NS = 20 * MS


class MemoryLimits:
    """Sets and enforces the limits.

    ``run``: the control group of the run (None: there is none); ``living``: all living processes.
    """

    def __init__(self, run: RunGroup | None, living: Collection[Child], reports: Reports) -> None:
        self._run = run
        self._living = living
        self._reports = reports
        #: The run's group of cgroup version 1, if memory can only be limited there.
        self._old: RunGroup | None = None
        #: How many OOM kills of each group were reported, by the group's folder.
        self._told: dict[str, int] = {}
        #: Processes whose limits we enforce ourselves, by the system's number.
        self._watched: dict[int, Child] = {}
        self._next_look_ns = 0

    def born(self, child: Child) -> None:
        """Impose the limit of a process that is stopped before its first own instruction."""
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
        """Note that a process has ended by that signal (None: by an exit). Report it if it was killed for lack of
        memory."""
        self._watched.pop(child.os_pid, None)
        if child.limits is not None and number == signal.SIGKILL:
            kills = oom_kills(child.limits)
            if kills > self._told.get(child.limits.path, 0):
                self._told[child.limits.path] = kills
                self._tell(child)

    @property
    def next_ns(self) -> int | None:
        """When to check next (CLOCK_MONOTONIC); None if there is nothing to check."""
        return self._next_look_ns if self._watched else None

    def check(self) -> None:
        """Check the processes that the system does not watch, and kill the largest of each family that is over its
        limit."""
        now_ns = time.monotonic_ns()
        if not self._watched or now_ns < self._next_look_ns:
            return
        self._next_look_ns = now_ns + _PAUSE_NS
        for child in self._watched.values():
            family = [other for other in self._living if child in lineage(other)]
            sizes = {each.os_pid: procfs_counts.resident_memory(each.os_pid) for each in family}
            if child.spec.memory is not None and sum(sizes.values()) > child.spec.memory < _proportional(family):
                largest = max(family, key=lambda each: sizes[each.os_pid])
                largest.send(signal.SIGKILL)
                self._tell(largest)

    def _tell(self, child: Child) -> None:
        limit = next((each.spec.memory for each in lineage(child) if each.spec.memory is not None), 0)
        self._reports.fault_once(child, "too much memory", memory=show_size(limit))

    def _group(self, limit: int) -> Group | None:
        """Return a new group with that limit, in bytes; None if there can be none."""
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
        """Remove the groups, which have to be empty."""
        if self._old is not None:
            self._old.end()


def _proportional(family: Collection[Child]) -> int:
    """Return the bytes of memory that these processes have together. Memory that they share counts once."""
    me = os.getpid()
    uses = [procfs_counts.memory_use(each.os_pid, me) for each in family]
    return sum(use.proportional or use.private for use in uses if use is not None)
