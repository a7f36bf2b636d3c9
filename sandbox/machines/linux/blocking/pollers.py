"""Recognises threads that wake again and again from the same wait and do nothing else, for an unknown reason."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time
from typing import NamedTuple

from sandbox.machines.linux import procfs
from sandbox.machines.linux.blocking.census import Thread
from sandbox.machines.linux.process.child import Child
from sandbox.util.units import S

#: How long and how often a thread must have done so, and the maximum share of a CPU that it may have used.
_MIN_POLLING_NS, _MIN_WAKES, _MAX_SHARE = 5 * S, 3, 0.05


class _Wait(NamedTuple):
    """A wait of a thread.

    ``call``: the call and where it was made; ``since_ns``: when it was first seen; ``wakes``, ``cpu_ns``: how often the
    thread had been given a CPU by then, and the CPU time that its process had used.
    """

    call: tuple[int, int]
    since_ns: int
    wakes: int
    cpu_ns: int


class Pollers:
    """Checks threads that could go on by themselves, each time it is called."""

    def __init__(self) -> None:
        self._waits: dict[Thread, _Wait] = {}

    def polls(self, child: Child, tid: int) -> bool:
        """Whether this thread is known to have polled for long."""
        found = procfs.system_call(child.os_pid, tid)
        if found is None or found == "running":
            return False
        thread, call = (child.os_pid, tid), (found.number, found.stack)
        state, wakes = procfs.mark(child.os_pid, tid)
        now_ns, cpu_ns, before = time.monotonic_ns(), child.cpu_ns(), self._waits.get(thread)
        if before is None or before.call != call or cpu_ns - before.cpu_ns > (now_ns - before.since_ns) * _MAX_SHARE:
            self._waits[thread] = _Wait(call, now_ns, wakes, cpu_ns)
            return False
        return now_ns - before.since_ns > _MIN_POLLING_NS and wakes - before.wakes >= _MIN_WAKES and state == "S"

    def forget(self) -> None:
        """Forget all threads, because no process waits for others any more."""
        self._waits.clear()
