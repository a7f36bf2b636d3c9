"""What is to be tried, by what it costs, and by how like it is to what was tried before.

Processes that run the same lines make the same orders under other names, and most of what there is differs only by who
goes on where somebody has ended. So of each kind one is tried first, and those of one more preemption come before the
many more of a kind that has shown nothing yet.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import NamedTuple

from sandbox.analysis.exploration.graph import Way

#: By the lines before which it takes place: who is preempted, by whom.
Kind = tuple[tuple[str, str], ...]


class Cost(NamedTuple):
    """What an order costs; the cheapest are tried first. ``idle``: of its preemptions those that hardly matter;
    ``more``: how many more than two its preemptions are among: it hardly ever takes three for a race."""

    preemptions: int = 0
    idle: int = 0
    more: int = 0

    def with_preemption(self, among: frozenset[str | None], idle: bool) -> Cost:
        """And one more preemption; ``among``: who has preempted or was preempted, now as well."""
        return Cost(self.preemptions + 1, self.idle + idle, max(len(among) - 2, self.more))


class Place(NamedTuple):
    """A state, and who ran last."""

    state: int
    last: str | None


class Item(NamedTuple):
    """The way on from a place that is to be gone."""

    way: Way
    place: Place
    kind: Kind = ()


#: Those of one cost and kind.
_Bunch = tuple[Cost, Kind]


class Agenda:
    """``is_done``: whether an item of a cost need not be tried any more; ``late``: those of more preemptions come after
    all others (None: of all, those of few come before those of many)."""

    def __init__(self, is_done: Callable[[Item, Cost], bool], late: int | None = None) -> None:
        self._is_done, self._late = is_done, late
        self._items: dict[_Bunch, deque[Item]] = {}
        self._numbers: dict[_Bunch, int] = {}
        self._tried: Counter[_Bunch] = Counter()
        self._heap: list[tuple[tuple[int, ...], _Bunch]] = []

    def add(self, item: Item, cost: Cost, first: bool = False) -> None:
        """It is to be tried; ``first``: before all others of its kind."""
        bunch = cost, item.kind
        items = self._items.get(bunch)
        if items is None:
            items = self._items[bunch] = deque()
            heappush(self._heap, (self._rank(bunch), bunch))
        if first:
            items.appendleft(item)
        else:
            items.append(item)

    def _rank(self, bunch: _Bunch) -> tuple[int, ...]:
        """Of two the lower one is tried first: what costs one more, and what is of a kind that was tried once, or twice
        as often."""
        cost, _ = bunch
        number = self._numbers.setdefault(bunch, len(self._numbers))
        if self._late is None or cost.preemptions > self._late:
            return cost.preemptions, *cost, number
        return 0, sum(cost) + self._tried[bunch].bit_length(), *cost, number

    def next(self) -> Cost | None:
        """What the next one costs; None: there is none."""
        while self._heap:
            bunch = self._heap[0][1]
            if self._is_left(bunch):
                return bunch[0]
            heappop(self._heap)
            del self._items[bunch]
        return None

    def _is_left(self, bunch: _Bunch) -> bool:
        items = self._items[bunch]
        while items and self._is_done(items[0], bunch[0]):
            items.popleft()
        return bool(items)

    def has(self, preemptions: int) -> bool:
        """Whether there is any of so many preemptions at most."""
        return any(bunch[0].preemptions <= preemptions and self._is_left(bunch) for bunch in [*self._items])

    def take(self) -> tuple[Item, Cost]:
        """The next one, which there is."""
        _, bunch = heappop(self._heap)
        item = self._items[bunch].popleft()
        self._tried[bunch] += 1
        heappush(self._heap, (self._rank(bunch), bunch))
        return item, bunch[0]

    def clear(self) -> None:
        """Nothing is to be tried; how often which kind was tried is still known."""
        self._items.clear()
        self._heap.clear()
