"""Watching over stops: those that are not confirmed yet, and stopped processes that somebody else set going."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from sandbox.machines.linux.child import Child, Mode
from sandbox.machines.linux.dispatch import Dispatcher
from sandbox.machines.linux.procfs import read_state
from sandbox.units import MS

#: A stop that takes longer is shown; the loop never waits for it. One in the middle of a vfork may take for ever.
_PATIENCE_NS = 50 * MS
_LOOK_AGAIN_NS = 1 * MS
#: How often one adopted process is looked at: nobody tells us when somebody continues it.
_ROUND_NS = 20 * MS


class Vigil:
    """Knows every stop that was sent and not seen, and goes round the adopted processes. Times are the machine's."""

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

    def sent(self, children: list[Child]) -> None:
        """These were told to stop; keep those that have not been seen stopped."""
        for child in children:
            if child.stopping_ns is not None:
                self._unconfirmed[child.os_pid] = child

    def next_ns(self, now_ns: int) -> int | None:
        """When to look again."""
        if self._unconfirmed:
            return now_ns + _LOOK_AGAIN_NS
        return self._next_round_ns if self._adopted else None

    def overdue(self, now_ns: int) -> Iterator[Child]:
        """Stops that take too long, each told once; those that have come true are forgotten."""
        for os_pid, child in [*self._unconfirmed.items()]:
            if child.stopping_ns is None or self._dispatcher.stopped(child):
                child.stopping_ns = None
                del self._unconfirmed[os_pid]
                self._told.discard(os_pid)
            elif now_ns - child.stopping_ns > _PATIENCE_NS and os_pid not in self._told:
                self._told.add(os_pid)
                yield child

    def strays(self, now_ns: int) -> Iterator[Child]:
        """Adopted processes that should be stopped and are not, one looked at in each round."""
        if self._adopted and now_ns >= self._next_round_ns:
            self._next_round_ns = now_ns + _ROUND_NS
            self._adopted.rotate(-1)
            child = self._adopted[0]
            if child.mode is Mode.STOPPED and child.stopping_ns is None and read_state(child.stat_fd)[0] not in "TZX":
                yield child
