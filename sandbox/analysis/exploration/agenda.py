"""What remains to be tried, ordered by cost, and by similarity to what was tried before.

Processes that run the same lines lead to the same orders under other names, and most of the rest differs only by which
process goes on after another one has ended. So one order of each kind is tried first, and orders with one more
preemption come before the many other orders of a kind that has shown nothing yet.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import NamedTuple

from sandbox.analysis.exploration.graph import Way

#: The lines before which the preemptions take place: of the preempted and of the preempting process.
Kind = tuple[tuple[str, str], ...]


class Cost(NamedTuple):
    """The cost of an order; the cheapest are tried first.

    ``idle``: those among its preemptions that hardly matter; ``more``: the number of processes involved in its
    preemptions, beyond two, because a race of three is rare.
    """

    preemptions: int = 0
    idle: int = 0
    more: int = 0

    def with_preemption(self, among: frozenset[str | None], idle: bool) -> Cost:
        """Return the cost with one more preemption. ``among``: all processes that have preempted or were preempted,
        including this preemption."""
        return Cost(self.preemptions + 1, self.idle + idle, max(len(among) - 2, self.more))


class Place(NamedTuple):
    """A state, and the process that ran last."""

    state: int
    last: str | None


class Item(NamedTuple):
    """A way that remains to be tried, and the place where it begins."""

    way: Way
    place: Place
    kind: Kind = ()


#: The items of one cost and kind.
_Bunch = tuple[Cost, Kind]


class Agenda:
    """A priority queue of items.

    ``is_done``: whether an item with a cost need not be tried any more; ``late``: orders with more preemptions than
    this come after all others (None: all orders are tried by their number of preemptions).
    """

    def __init__(self, is_done: Callable[[Item, Cost], bool], late: int | None = None) -> None:
        self._is_done, self._late = is_done, late
        self._items: dict[_Bunch, deque[Item]] = {}
        self._numbers: dict[_Bunch, int] = {}
        self._tried: Counter[_Bunch] = Counter()
        self._heap: list[tuple[tuple[int, ...], _Bunch]] = []

    def add(self, item: Item, cost: Cost, first: bool = False) -> None:
        """Add an item; ``first``: before all others of its cost and kind."""
        bunch = cost, item.kind
        items = self._items.get(bunch)
        if items is None:
            items = self._items[bunch] = deque()
            heappush(self._heap, (self._rank(bunch), bunch))
        if first:
            items.appendleft(item)
        else:
            items.insert((len(items) + 1) // 2, item)  # those found together are alike, and not tried in a row

    def _rank(self, bunch: _Bunch) -> tuple[int, ...]:
        """Return the rank of a bunch; the lowest is tried first. A higher cost by one counts as much as a kind that was
        tried once, or twice as often."""
        cost, _ = bunch
        number = self._numbers.setdefault(bunch, len(self._numbers))
        if self._late is None or cost.preemptions > self._late:
            return cost.preemptions, *cost, number
        return 0, sum(cost) + self._tried[bunch].bit_length(), *cost, number

    def next(self) -> Cost | None:
        """Return the cost of the next item; None if there is none."""
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
        """Whether there is an item with at most so many preemptions."""
        return any(bunch[0].preemptions <= preemptions and self._is_left(bunch) for bunch in [*self._items])

    def take(self) -> tuple[Item, Cost]:
        """Remove and return the next item, which must exist."""
        _, bunch = heappop(self._heap)
        item = self._items[bunch].popleft()
        self._tried[bunch] += 1
        heappush(self._heap, (self._rank(bunch), bunch))
        return item, bunch[0]

    def clear(self) -> None:
        """Remove all items. How often each kind was tried is kept."""
        self._items.clear()
        self._heap.clear()
