"""Watching over stops: those that are not confirmed yet, those that somebody else undoes, those that nobody ordered."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Collection, Iterator

from sandbox.machines.linux.child import Child
from sandbox.machines.linux.dispatch import Dispatcher
from sandbox.machines.linux.procfs import STANDING, read_state
from sandbox.units import MS

#: A stop that takes longer is shown; the loop never waits for it. One in the middle of a vfork may take for ever.
_PATIENCE_NS = 200 * MS
_LOOK_AGAIN_NS = 1 * MS
#: How often we go round the adopted processes, and how many are looked at each time.
_ROUND_NS = 20 * MS
_SHARE = 50


class Vigil:
    """Knows every stop that was sent and not seen, and goes round the adopted processes: nobody tells us when one of
    those stops or goes on. Times are of CLOCK_MONOTONIC, because a pause has to be kept too."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._unconfirmed: dict[int, Child] = {}
        self._told: set[int] = set()
        self._adopted: deque[Child] = deque()
        self._next_round_ns = 0

    def adopt(self, child: Child) -> None:
        """Look at this one from time to time."""
        self._adopted.append(child)

    def forget(self, child: Child) -> None:
        """It has ended."""
        self._unconfirmed.pop(child.os_pid, None)
        self._told.discard(child.os_pid)
        if not child.direct:
            self._adopted.remove(child)

    def sent(self, children: Collection[Child]) -> None:
        """These were told to stop; keep those that have not been seen stopped."""
        for child in children:
            if child.stopping_ns is not None:
                self._unconfirmed[child.os_pid] = child

    def next_ns(self, frozen: bool) -> int | None:
        """When to look again. ``frozen``: nothing shall run, so that a relative born in the last moment before is
        looked for as well."""
        if len(self._unconfirmed) > len(self._told):
            return time.monotonic_ns() + _LOOK_AGAIN_NS
        return self._next_round_ns if self._adopted or self._unconfirmed or frozen else None

    def overdue(self) -> Iterator[Child]:
        """Stops that take too long, each told once; those that have come true are forgotten. All others are sent
        again: somebody's SIGCONT takes a stop away that is still on its way."""
        now_ns = time.monotonic_ns()
        for os_pid, child in [*self._unconfirmed.items()]:
            if child.stopping_ns is None or self._dispatcher.stopped(child):
                child.stopping_ns = None
                del self._unconfirmed[os_pid]
                self._told.discard(os_pid)
                continue
            child.send(signal.SIGSTOP)
            if now_ns - child.stopping_ns > _PATIENCE_NS and os_pid not in self._told:
                self._told.add(os_pid)
                yield child

    def strays(self) -> Iterator[Child]:
        """Adopted processes that should stand still and do not, a share of all looked at in each round."""
        now_ns = time.monotonic_ns()
        if now_ns < self._next_round_ns:
            return
        self._next_round_ns = now_ns + _ROUND_NS
        for _ in range(min(len(self._adopted), _SHARE)):
            self._adopted.rotate(-1)
            child = self._adopted[0]
            if child.held and child.stopping_ns is None and read_state(child.stat_fd)[0] not in STANDING:
                yield child

    @staticmethod
    def fallen(running: Collection[Child]) -> list[Child]:
        """Adopted processes that have the CPU and were stopped, by themselves or by somebody else."""
        return [child for child in running if not child.direct and read_state(child.stat_fd)[0] == "T"]
