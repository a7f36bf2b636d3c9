"""What it costs to come to a place in the graph of states, and which of the ways from there are to be tried."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import NamedTuple

from sandbox.analysis.exploration.agenda import Agenda, Cost, Item, Kind, Place
from sandbox.analysis.exploration.graph import Graph, Way
from sandbox.analysis.exploration.runs import Choice, Start


class Label(NamedTuple):
    """The cheapest order that leads to a place: what it costs, who has preempted or was preempted, its last turn
    (None: there is none), and between which lines its preemptions are."""

    cost: Cost = Cost()
    among: frozenset[str | None] = frozenset()
    before: tuple[Place, str] | None = None
    kind: Kind = ()


class Frontier:
    """``roams``: of more preemptions than this it is all one how many an order has."""

    def __init__(self, graph: Graph, roams: int | None) -> None:
        self._graph, self._roams = graph, roams
        self.agenda = Agenda(self._is_done, roams)
        self.labels: dict[Place, Label] = {}
        #: Of each state those who ran last when it was come to; of each place who could be chosen there, and whether it
        #: hardly matters that who ran last is preempted.
        self.lasts: dict[int, list[str | None]] = defaultdict(list)
        self._candidates: dict[Place, tuple[str, ...]] = {}
        self._idle: set[Place] = set()
        #: Before which line who stands in a state; the ways in which nobody else had any part.
        self._sites: dict[Way, str] = {}
        self.alone: set[Way] = set()
        #: Who only goes round in which state; what would come of that need not be tried.
        self.spinning: set[Way] = set()
        #: The ways that need not be gone because of whose turn, and places where they begin.
        self.put_off: dict[Way, tuple[Place, str]] = {}
        #: Who cannot be chosen at a place after all.
        self.barred: set[tuple[Place, str]] = set()
        #: The ways that are or were to be tried, and at which cost; how often each was tried in vain.
        self._asked: dict[Way, Cost] = {}

    # Which ways need not be gone

    def roams_at(self, cost: Cost) -> bool:
        return self._roams is not None and cost.preemptions > self._roams

    def _is_done(self, item: Item, cost: Cost) -> bool:
        """Whether a way was gone in the course of another order, was asked for at another cost, or need not be gone."""
        way, place, _ = item
        if way in self._graph.edges or self._asked.get(way) != cost:
            return True
        if self._comes_to_the_same(way, place, cost):
            del self._asked[way]  # it is asked for again should that turn out to be wrong
            return True
        return False

    def _comes_to_the_same(self, way: Way, place: Place, cost: Cost) -> bool:
        """Whether nothing is lost if somebody else has a turn first, because that one touches nothing that others see.
        Who is preempted before such a turn could as well be preempted after it; where it does not matter how many
        preemptions an order has, it goes for everybody."""
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
        """The turns that lead to a place."""
        turns: list[str] = []
        while (before := self.labels[place].before) is not None:
            place, name = before
            turns.append(name)
        return turns[::-1]

    def start(self, place: Place) -> Start | None:
        """How to be at a place soon; None: as anywhere else."""
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

    def come_to(self, place: Place, choice: Choice) -> bool:
        """What a run has found at a place; returns whether that is new."""
        spinning = {(place.state, spinner) for spinner in choice.spins} - self.spinning
        self.spinning |= spinning
        self._sites.update(((place.state, name), site) for name, site in zip(choice.able, choice.sites, strict=False))
        before = self._candidates.get(place, ())
        if choice.candidates == before:
            return bool(spinning)
        self._candidates[place] = tuple(name for name in choice.able if name in before or name in choice.candidates)
        if choice.idle:
            self._idle.add(place)
        if place == Place(0, None) and place not in self.labels:
            self._label(place, Label())
        return bool(spinning) or self._candidates[place] != before

    # What it costs to come to a place

    def _label(self, place: Place, label: Label) -> None:
        if place not in self.labels:
            self.lasts[place.state].append(place.last)
        self.labels[place] = label

    def expand(self, first: Place) -> None:
        """Where it goes on from a place, and from those that are cheaper to come to because of that."""
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
        """Who can be chosen there, as far as is known."""
        return self._candidates.get(place) or self._graph.able[place.state]

    def _onward(self, place: Place) -> Iterator[tuple[Place, Label]]:
        """Where the ways from a place lead; those of which that is not known are to be tried."""
        label = self.labels[place]
        candidates = self.candidates_at(place)
        for name in candidates:
            cost, among, kind = label.cost, label.among, label.kind
            if place.last is not None and place.last != name and place.last in candidates:
                among |= {place.last, name}
                cost = cost.with_preemption(among, place in self._idle)
                kind = self._kind_with(kind, place.state, place.last, name)
            way = place.state, name
            if (place, name) in self.barred:
                continue
            targets = self._graph.edges.get(way)
            if targets is None:
                self._ask(Item(way, place, kind), cost)
                continue
            for to in targets:
                if isinstance(to, int):
                    yield Place(to, name), Label(cost, among, (place, name), kind)

    def _kind_with(self, kind: Kind, state: int, preempted: str, by: str) -> Kind:
        """And one more preemption; of orders that have many of them it makes no difference."""
        if len(kind) > (self._roams or 0):
            return kind
        return (*kind, (self._sites.get((state, preempted), ""), self._sites.get((state, by), "")))

    def _ask(self, item: Item, cost: Cost) -> None:
        """The way is to be tried, unless that was asked for already, at no greater cost."""
        known = self._asked.get(item.way)
        if (known is None or cost < known) and not self._comes_to_the_same(item.way, item.place, cost):
            self._asked[item.way] = cost
            self.agenda.add(item, cost)

    def begin_anew(self) -> None:
        """Some of what was thought to lead to places does not."""
        self.labels.clear()
        self.lasts.clear()
        self._asked.clear()
        self.agenda.clear()
        root = Place(0, None)
        self._label(root, Label())
        self.expand(root)

    def ask_again(self, item: Item, cost: Cost) -> None:
        """It was tried in vain: before all else that is like it."""
        if item.way not in self._graph.edges:
            self._asked[item.way] = cost
            self.agenda.add(item, cost, first=True)
