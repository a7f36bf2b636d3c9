"""How many orders of turns there are: paths through a graph of states, which nobody has to walk one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple


class Leaf(NamedTuple):
    """The end of a run, and the number of its outcome."""

    outcome: int


class Counts(NamedTuple):
    """``orders``: by outcome, how many lead to it; ``complete``: whether all of them are known."""

    orders: Counter[int]
    complete: bool


class _Place(NamedTuple):
    """A state, who came there by its turn, and how many preemptions are left (None: of them as many as one likes, and
    who came there makes no difference)."""

    state: int
    last: str | None
    left: int | None


Edges = Mapping[tuple[int, str], Sequence[int | Leaf]]


def count(candidates: Sequence[tuple[str, ...]], edges: Edges, bound: int | None) -> Counts | None:
    """The orders from state 0 on of at most ``bound`` preemptions, by outcome. None: there is no end of them.

    ``candidates``: of each state, who can run there; ``edges``: where whose turn leads, or may lead; nowhere, if that
    one only goes round.
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
        if place in begun:  # what it waits for waits for it
            return None
        begun.add(place)
        stack += missing
    return known[root]


def _ways(candidates: Sequence[tuple[str, ...]], edges: Edges, place: _Place) -> Iterator[_Place | Leaf | None]:
    """Where it goes on from a place; None: nobody knows."""
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
