"""The frontier of the search: the cost of getting to each place in the graph, and the ways that remain to be tried."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import NamedTuple

from sandbox.analysis.exploration.agenda import Agenda, Cost, Item, Kind, Place
from sandbox.analysis.exploration.graph import Graph, Way
from sandbox.analysis.exploration.runs import Choice, Start


class Label(NamedTuple):
    """The cheapest order that leads to a place.

    ``cost``: its cost; ``among``: the processes that have preempted or were preempted; ``before``: the place before the
    last turn, and whose turn that was (None: there is none); ``kind``: between which lines its preemptions are.
    """

    cost: Cost = Cost()
    among: frozenset[str | None] = frozenset()
    before: tuple[Place, str] | None = None
    kind: Kind = ()


class Frontier:
    """Finds the ways to be tried. ``roams``: beyond so many preemptions (None: never) their number does not matter."""

    def __init__(self, graph: Graph, roams: int | None) -> None:
        self._graph, self._roams = graph, roams
        self.agenda = Agenda(self._is_done, roams)
        self.labels: dict[Place, Label] = {}
        #: For each state, the processes that ran last when it was reached; for each place, the processes that could be
        #: chosen there, and whether a preemption there hardly matters.
        self.lasts: dict[int, list[str | None]] = defaultdict(list)
        self._candidates: dict[Place, tuple[str, ...]] = {}
        self._idle: set[Place] = set()
        #: The line before which a process is in a state; the ways in which no other process was involved.
        self._sites: dict[Way, str] = {}
        self.alone: set[Way] = set()
        #: The processes that only spin in a state, so that their turns need not be tried.
        self.spinning: set[Way] = set()
        #: For each way that need not be tried because of another process's turn: the place where it begins, and that
        #: process.
        self.put_off: dict[Way, tuple[Place, str]] = {}
        #: Processes that cannot be chosen at a place after all.
        self.barred: set[tuple[Place, str]] = set()
        #: The ways that are or were to be tried, with their costs.
        self._asked: dict[Way, Cost] = {}

    # Which ways need not be tried

    def roams_at(self, cost: Cost) -> bool:
        return self._roams is not None and cost.preemptions > self._roams

    def _is_done(self, item: Item, cost: Cost) -> bool:
        """Whether a way was gone in another order, was added with another cost, or need not be tried."""
        way, place, _ = item
        if way in self._graph.edges or self._asked.get(way) != cost:
            return True
        if self._comes_to_the_same(way, place, cost):
            del self._asked[way]  # added again if that turns out to be wrong
            return True
        return False

    def _comes_to_the_same(self, way: Way, place: Place, cost: Cost) -> bool:
        """Whether a way need not be tried because another process can have its turn first, which touches nothing that
        others see. A process that is preempted before such a turn could as well be preempted after it. If the number of
        preemptions does not matter, this holds for all processes."""
        state, name = way
        candidates = self.candidates_at(place)
        firsts = candidates if self.roams_at(cost) else (place.last,) if place.last in candidates else ()
        for first in firsts:
            if first is not None and first != name and (state, first) not in self.spinning:
                if self._graph.is_local((state, first)):
                    self.put_off[way] = place, first
                    return True
        return False

    def order(self, place: Place) -> list[str]:
        """Return the turns that lead to a place."""
        turns: list[str] = []
        while (before := self.labels[place].before) is not None:
            place, name = before
            turns.append(name)
        return turns[::-1]

    def start(self, place: Place) -> Start | None:
        """Return how to get to a place fast; None if all turns must be made one by one."""
        key = self._graph.keys.get(place.state)
        if key is None:
            return None
        stretches: list[tuple[str, int, bool]] = []
        at = place
        while (step := self.labels[at].before) is not None:
            at, name = step
            way = at.state, name
            if len(self._graph.edges[way]) > 1:
                return None
            alone = way in self.alone
            if alone and stretches and stretches[-1][0] == name and stretches[-1][2]:
                stretches[-1] = name, stretches[-1][1] + 1, True
            else:
                stretches.append((name, 1, alone))
        return Start(tuple(reversed(stretches)), key)

    # What is known of places

    def come_to(self, place: Place, choice: Choice) -> list[Place]:
        """Take in what a run has found at a place. Return the places of which that says something new."""
        spinning = {(place.state, spinner) for spinner in choice.spins} - self.spinning
        self.spinning |= spinning
        new = [Place(*way) for way in sorted(spinning)]
        self._sites.update(((place.state, name), site) for name, site in zip(choice.able, choice.sites, strict=False))
        before = self._candidates.get(place, ())
        if choice.candidates == before:
            return [*new, place] if new else []
        self._candidates[place] = tuple(name for name in choice.able if name in before or name in choice.candidates)
        if choice.idle:
            self._idle.add(place)
        if place == Place(0, None) and place not in self.labels:
            self._label(place, Label())
        return [*new, place] if new or self._candidates[place] != before else []

    # The costs of places

    def _label(self, place: Place, label: Label) -> None:
        if place not in self.labels:
            self.lasts[place.state].append(place.last)
        self.labels[place] = label

    def expand(self, first: Place) -> None:
        """Update the costs of the places that follow a place, and add the ways that remain to be tried."""
        if first not in self.labels:
            return
        todo = deque([first])
        while todo:
            place = todo.popleft()
            for to, label in self._onward(place):
                known = self.labels.get(to)
                if known is None or label.cost < known.cost:
                    self._label(to, label)
                    todo.append(to)

    def candidates_at(self, place: Place) -> tuple[str, ...]:
        """Return the processes that can be chosen at a place, as far as known."""
        return self._candidates.get(place) or self._graph.able[place.state]

    def _onward(self, place: Place) -> Iterator[tuple[Place, Label]]:
        """Yield where the known ways from a place lead, and add the others to the agenda."""
        for name in self.candidates_at(place):
            way = place.state, name
            if (place, name) in self.barred:
                continue
            label = self._label_after(place, name)
            targets = self._graph.edges.get(way)
            if targets is None:
                self._ask(Item(way, place, label.kind), label.cost)
                continue
            for to in targets:
                if isinstance(to, int):
                    yield Place(to, name), label

    def _label_after(self, place: Place, name: str) -> Label:
        """Return the label of the place after a turn. It is no preemption to leave a process that spins, whether or not
        it has gone round yet on this way to the place."""
        cost, among, _, kind = self.labels[place]
        last = place.last
        if last not in (None, name) and last in self.candidates_at(place) and place not in self.spinning:
            among |= {last, name}
            cost = cost.with_preemption(among, place in self._idle)
            kind = self._kind_with(kind, place.state, last, name)
        return Label(cost, among, (place, name), kind)

    def _kind_with(self, kind: Kind, state: int, preempted: str, by: str) -> Kind:
        """Return the kind with one more preemption. Kinds of orders with many preemptions are not distinguished
        further."""
        if len(kind) > (self._roams or 0):
            return kind
        return (*kind, (self._sites.get((state, preempted), ""), self._sites.get((state, by), "")))

    def _ask(self, item: Item, cost: Cost) -> None:
        """Add a way to the agenda, unless it was added at the same or a lower cost."""
        known = self._asked.get(item.way)
        if (known is None or cost < known) and not self._comes_to_the_same(item.way, item.place, cost):
            self._asked[item.way] = cost
            self.agenda.add(item, cost)

    def begin_anew(self) -> None:
        """Recompute all costs, because some ways do not lead where they were thought to lead."""
        self.labels.clear()
        self.lasts.clear()
        self._asked.clear()
        self.agenda.clear()
        root = Place(0, None)
        self._label(root, Label())
        self.expand(root)

    def ask_again(self, item: Item, cost: Cost) -> None:
        """Add an item again that could not be tried, before all others of its kind."""
        if item.way not in self._graph.edges:
            self._asked[item.way] = cost
            self.agenda.add(item, cost, first=True)
