"""The graph of states: at a state a process is chosen, and its turn leads to another state.

Not every way has to be tried. If two turns touch nothing in common, both orders of the two lead to the same state, so
if one of them is known, so is the other. When a way that was inferred is tried, it is checked whether it leads there.
If one does not, no inference is trusted any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sandbox.analysis.exploration.counting import Leaf
from sandbox.analysis.exploration.runs import Touch

#: A state, and whose turn it is.
Way = tuple[int, str]
#: How many states after turns that touch nothing are examined to find out whether they lead back.
_MAX_LOOKED = 2_000


class Graph:
    """States and ways. ``able``: for each state, the processes that are not blocked; ``edges``: where a way leads, or
    has led."""

    def __init__(self) -> None:
        self.able: list[tuple[str, ...]] = []
        #: The keys of states, if known.
        self.keys: dict[int, str] = {}
        self.edges: dict[Way, list[int | Leaf]] = {}
        #: The ways that were inferred, and not tried.
        self.inferred: set[Way] = set()
        self.infers = True
        self._touches: dict[Way, Touch] = {}
        self._before: dict[int, list[Way]] = defaultdict(list)
        self._news: list[Way] = []
        #: The states from which turns that touch nothing lead back to them, and those of them that are new.
        self._rounds: set[int] = set()
        self._new_rounds: list[int] = []

    def add_state(self, able: tuple[str, ...]) -> int:
        """Add a state, and return its number."""
        self.able.append(able)
        return len(self.able) - 1

    def leads(self, way: Way, to: int | Leaf, touch: Touch | None) -> bool:
        """Note where a way has led. Return False if it has led elsewhere before."""
        known = self.edges.setdefault(way, [])
        if to in known:
            self.inferred.discard(way)
            return True
        if way in self.inferred:
            self.distrust()
            known = self.edges.setdefault(way, [])
        known.append(to)
        self._news.append(way)
        if len(known) > 1:
            self._touches.pop(way, None)
            return False
        if isinstance(to, int) and touch is not None:
            self._touches[way] = touch
            self._before[to].append(way)
            self._look_for_round(way, to)
        return True

    def take_news(self) -> list[Way]:
        """Return the ways that have become known since the last call."""
        news, self._news = self._news, []
        return news

    def is_local(self, way: Way) -> bool:
        """Whether a turn touches nothing that others see, so that these can as well have their turns after it. That is
        not so for a process that spins in such turns, since it would put off the others for ever."""
        touch = self._touches.get(way)
        return self.infers and touch is not None and touch.is_nothing and way[0] not in self._rounds

    def take_rounds(self) -> list[int]:
        """Return the states that were found, since the last call, to be reached again by turns that touch nothing."""
        rounds, self._new_rounds = self._new_rounds, []
        return rounds

    def _look_for_round(self, way: Way, to: int) -> None:
        """Check whether this way closes a cycle."""
        if not self._touches[way].is_nothing or way[0] in self._rounds:
            return
        seen = {to}
        todo = [to]
        while todo and way[0] not in seen and len(seen) < _MAX_LOOKED:
            state = todo.pop()
            for name in self.able[state]:
                if self.is_local((state, name)) and isinstance(after := self.edges[state, name][0], int):
                    if after not in seen:
                        seen.add(after)
                        todo.append(after)
        if todo or way[0] in seen:
            self._rounds.add(way[0])
            self._new_rounds.append(way[0])

    def bar(self, way: Way) -> None:
        """Note that a way leads nowhere."""
        self.edges.setdefault(way, [])

    def is_kept(self, way: Way, local: str) -> bool:
        """Whether it was right not to try a way because of the turn ``local`` of another process, which touches
        nothing: both orders of the two lead to the same state."""
        state, name = way
        ends: list[Sequence[int | Leaf]] = []
        for first, second in ((local, name), (name, local)):
            to = self.edges.get((state, first), ())
            ends.append(self.edges.get((to[0], second), ()) if len(to) == 1 and isinstance(to[0], int) else ())
        known = all(isinstance(to, Leaf) or to in self.keys for end in ends for to in end)
        return ends[0] == ends[1] or not all(ends) or not known

    def distrust(self) -> None:
        """Remove all inferences, because what turns were reported to touch was wrong."""
        self.infers = False
        for way in self.inferred:
            del self.edges[way]
            del self._touches[way]
        self.inferred.clear()

    # What need not be tried

    def infer(self, ways: Sequence[Way]) -> list[Way]:
        """Infer ways from these known ones, and return them."""
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
                    self._look_for_round(new, to)
                    todo.append(new)
                    found.append(new)
        self._news += found
        return found

    def _beside(self, way: Way) -> list[tuple[Way, int, Touch]]:
        """Return what follows from a way and another one from the same state: each can be gone after the other."""
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
        """Return what follows from a way and the one before: it can be gone first."""
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
