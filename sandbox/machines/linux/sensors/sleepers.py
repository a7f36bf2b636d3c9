"""Whom of the waiting processes to look at, and when."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count

from sandbox.machines.linux.child import Child, Mode
from sandbox.units import US

#: A timer rings a little late, and its process takes a moment to become runnable.
_GRACE_NS = 20 * US


class Sleepers:
    """A process whose wait has a known length is looked at when that is over; of the others a ``share`` in turn
    every ``round_ns``. So a thousand sleepers cost no more than a few."""

    def __init__(self, share: int, round_ns: int) -> None:
        self._share = share
        self._round_ns = round_ns
        self._next_round_ns = 0
        self._order = count()
        # Each entry is for one wait of its process; it is left behind when that is over.
        self._timed: list[tuple[int, int, Child, int]] = []
        self._others: deque[tuple[Child, int]] = deque()

    def add(self, child: Child, now_ns: int) -> None:
        """A process has begun to wait for what ``child.on`` says."""
        left_ns = child.on.figures.get("for_ns") if child.on is not None else None
        if isinstance(left_ns, int):
            heapq.heappush(self._timed, (now_ns + left_ns + _GRACE_NS, next(self._order), child, child.waits))
        else:
            self.sleeps_on(child)

    def sleeps_on(self, child: Child) -> None:
        """A process goes on waiting, and nobody knows for how long."""
        self._others.append((child, child.waits))

    @property
    def next_ns(self) -> int | None:
        """When somebody is to be looked at; None: nobody waits."""
        while self._timed and not _waits(*self._timed[0][2:]):
            heapq.heappop(self._timed)
        while self._others and not _waits(*self._others[0]):
            self._others.popleft()
        times = [self._timed[0][0]] if self._timed else []
        if self._others:
            times.append(self._next_round_ns)
        return min(times, default=None)

    def due(self, now_ns: int) -> list[Child]:
        """Those whose turn it is; whoever sleeps on has to be told of again."""
        found: list[Child] = []
        while self._timed and self._timed[0][0] <= now_ns:
            _, _, child, wait = heapq.heappop(self._timed)
            if _waits(child, wait):
                found.append(child)
        if self._others and now_ns >= self._next_round_ns:
            self._next_round_ns = now_ns + self._round_ns
            for _ in range(min(self._share, len(self._others))):
                child, wait = self._others.popleft()
                if _waits(child, wait):
                    found.append(child)
        return found


def _waits(child: Child, wait: int) -> bool:
    return child.mode is Mode.WAITING and child.waits == wait
