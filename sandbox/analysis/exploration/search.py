"""The search through all orders of turns, those of the fewest preemptions first.

Every order is a path through a graph of states. A run is a path to its end; where it could have taken another turn,
another run has to come there and take that one. Who goes on, or gets a turn that nobody else wants, is free; a switch
away from somebody who could have gone on is a preemption. Runs are made level by level, of none, of one, of two
preemptions, and few of those who ever wrote a racy program wrote one that needs more than two.

Where two moments are known to be the same state of the world, only the first goes on to be searched; where that is not
known, each order is a path of its own.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from sandbox.analysis.exploration.counting import Counts, Leaf, count
from sandbox.analysis.exploration.graph import Graph, Way
from sandbox.analysis.exploration.runs import Choice, Outcome, Run, Touch


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


class Label(NamedTuple):
    """The cheapest order that leads to a place: what it costs, who has preempted or was preempted, and its last turn
    (None: there is none)."""

    cost: Cost = Cost()
    among: frozenset[str | None] = frozenset()
    before: tuple[Place, str] | None = None


class Task(NamedTuple):
    """An order to try: its first turns, and what they cost. ``way``: the state at which it parts from what
    was tried before, and by whose turn (None: nothing was tried before); ``place``: where that is. ``roams``: it shall
    go wherever nobody has been, however many preemptions that takes."""

    order: tuple[str, ...]
    cost: Cost
    way: Way | None = None
    place: Place | None = None
    roams: bool = False


#: An order that cannot be kept is tried so often: who of two that wait for one thing gets it is the system's choice.
_MAX_TRIES = 3
#: Why a run has ended in which nothing comes of going on.
_ALL_SPIN = "all spin"
#: Of the ways that nobody has gone one in so many is gone in the end, and so many at most, to see whether they lead
#: where they should.
_AUDITED, _MAX_AUDITED = 8, 24


class Search:
    """Which orders are to be tried, and what is known from those that were. ``bound``: of how many preemptions at
    most (None: any number); ``roams``: beyond so many preemptions runs go wherever nobody has been."""

    def __init__(self, bound: int | None = None, roams: int | None = None) -> None:
        self.bound, self._roams = bound, roams
        #: The level that is searched.
        self._level = Cost()
        self.runs = 0
        #: Runs that were given up, because they went on and on.
        self.given_up = 0
        #: Runs that went another way than one before in which the turns were the same.
        self.diverged = 0
        self.outcomes: list[Outcome] = []
        #: For each outcome the first run that led to it, and the smallest of those that break.
        self.examples: list[Run] = []
        self.found: Run | None = None
        #: Whether every state that was seen could be known.
        self.all_known = True
        #: What runs need not go through again: the key of each state and whose turn, in the order in which that became
        #: known.
        self.met: list[tuple[str, str]] = []
        self.graph = Graph()
        self._levels: dict[Cost, deque[tuple[Way, Place]]] = defaultdict(deque)
        self._begun = False
        self._under_way = 0
        self._states: dict[Hashable, int] = {}
        self._keys: dict[int, str] = {}
        self._labels: dict[Place, Label] = {}
        #: Of each state those who ran last when it was come to; of each place who could be chosen there, and whether it
        #: hardly matters that who ran last is preempted.
        self._lasts: dict[int, list[str | None]] = defaultdict(list)
        self._candidates: dict[Place, tuple[str, ...]] = {}
        self._idle: set[Place] = set()
        #: Who cannot be chosen at a place after all.
        self._barred: set[tuple[Place, str]] = set()
        #: The ways that are or were to be tried, and at which cost; how often each was tried in vain.
        self._asked: dict[Way, Cost] = {}
        self._tries: dict[Way, int] = defaultdict(int)
        #: The ways that are to be audited, once all else has been tried.
        self._audits: deque[tuple[Way, Place]] | None = None
        self._known_outcomes: dict[bytes, int] = {}
        #: Who only goes round in which state; what would come of that need not be tried.
        self._spinning: set[Way] = set()
        #: The ways at whose end it was found that all only go round.
        self._spun_out: set[Way] = set()

    # What is to be done

    @property
    def preemptions(self) -> int:
        """Of the orders that are tried."""
        return self._level.preemptions

    @property
    def exhausted(self) -> bool:
        """Whether no order is left at all, of however many preemptions."""
        if not self._begun or self._under_way or any(map(self._skip, [*self._levels])):
            return False
        return not self._to_be_audited()

    def within(self, bound: int) -> bool:
        """Whether all orders of so many preemptions have been tried."""
        levels = [level for level in self._levels if level.preemptions <= bound]
        return self._begun and not self._under_way and not any(map(self._skip, levels))

    def next(self) -> Task | None:
        """What to try next. None: nothing, until what is under way is back; nothing at all, if nothing is."""
        if not self._begun:
            self._begun = True
            self._under_way += 1
            return Task((), Cost())
        if not self._skip(self._level):
            if self._under_way and not self._is_roaming:
                return None
            left = [level for level in [*self._levels] if self._skip(level)]
            if not left or (self.bound is not None and min(left).preemptions > self.bound):
                return self._audit()
            self._level = min(left)
        self._under_way += 1
        way, place = self._levels[self._level].popleft()
        return Task((*self._order(place), way[1]), self._level, way, place, self._is_roaming)

    def _audit(self) -> Task | None:
        """One of the ways that nobody has gone: does it lead where it should?"""
        if self._under_way or not self._to_be_audited():
            return None
        assert self._audits is not None
        self._under_way += 1
        self._level = Cost()
        way, place = self._audits.popleft()
        return Task((*self._order(place), way[1]), self._level, way, place)

    def _to_be_audited(self) -> bool:
        """Whether there is any."""
        if self._audits is None:
            ways = [
                (way, Place(way[0], last))
                for way in sorted(self.graph.inferred)
                for last in self._lasts[way[0]][:1]
                if way[1] in self._candidates_at(Place(way[0], last))
            ]
            self._audits = deque(ways[:: max(len(ways) // _MAX_AUDITED, _AUDITED)][:_MAX_AUDITED])
        while self._audits and not (self._audits[0][0] in self.graph.inferred and self._audits[0][1] in self._labels):
            self._audits.popleft()
        return bool(self._audits)

    @property
    def _is_roaming(self) -> bool:
        return self._roams is not None and self._level.preemptions > self._roams

    def _skip(self, level: Cost) -> bool:
        """Whether a level has a task that has not been done by way of another one meanwhile; it is the next one."""
        tasks = self._levels[level]
        while tasks and (tasks[0][0] in self.graph.edges or self._asked.get(tasks[0][0]) != level):
            tasks.popleft()
        return bool(tasks)

    def _order(self, place: Place) -> list[str]:
        """The turns that lead to a place."""
        turns: list[str] = []
        while (before := self._labels[place].before) is not None:
            place, name = before
            turns.append(name)
        return turns[::-1]

    # What is known from it

    def take(self, task: Task, run: Run) -> None:
        """Take in a run; in the order of the tasks, if the search is to find the same each time."""
        self._under_way -= 1
        self.runs += 1
        self.given_up += not run.ended
        infers = self.graph.infers
        alike = self._walk(run)
        if self.graph.infers != infers:
            self._audits = None
            self._begin_anew()
        if not run.kept and not self._is_in_vain(task, run):
            alike = False
            self._try_again(task)
        self.diverged += not alike
        self._tell_known()
        if run.outcome.broken and not run.met and (self.found is None or _size(run) < _size(self.found)):
            self.found = run

    def _try_again(self, task: Task) -> None:
        """It could not be kept."""
        if task.way is None or task.place is None or task.way in self.graph.edges:
            return
        self._tries[task.way] += 1
        if self._tries[task.way] >= _MAX_TRIES:
            self.graph.bar(task.way)
        else:
            self._asked[task.way] = task.cost
            self._levels[task.cost].appendleft((task.way, task.place))

    def _is_in_vain(self, task: Task, run: Run) -> bool:
        """Whether an order could not be kept because somebody in it has been found to go round in vain; the way there
        is no way then."""
        at = _agreeing(task.order, run.order)
        if at >= min(len(task.order), len(run.choices)) or task.order[at] not in run.choices[at].spins:
            return False
        self._barred.add((self._way_of(run)[at], task.order[at]))
        self._begin_anew()
        return True

    def _way_of(self, run: Run) -> list[Place]:
        """The places of a run that was walked along."""
        way: Way | None = None
        places: list[Place] = []
        for choice, name in zip_longest(run.choices, run.order, fillvalue=None):
            assert choice is not None, "a turn is chosen"
            state = self._state(choice, way)
            places.append(Place(state, choice.last))
            if name is not None:
                way = state, name
        return places

    def _outcome(self, run: Run) -> int:
        index = self._known_outcomes.setdefault(run.outcome.key, len(self.outcomes))
        if index == len(self.outcomes):
            self.outcomes.append(run.outcome)
            self.examples.append(run)
        elif _size(run) < _size(self.examples[index]):
            self.examples[index] = run
        return index

    def _walk(self, run: Run) -> bool:
        """Along a run: what it adds to the graph, and what else could be done from there. False: it went another way
        than one before."""
        alike = True
        new: list[Way] = []
        changed: list[Place] = []
        way: Way | None = None
        place, touch = Place(0, None), None
        turns = zip_longest(run.order, run.touches[: len(run.order)])
        for choice in run.choices:
            state = self._state(choice, way)
            if way is None:
                alike = state == 0
            else:
                if way not in self.graph.edges or way in self.graph.inferred:
                    new.append(way)
                    changed.append(place)
                alike = self._leads(way, state, touch) and alike
            place = Place(state, choice.last)
            if self._come_to(place, choice):
                changed.append(place)
            name, touch = next(turns, (None, None))
            if name is None:
                break  # it was ended there, because all that comes is known
            way = state, name
        if run.ended and not run.met and way is not None:
            if any(what.rule == _ALL_SPIN for what in run.outcome.broken):
                self._spun_out.add(way)
            alike = self._leads(way, Leaf(self._outcome(run)), None) and alike
        inferred = dict.fromkeys(state for state, _ in self.graph.infer(new))
        for place in changed:
            self._expand(place)
        for state in inferred:
            for last in self._lasts[state]:
                self._expand(Place(state, last))
        return alike

    def _leads(self, way: Way, to: int | Leaf, touch: Touch | None) -> bool:
        """There it has led. False: it has led elsewhere before. When it is found out that all only go round depends on
        the way that leads to a state."""
        return self.graph.leads(way, to, touch) or way in self._spun_out

    def _state(self, choice: Choice, way: Way | None) -> int:
        """The number of the state to which this way leads. What is not known to be one that was seen before is told by
        the way."""
        self.all_known = self.all_known and choice.key is not None
        for to in self.graph.edges.get(way, ()) if way is not None else range(min(len(self.graph.able), 1)):
            if isinstance(to, int) and self.graph.able[to] == choice.able:
                same = not choice.key or self._states.get((choice.key, choice.able)) == to
                if not same and way in self.graph.inferred:
                    continue
                if not same:
                    self.all_known = False  # there is more to a state than what we see of it
                return to
        name = choice.key or way, choice.able
        state = self._states.get(name)
        if state is None:
            state = self._states[name] = self.graph.add_state(choice.able)
            if choice.key:
                self._keys[state] = choice.key
        return state

    def _come_to(self, place: Place, choice: Choice) -> bool:
        """What a run has found at a place; returns whether that is new."""
        self._spinning.update((place.state, spinner) for spinner in choice.spins)
        before = self._candidates.get(place, ())
        if choice.candidates == before:
            return False
        self._candidates[place] = tuple(name for name in choice.able if name in before or name in choice.candidates)
        if choice.idle:
            self._idle.add(place)
        if place == Place(0, None) and place not in self._labels:
            self._label(place, Label())
        return self._candidates[place] != before

    def _tell_known(self) -> None:
        """Those who make runs need not go ways that are known."""
        for state, name in self.graph.take_news():
            if (key := self._keys.get(state)) is not None:
                self.met.append((key, name))

    # What it costs to come to a place

    def _label(self, place: Place, label: Label) -> None:
        if place not in self._labels:
            self._lasts[place.state].append(place.last)
        self._labels[place] = label

    def _expand(self, first: Place) -> None:
        """Where it goes on from a place, and from those that are cheaper to come to because of that."""
        if first not in self._labels:
            return
        todo = deque([first])
        while todo:
            place = todo.popleft()
            for to, label in self._onward(place):
                known = self._labels.get(to)
                if known is None or label.cost < known.cost:
                    self._label(to, label)
                    todo.append(to)

    def _candidates_at(self, place: Place) -> tuple[str, ...]:
        """Who can be chosen there, as far as is known."""
        return self._candidates.get(place) or self.graph.able[place.state]

    def _onward(self, place: Place) -> Iterator[tuple[Place, Label]]:
        """Where the ways from a place lead; those of which that is not known are to be tried."""
        label = self._labels[place]
        candidates = self._candidates_at(place)
        for name in candidates:
            cost, among = label.cost, label.among
            if place.last != name and place.last in candidates:
                among |= {place.last, name}
                cost = cost.with_preemption(among, place in self._idle)
            way = place.state, name
            if (place, name) in self._barred:
                continue
            targets = self.graph.edges.get(way)
            if targets is None:
                self._ask(way, place, cost)
                continue
            for to in targets:
                if isinstance(to, int):
                    yield Place(to, name), Label(cost, among, (place, name))

    def _ask(self, way: Way, place: Place, cost: Cost) -> None:
        """The way is to be tried, unless that was asked for already, at no greater cost."""
        known = self._asked.get(way)
        if known is None or cost < known:
            self._asked[way] = cost
            self._levels[cost].append((way, place))

    def _begin_anew(self) -> None:
        """Some of what was thought to lead to places does not."""
        self._labels.clear()
        self._lasts.clear()
        self._asked.clear()
        self._levels.clear()
        root = Place(0, None)
        self._label(root, Label())
        self._expand(root)

    def counts(self, bound: int | None) -> Counts | None:
        """How many orders there are of at most so many preemptions, as far as they are known, by what comes of them.
        None: a program that goes round has no end of them."""
        ways = {**dict.fromkeys(self._spinning, ()), **self.graph.edges}
        return count(self.graph.able, ways, bound)


def _agreeing(wished: Sequence[str], taken: Sequence[str]) -> int:
    """So many turns at the beginning are those that were wished for."""
    return next((at for at, (one, other) in enumerate(zip(wished, taken, strict=False)) if one != other), len(wished))


def _size(run: Run) -> tuple[int, int, int]:
    """Of two runs of which the same is told, the smaller one is easier to read."""
    return run.preemptions, len(run.order), run.switches
