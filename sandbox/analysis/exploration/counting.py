"""Counts orders of turns, which are paths through a graph of states, without enumerating them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple


class Leaf(NamedTuple):
    """The end of a run, with the number of its outcome."""

    outcome: int


class Counts(NamedTuple):
    """Numbers of orders. ``orders``: how many lead to each outcome; ``complete``: whether all of them are known."""

    orders: Counter[int]
    complete: bool


class _Place(NamedTuple):
    """A state, the process whose turn led to it, and how many preemptions are left (None: any number, in which case
    that process does not matter)."""

    state: int
    last: str | None
    left: int | None


Edges = Mapping[tuple[int, str], Sequence[int | Leaf]]


def count(candidates: Sequence[tuple[str, ...]], edges: Edges, bound: int | None) -> Counts | None:
    """Return the orders from state 0 on with at most ``bound`` preemptions (None: any number), by outcome. Return None
    if there are infinitely many.

    ``candidates``: for each state, the processes that can run there; ``edges``: where the turn of a process leads, or
    may lead; nowhere, if the process only spins.
    """
    if not candidates:
        return Counts(Counter(), False)
    known: dict[_Place, Counts] = {}
    begun: set[_Place] = set()
    root = _Place(0, None, bound)
    stack = [root]
    while stack:
        place = stack[-1]
        if place in known:
            stack.pop()
            continue
        ways = [*_ways(candidates, edges, place)]
        missing = [to for to in ways if isinstance(to, _Place) and to not in known]
        if not missing:
            known[stack.pop()] = _sum(ways, known)
            continue
        if place in begun:  # it waits for itself: there is a cycle
            return None
        begun.add(place)
        stack += missing
    return known[root]


def _ways(candidates: Sequence[tuple[str, ...]], edges: Edges, place: _Place) -> Iterator[_Place | Leaf | None]:
    """Yield where it goes on from a place; None for a way that was not tried."""
    could_go_on = place.last in candidates[place.state]
    for name in candidates[place.state]:
        left = place.left
        if left is not None and could_go_on and name != place.last:
            left -= 1
            if left < 0:
                continue
        for to in edges.get((place.state, name), (None,)):
            yield to if to is None or isinstance(to, Leaf) else _Place(to, None if left is None else name, left)


def _sum(ways: Sequence[_Place | Leaf | None], known: Mapping[_Place, Counts]) -> Counts:
    orders: Counter[int] = Counter()
    complete = True
    for way in ways:
        if way is None:
            complete = False
        elif isinstance(way, Leaf):
            orders[way.outcome] += 1
        else:
            orders.update(known[way].orders)
            complete = complete and known[way].complete
    return Counts(orders, complete)
