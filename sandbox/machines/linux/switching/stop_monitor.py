"""Watching over stops: those that are not confirmed yet, and those that somebody else undoes."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator

from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs import HALTED, read_state
from sandbox.machines.linux.switching.dispatch import Dispatcher
from sandbox.util.units import MS

#: A stop that takes longer is shown; the loop never waits for it. One in the middle of a vfork may take for ever.
_PATIENCE_NS = 200 * MS
_LOOK_AGAIN_NS = 1 * MS
#: How often we go round the processes that stand still, and how many are looked at each time.
_ROUND_NS = 50 * MS
_SHARE = 24


class Vigil:
    """Knows every stop that was sent and not seen, and goes round those that stand still: nobody tells us when one of
    them goes on. Times are of CLOCK_MONOTONIC, because a pause has to be kept too."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._unconfirmed: dict[int, Child] = {}
        self._told: set[int] = set()
        #: Seen running once though they should not: dying ones do that, for a moment.
        self._suspects: dict[int, Child] = {}
        self._everybody: deque[Child] = deque()
        self._next_round_ns = 0
        self._again_ns: int | None = None

    def watch(self, child: Child) -> None:
        """Look at this one from time to time."""
        self._everybody.append(child)

    def forget(self, child: Child) -> None:
        """It has ended."""
        self._unconfirmed.pop(child.os_pid, None)
        self._suspects.pop(child.os_pid, None)
        self._told.discard(child.os_pid)
        self._everybody.remove(child)

    def sent(self, children: Iterable[Child]) -> None:
        """These were told to stop; keep those that have not been seen stopped."""
        for child in children:
            if child.stopping_ns is not None:
                self._unconfirmed[child.os_pid] = child
        self._look_again()

    def suspect(self, child: Child) -> None:
        """This one seems to run though it should stand still."""
        self._suspects[child.os_pid] = child
        self._look_again()

    def _look_again(self) -> None:
        if self._again_ns is None and (self._suspects or len(self._unconfirmed) > len(self._told)):
            self._again_ns = time.monotonic_ns() + _LOOK_AGAIN_NS

    @property
    def next_ns(self) -> int:
        """When to look again."""
        return self._next_round_ns if self._again_ns is None else min(self._again_ns, self._next_round_ns)

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

    def strays(self) -> list[Child]:
        """Processes that should stand still and have been seen running twice; a share of all is looked at in each
        round."""
        now_ns = time.monotonic_ns()
        if now_ns < self.next_ns:
            return []
        self._again_ns = None
        suspects, self._suspects = self._suspects, {}
        found = [child for child in suspects.values() if strays(child)]
        if now_ns >= self._next_round_ns:
            self._next_round_ns = now_ns + _ROUND_NS
            for _ in range(min(len(self._everybody), _SHARE)):
                self._everybody.rotate(-1)
                if strays(self._everybody[0]):
                    self.suspect(self._everybody[0])
        self._look_again()
        return found


def strays(child: Child) -> bool:
    """Whether it runs though it was stopped and nobody here let it go."""
    return child.held and child.stopping_ns is None and read_state(child.stat_fd)[0] not in HALTED
