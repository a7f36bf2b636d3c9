"""Decides which blocked processes to look at, in case they have woken, and when."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count

from sandbox.machines.linux.process.child import Child, Mode
from sandbox.util.units import MS, US

#: A timer fires a little late, and its process takes a moment to become runnable. So a process that still sleeps is
#: looked at again after _MIN_GRACE_NS, then twice as long and so on. After _MAX_GRACE_NS, its wake counts as
#: unpredictable.
_MIN_GRACE_NS = 20 * US
_MAX_GRACE_NS = 2 * MS
#: The factor by which the interval of rounds grows if events tell of every wake, because no process occupies the CPUs.
_REST_FACTOR = 20
#: The delay after which a process is looked at again that was only awake for a moment.
_MIN_SOON_NS = 100 * US


class Wakeups:
    """A schedule for looking at blocked processes.

    A process whose wait has a known length is looked at when that is over; of the others a ``share`` in turn every
    ``round_ns``. So a thousand sleeping processes cost no more than a few.
    """

    def __init__(self, share: int, round_ns: int) -> None:
        self._share = share
        self._round_ns = round_ns
        self._next_round_ns = 0
        #: Whether events would tell of wakes before these looks do.
        self.rests = False
        self._order = count()
        # Each entry is for one wait of its process, by its ordinal number. An entry whose wait is over is dropped at
        # its turn. For waits with a known length: when to look (a heap; the order decides between equals), and the
        # delay of the look after that (0: there is another entry for it).
        self._timed: list[tuple[int, int, Child, int, int]] = []
        self._others: deque[tuple[Child, int]] = deque()

    def add(self, child: Child, since_ns: int) -> None:
        """Add a process that has been blocked since ``since_ns``, for the reason in ``child.blocked_on``."""
        length_ns = child.blocked_on.figures.get("for_ns") if child.blocked_on is not None else None
        if isinstance(length_ns, int):
            self._look_at(child, since_ns + length_ns, _MIN_GRACE_NS)
        else:
            self._others.append((child, child.wait_number))

    def look_soon(self, child: Child, now_ns: int) -> None:
        """Look at the process again in a moment."""
        self._look_at(child, now_ns, _MIN_SOON_NS)

    def look_later(self, child: Child, at_ns: int) -> None:
        """Look at the process at that time, once in this wait."""
        if child.looked_later != child.wait_number:
            child.looked_later = child.wait_number
            heapq.heappush(self._timed, (at_ns, next(self._order), child, child.wait_number, 0))

    def _look_at(self, child: Child, at_ns: int, grace_ns: int) -> None:
        heapq.heappush(self._timed, (at_ns + grace_ns, next(self._order), child, child.wait_number, grace_ns * 2))

    @property
    def next_ns(self) -> int | None:
        """When to look next; None if no process is blocked."""
        timed, others = self._timed, self._others
        while timed and not _still_waits(timed[0][2], timed[0][3]):
            heapq.heappop(timed)
        while others and not _still_waits(*others[0]):
            others.popleft()
        if not timed:
            return self._next_round_ns if others else None
        return min(timed[0][0], self._next_round_ns) if others else timed[0][0]

    def look(self, now_ns: int, is_blocked: Callable[[Child], bool]) -> tuple[list[Child], list[Child]]:
        """Look at the processes that are due. Return those that are not blocked any more, and those that are blocked
        again, since they have used the CPU after their wait began."""
        woke: list[Child] = []
        again: list[Child] = []
        for child, wait_number, grace_ns in self._due(now_ns):
            if not _still_waits(child, wait_number):
                continue
            if not is_blocked(child):
                woke.append(child)
                continue
            if 0 < grace_ns <= _MAX_GRACE_NS:
                self._look_at(child, now_ns, grace_ns)
            elif grace_ns:
                self._others.append((child, wait_number))
            if child.cpu_ns() > child.wait_cpu_ns:
                again.append(child)
        return woke, again

    def _due(self, now_ns: int) -> Iterator[tuple[Child, int, int]]:
        """Yield the processes to look at, each with its wait and the delay of the next look if it still sleeps (more
        than the maximum grace: at its turn among the others; 0: another look is due anyway)."""
        while self._timed and self._timed[0][0] <= now_ns:
            yield heapq.heappop(self._timed)[2:]
        if self._others and now_ns >= self._next_round_ns:
            self._next_round_ns = now_ns + self._round_ns * (_REST_FACTOR if self.rests else 1)
            for _ in range(min(self._share, len(self._others))):
                yield *self._others.popleft(), _MAX_GRACE_NS + 1


def _still_waits(child: Child, wait_number: int) -> bool:
    return child.mode is Mode.BLOCKED and child.wait_number == wait_number
