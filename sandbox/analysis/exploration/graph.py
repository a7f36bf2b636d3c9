"""The graph of states: at a state somebody is chosen, and that leads to another state.

Not every way has to be gone. Where two turns touch nothing in common, both orders of the two lead to the same state: if
one of them is known, so is the other.

Whoever goes a way that was only inferred finds out whether it leads there; if one does not, none of them is trusted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sandbox.analysis.exploration.counting import Leaf
from sandbox.analysis.exploration.runs import Touch

#: A state, and whose turn.
Way = tuple[int, str]


class Graph:
    """``able``: of each state, who is not blocked; ``edges``: where a way leads, or has led."""

    def __init__(self) -> None:
        self.able: list[tuple[str, ...]] = []
        self.edges: dict[Way, list[int | Leaf]] = {}
        #: The ways that nobody has gone.
        self.inferred: set[Way] = set()
        self.infers = True
        self._touches: dict[Way, Touch] = {}
        self._before: dict[int, list[Way]] = defaultdict(list)
        self._news: list[Way] = []

    def add_state(self, able: tuple[str, ...]) -> int:
        """One more; returns its number."""
        self.able.append(able)
        return len(self.able) - 1

    def leads(self, way: Way, to: int | Leaf, touch: Touch | None) -> bool:
        """There it has led. False: it has led elsewhere before."""
        known = self.edges.setdefault(way, [])
        if to in known:
            self.inferred.discard(way)
            return True
        if way in self.inferred:
            self._distrust()
            known = self.edges.setdefault(way, [])
        known.append(to)
        self._news.append(way)
        if len(known) > 1:
            self._touches.pop(way, None)
            return False
        if isinstance(to, int) and touch is not None:
            self._touches[way] = touch
            self._before[to].append(way)
        return True

    def take_news(self) -> list[Way]:
        """The ways that have become known since that was last asked."""
        news, self._news = self._news, []
        return news

    def bar(self, way: Way) -> None:
        """It leads nowhere."""
        self.edges.setdefault(way, [])

    def _distrust(self) -> None:
        self.infers = False
        for way in self.inferred:
            del self.edges[way]
            del self._touches[way]
        self.inferred.clear()

    # What needs not be tried

    def infer(self, ways: Sequence[Way]) -> list[Way]:
        """What follows from these ways being known."""
        found: list[Way] = []
        todo = [*ways] if self.infers else []
        while todo:
            way = todo.pop()
            if way not in self._touches:
                continue
            for new, to, touch in (*self._beside(way), *self._after(way)):
                if new not in self.edges:
                    self.edges[new] = [to]
                    self.inferred.add(new)
                    self._touches[new] = touch
                    self._before[to].append(new)
                    todo.append(new)
                    found.append(new)
        self._news += found
        return found

    def _beside(self, way: Way) -> list[tuple[Way, int, Touch]]:
        """The way and another one from the same state: each can be gone after the other one."""
        state, name = way
        to, touch = self._known(way)
        found: list[tuple[Way, int, Touch]] = []
        for other in self.able[state]:
            beside = self._touches.get((state, other))
            if other == name or beside is None or not touch.is_apart_from(beside):
                continue
            there = self._known((state, other))[0]
            for first, second, turn in (((to, other), (there, name), touch), ((there, name), (to, other), beside)):
                if first in self._touches:
                    found.append((second, self._known(first)[0], turn))
        return found

    def _after(self, way: Way) -> list[tuple[Way, int, Touch]]:
        """The way and one that has led to where it begins: it can be gone first."""
        state, name = way
        to, _ = self._known(way)
        found: list[tuple[Way, int, Touch]] = []
        for before, other in self._before[state]:
            touch, beside = self._touches.get((before, other)), self._touches.get((before, name))
            if other != name and touch is not None and beside is not None and touch.is_apart_from(beside):
                found.append(((self._known((before, name))[0], other), to, touch))
        return found

    def _known(self, way: Way) -> tuple[int, Touch]:
        to = self.edges[way][0]
        assert isinstance(to, int), "only such ways are known by what they touch"
        return to, self._touches[way]
