"""Keeping processes on their mini CPU: a program may ask the system for other real CPUs (``taskset``,
``sched_setaffinity``), where it would run beside whoever is dispatched, and where no sensor sees it.

It is pinned back. To ask about one thread costs less than a microsecond, so the first one is asked about at each
dispatch; the others only now and then, unless the process has strayed before.
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

#: So often those that run are looked at, with all of their threads.
_LOOK_NS = 50 * MS
#: Of so many threads of one process it is asked in such a look; at a dispatch of one that has strayed, of all.
_MAX_THREADS = 64


class Pinning:
    """``cpus``: the real CPU of each mini CPU."""

    def __init__(self, cpus: Sequence[int], reports: Reports) -> None:
        self._allowed = [{cpu} for cpu in cpus]
        self._reports = reports
        self._next_ns = 0

    def pin(self, child: Child, cpu: int) -> None:
        """This is its mini CPU from now on."""
        child.cpu = cpu
        self._set(child, thread_ids(child.os_pid))

    def keep(self, child: Child) -> None:
        """It has been dispatched to the mini CPU that it had before."""
        try:
            if not child.strays and os.sched_getaffinity(child.os_pid) == self._allowed[child.cpu or 0]:
                return
        except OSError:
            return  # it has ended
        self._bring_back(child, thread_ids(child.os_pid) if child.strays else (child.os_pid,))

    def check(self, running: Iterable[Child]) -> None:
        """Look at those that run, whose turn may last for as long as the run."""
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
            return  # it has ended, or one of its threads; the next look is soon
        if not strayed:
            return
        self._set(child, thread_ids(child.os_pid))
        if not child.strays:
            child.strays = True
            self._reports.fault(child, "asked for other CPUs")

    def _set(self, child: Child, tids: Iterable[int]) -> None:
        """Let all these threads run on one real CPU only."""
        allowed = self._allowed[child.cpu or 0]
        for tid in tids:
            try:
                if child.exists():  # else its numbers may be a stranger's
                    os.sched_setaffinity(tid, allowed)
            except OSError:
                continue  # it has ended meanwhile
