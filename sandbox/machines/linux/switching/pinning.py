"""Keeps processes on their mini CPUs.

A program may change its CPU affinity (``taskset``, ``sched_setaffinity``). Then it would run in parallel to a
dispatched process, where no sensor sees it, so it is pinned again. To check one thread takes less than a microsecond,
so the first thread is checked at each dispatch, and the others now and then, unless the process has strayed before.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import time
from collections.abc import Iterable, Sequence

from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs import thread_ids
from sandbox.machines.reports import Reports
from sandbox.util.units import MS

#: The interval of checking all threads of running processes.
_LOOK_NS = 50 * MS
#: The maximum number of threads per process in such a check. At a dispatch of a process that has strayed before, all
#: threads are checked.
_MAX_THREADS = 64


class Pinning:
    """Pins processes. ``cpus``: the real CPU of each mini CPU."""

    def __init__(self, cpus: Sequence[int], reports: Reports) -> None:
        self._allowed = [{cpu} for cpu in cpus]
        self._reports = reports
        self._next_ns = 0

    def pin(self, child: Child, cpu: int) -> None:
        """Move the process to this mini CPU."""
        child.cpu = cpu
        self._set(child, thread_ids(child.os_pid))

    def keep(self, child: Child) -> None:
        """Check a process that was dispatched to the same mini CPU as before."""
        try:
            if not child.strays and os.sched_getaffinity(child.os_pid) == self._allowed[child.cpu or 0]:
                return
        except OSError:
            return  # it has ended
        self._bring_back(child, thread_ids(child.os_pid) if child.strays else (child.os_pid,))

    def check(self, running: Iterable[Child]) -> None:
        """Check the running processes, whose turns may last as long as the run."""
        now_ns = time.monotonic_ns()
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + _LOOK_NS
        for child in running:
            if child.cpu is not None:
                self._bring_back(child, thread_ids(child.os_pid)[:_MAX_THREADS])

    def _bring_back(self, child: Child, tids: Iterable[int]) -> None:
        allowed = self._allowed[child.cpu or 0]
        try:
            strayed = any(os.sched_getaffinity(tid) != allowed for tid in tids)
        except OSError:
            return  # the process or one of the threads has ended; the next check is soon
        if not strayed:
            return
        self._set(child, thread_ids(child.os_pid))
        if not child.strays:
            child.strays = True
            self._reports.fault(child, "asked for other CPUs")

    def _set(self, child: Child, tids: Iterable[int]) -> None:
        """Restrict these threads to the real CPU of the process."""
        allowed = self._allowed[child.cpu or 0]
        for tid in tids:
            try:
                if child.exists():  # otherwise its numbers may belong to another process
                    os.sched_setaffinity(tid, allowed)
            except OSError:
                continue  # it has ended meanwhile
