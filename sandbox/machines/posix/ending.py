"""How processes are ended: politely first, then surely."""

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
    """Ends single processes: SIGTERM, and SIGKILL to those that are still there after the grace."""

    def __init__(self) -> None:
        self._pending: list[tuple[int, Child]] = []

    def terminate(self, child: Child) -> None:
        """Ask a process to end. Whether it has a handler cannot be known here: it goes on for a moment, in which one
        that has none ends; another one may run its handler at its next dispatch."""
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
        """When the next grace is over (CLOCK_MONOTONIC)."""
        return self._pending[0][0] if self._pending else None

    def escalate(self) -> None:
        """Kill those whose grace is over."""
        while self._pending and self._pending[0][0] <= time.monotonic_ns():
            self._pending.pop(0)[1].send(signal.SIGKILL)

    def remove(self, child: Child) -> None:
        """It has ended."""
        self._pending = [entry for entry in self._pending if entry[1] is not child]


def let_end(living: Sequence[Child], politely: bool, listen: Callable[[int], bool]) -> None:
    """The run is over: give all that live the grace, if there is time for that, and kill what is left of them.
    ``listen``: wait until then; whether anybody is still there who waits for the end."""
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
