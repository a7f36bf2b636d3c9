"""How processes are ended: politely first, then surely, and all that descends from them (``sweep``)."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import signal
import time
from collections.abc import Callable, Collection, Mapping

from sandbox.machines.life import GRACE_NS
from sandbox.machines.linux.cgroup import RunGroup
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.process.sweep import end_descendants
from sandbox.machines.linux.procfs import ignores, withstands
from sandbox.util.units import MS

#: In the grace that everybody has at the end nothing is waited for longer than this.
_MAX_PAUSE_NS = 10 * MS


class Terminator:
    """Ends single processes: SIGTERM, and SIGKILL to those that are still there after the grace."""

    def __init__(self) -> None:
        #: When the grace of each is over (CLOCK_MONOTONIC), the first one first.
        self._pending: list[tuple[int, Child]] = []

    def terminate(self, child: Child) -> None:
        """Ask a process to end. One that has no handler ends at once, stopped or not; one that has may run it at its
        next dispatch."""
        child.send(signal.SIGTERM)
        if child.held or child.stop_sent:
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


def let_end(living: Mapping[int, Child], wait: Callable[[int], bool]) -> None:
    """The run is over: give all that live the grace, in which they may do what is left to do, unscheduled. ``wait``: do
    so until then, and take notice of those that end; whether anybody is still there who waits for that."""
    asked: set[int] = set()
    give_up_ns = time.monotonic_ns() + GRACE_NS
    while living and (now_ns := time.monotonic_ns()) < give_up_ns:
        for os_pid, child in [*living.items()]:
            if os_pid not in asked and (not asked or not _helps(child)):
                _ask_to_end(child)
        asked.update(living)
        if not wait(now_ns + _MAX_PAUSE_NS):
            return


def _helps(child: Child) -> bool:
    """Whether one that has just been started belongs to the tidying up of another."""
    parent = child.parent
    return parent is not None and parent.mode is not Mode.ENDED and withstands(parent.os_pid, signal.SIGTERM)


def _ask_to_end(child: Child) -> None:
    """One that ignores SIGTERM, as an interactive shell does, hears that its terminal hangs up, too, which it does."""
    child.send(signal.SIGTERM)
    if ignores(child.os_pid, signal.SIGTERM):
        child.send(signal.SIGHUP)
    child.release()


def end_all(children: Collection[Child], group: RunGroup | None) -> None:
    """Kill these processes, everything that lives in our control group and everything that descends from us; returns
    when nothing is left."""
    if group is not None:
        group.end()  # all at once: nobody can fork faster
    for child in children:
        child.send(signal.SIGKILL)
    end_descendants()
