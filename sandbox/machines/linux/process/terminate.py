"""How processes are ended: politely first, then surely, and all that descends from them (``sweep``)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection

from sandbox.machines.linux.cgroup import RunGroup
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.sweep import end_descendants
from sandbox.machines.linux.procfs import withstands
from sandbox.util.units import MS, S

#: So long after SIGTERM a process is killed that is still there.
GRACE_NS = 2 * S
#: The same at the end of the run, when the operator waits for all of them.
_QUIT_GRACE_NS = 300 * MS


class Terminator:
    """Ends single processes: SIGTERM, and SIGKILL to those that are still there after the grace."""

    def __init__(self) -> None:
        #: When the grace of each is over (CLOCK_MONOTONIC), the first one first.
        self._pending: list[tuple[int, Child]] = []

    def terminate(self, child: Child) -> None:
        """Ask a process to end. One that has no handler ends at once, stopped or not; one that has may run it at its
        next dispatch."""
        child.send(signal.SIGTERM)
        if child.held:
            child.release()  # else it could not hear it
        elif not withstands(child.os_pid, signal.SIGTERM):
            child.resume()
        self._pending.append((time.monotonic_ns() + GRACE_NS, child))

    @property
    def next_ns(self) -> int | None:
        """When the next grace is over (CLOCK_MONOTONIC)."""
        return self._pending[0][0] if self._pending else None

    def escalate(self) -> None:
        """Kill those whose grace is over."""
        now_ns = time.monotonic_ns()
        while self._pending and self._pending[0][0] <= now_ns:
            child = self._pending.pop(0)[1]
            child.send(signal.SIGKILL)
            child.stop_wanted = False  # on its way out it runs, and nothing stops it

    def remove(self, child: Child) -> None:
        """It has ended."""
        self._pending = [entry for entry in self._pending if entry[1] is not child]


def end_all(children: Collection[Child], group: RunGroup | None, politely: bool) -> None:
    """End these processes, everything that lives in our control group and everything that descends from us; returns
    when nothing is left."""
    if politely:
        for child in children:
            child.send(signal.SIGTERM)
            child.release()
        _reap_until(time.monotonic_ns() + _QUIT_GRACE_NS)
    if group is not None:
        group.end()  # all at once: nobody can fork faster
    for child in children:
        child.send(signal.SIGKILL)
    end_descendants()


def _reap_until(give_up_ns: int) -> None:
    """Take the statuses of those that end, until there are no children or it is late."""
    while True:
        try:
            seen = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return
        if seen is None:
            if time.monotonic_ns() > give_up_ns:
                return
            time.sleep(0.001)
