"""Ends processes: by SIGTERM first, then by SIGKILL."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import signal
import time
from collections.abc import Callable, Sequence

from sandbox.machines.life import GRACE_NS
from sandbox.machines.posix.child import Child, Mode
from sandbox.util.units import MS

_LOOK_NS = 10 * MS


class Terminator:
    """Ends single processes by SIGTERM, and by SIGKILL after the grace period."""

    def __init__(self) -> None:
        self._pending: list[tuple[int, Child]] = []

    def terminate(self, child: Child) -> None:
        """Send SIGTERM. Whether the process has a handler is unknown, so it is continued for a moment, in which it ends
        if it has none; a handler runs with its next dispatches."""
        child.send(signal.SIGTERM)
        child.release()
        give_up_ns = time.monotonic_ns() + _LOOK_NS
        while not child.look() and time.monotonic_ns() < give_up_ns:
            time.sleep(0.0005)
        if child.mode is Mode.STOPPED:
            child.stop()
        self._pending.append((time.monotonic_ns() + GRACE_NS, child))

    @property
    def next_ns(self) -> int | None:
        """When the next grace period is over (CLOCK_MONOTONIC); None if there is none."""
        return self._pending[0][0] if self._pending else None

    def escalate(self) -> None:
        """Kill the processes whose grace period is over."""
        while self._pending and self._pending[0][0] <= time.monotonic_ns():
            self._pending.pop(0)[1].send(signal.SIGKILL)

    def remove(self, child: Child) -> None:
        """Forget a process that has ended."""
        self._pending = [entry for entry in self._pending if entry[1] is not child]


def let_end(living: Sequence[Child], politely: bool, listen: Callable[[int], bool]) -> None:
    """End all living processes at the end of a run. ``politely``: with a grace period after SIGTERM; ``listen``: waits
    until a time, and returns whether to go on waiting."""
    if politely:
        for child in living:
            child.send(signal.SIGTERM)
            child.release()
    give_up_ns = time.monotonic_ns() + (GRACE_NS if politely else 0)
    while (left := [child for child in living if not child.look()]) and time.monotonic_ns() < give_up_ns:
        if not listen(time.monotonic_ns() + _LOOK_NS):
            break
    for child in left:
        child.send(signal.SIGKILL)
    give_up_ns = time.monotonic_ns() + GRACE_NS
    while not all(child.look() for child in living) and time.monotonic_ns() < give_up_ns:
        time.sleep(0.001)
