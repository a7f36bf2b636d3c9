"""Ends processes: with SIGTERM first and with SIGKILL after the grace period, and all of their descendants
(``sweep``)."""

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

#: The longest single wait within the grace period at the end of the run.
_MAX_PAUSE_NS = 10 * MS


class Terminator:
    """Ends single processes: by SIGTERM, and by SIGKILL if they have not exited after the grace period."""

    def __init__(self) -> None:
        #: The end of the grace period of each process (CLOCK_MONOTONIC), earliest first.
        self._pending: list[tuple[int, Child]] = []

    def terminate(self, child: Child) -> None:
        """Ask a process to end. One without a handler ends at once, stopped or not; one with a handler runs it at its
        next dispatch."""
        child.send(signal.SIGTERM)
        if child.held or child.stop_sent:
            child.release()  # otherwise it could not receive the signal
        elif not withstands(child.os_pid, signal.SIGTERM):
            child.resume()
        self._pending.append((time.monotonic_ns() + GRACE_NS, child))

    @property
    def next_ns(self) -> int | None:
        """When the next grace period ends (CLOCK_MONOTONIC); None if there is none."""
        return self._pending[0][0] if self._pending else None

    def escalate(self) -> None:
        """Kill the processes whose grace period is over."""
        now_ns = time.monotonic_ns()
        while self._pending and self._pending[0][0] <= now_ns:
            child = self._pending.pop(0)[1]
            child.send(signal.SIGKILL)
            child.stop_wanted = False  # it needs the CPU to exit, and cannot be stopped

    def remove(self, child: Child) -> None:
        """Forget a process that has ended."""
        self._pending = [entry for entry in self._pending if entry[1] is not child]


def let_end(living: Mapping[int, Child], wait: Callable[[int], bool]) -> None:
    """Give all living processes the grace period at the end of the run, in which they run unscheduled. ``wait`` waits
    until a time (CLOCK_MONOTONIC) and notices ends meanwhile; it returns False to give up, because nobody waits for the
    result any more."""
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
    """Whether a process that was just started helps another one to clean up, because its parent handles SIGTERM."""
    parent = child.parent
    return parent is not None and parent.mode is not Mode.ENDED and withstands(parent.os_pid, signal.SIGTERM)


def _ask_to_end(child: Child) -> None:
    """Send SIGTERM to a process. If it ignores that, as an interactive shell does, send SIGHUP, too, since its terminal
    is about to hang up."""
    child.send(signal.SIGTERM)
    if ignores(child.os_pid, signal.SIGTERM):
        child.send(signal.SIGHUP)
    child.release()


def end_all(children: Collection[Child], group: RunGroup | None) -> None:
    """Kill these processes, all processes in our control group and all descendants of ours. Return when none is
    left."""
    if group is not None:
        group.end()  # all at once: none can fork meanwhile
    for child in children:
        child.send(signal.SIGKILL)
    end_descendants()
