"""The search through all orders of turns, those with the fewest preemptions first.

Every order is a path through a graph of states. A run is a path to its end. Where it could have taken another turn,
another run has to get there and take that one. A process that goes on, or runs when no other can go on, is free; a
switch away from a process that could have gone on is a preemption. Runs are made level by level, with no preemption,
with one, with two; few racy programs need more than two to break.

If two moments are known to be the same state, only the first one is continued. If that is unknown, each order is a path
of its own.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from msgspec import structs

from sandbox.analysis.exploration.agenda import Cost, Item, Place
from sandbox.analysis.exploration.completion import completed
from sandbox.analysis.exploration.counting import Counts, Leaf, count
from sandbox.analysis.exploration.frontier import Frontier
from sandbox.analysis.exploration.graph import Graph, Way
from sandbox.analysis.exploration.known import Gone
from sandbox.analysis.exploration.runs import Choice, Outcome, Run, Start, Touch
from sandbox.model.events import Clause


class Task(NamedTuple):
    """An order to try.

    ``order``: its first turns; ``cost``: their cost; ``way``: the state at which it deviates from previous orders, and
    by whose turn (None: it is the first order); ``place``: where that is; ``roams``: whether it goes on to states where
    no run has been, with any number of preemptions; ``start``: how to get to the place fast; ``checks``: whether it
    checks that a way need not be tried because of another turn.
    """

    order: tuple[str, ...]
    cost: Cost
    way: Way | None = None
    place: Place | None = None
    roams: bool = False
    start: Start | None = None
    checks: bool = False


#: How often an order is tried that cannot be kept: the system decides which of two processes gets what both wait for.
_MAX_TRIES = 3
#: After so many runs, all further ones go wherever no run has been, not only with few preemptions: an order that breaks
#: is found sooner, or it is proved that there is none.
_PATIENT = 200
#: The rule for a run that has ended because all processes spin.
_ALL_SPIN = "all spin"
#: At the end one in _AUDITED of the ways that were not tried, and at most _MAX_AUDITED, are tried to check the
#: inferences.
_AUDITED, _MAX_AUDITED = 8, 24


class Search:
    """Decides which orders to try, and keeps what is known from those that were tried.

    ``bound``: the maximum number of preemptions (None: any number); ``roams``: beyond so many preemptions runs go
    wherever no run has been.
    """

    def __init__(self, bound: int | None = None, roams: int | None = None) -> None:
        self.bound = bound
        #: The cost of the orders that are tried now.
        self._level = Cost()
        self.runs = 0
        #: The number of runs that were given up, because they did not end.
        self.given_up = 0
        #: The number of runs that went another way than a previous one with the same turns.
        self.diverged = 0
        self.outcomes: list[Outcome] = []
        #: For each outcome the smallest run that led to it, and the smallest of those that break.
        self.examples: list[Run] = []
        self.found: Run | None = None
        #: Whether the keys of all states were known.
        self.all_known = True
        #: What runs need not go through again, in the order in which it became known.
        self.met: list[Gone] = []
        self.graph = Graph()
        self._frontier = Frontier(self.graph, roams)
        self._begun = False
        self._under_way = 0
        self._states: dict[Hashable, int] = {}
        #: Whether runs get to known states fast, which is given up when one does not get there.
        self._hurries = True
        #: How often each way could not be tried.
        self._tries: dict[Way, int] = defaultdict(int)
        #: The ways to be checked, when all else has been tried.
        self._audits: deque[tuple[Way, Place]] | None = None
        self._known_outcomes: dict[bytes, int] = {}
        #: The ways after which all processes were found to spin.
        self._spun_out: set[Way] = set()

    # What is to be tried

    @property
    def preemptions(self) -> int:
        """The number of preemptions in the orders that are tried now."""
        return self._level.preemptions

    @property
    def exhausted(self) -> bool:
        """Whether no order is left, with any number of preemptions."""
        if not self._begun or self._under_way or self._frontier.agenda.next() is not None:
            return False
        return not self._to_be_audited()

    def within(self, bound: int) -> bool:
        """Whether all orders with at most so many preemptions have been tried."""
        return self._begun and not self._under_way and not self._frontier.agenda.has(bound)

    def next(self) -> Task | None:
        """Return what to try next; None if nothing can be tried until the runs in progress are returned, or at all."""
        if not self._begun:
            self._begun = True
            self._under_way += 1
            return Task((), Cost())
        cost = self._frontier.agenda.next()
        if cost is None or (self.bound is not None and cost.preemptions > self.bound):
            return self._audit()
        if self._under_way and self._frontier.roams_at(cost) and not self._frontier.roams_at(self._level):
            return None
        self._under_way += 1
        (way, place, _), self._level = self._frontier.agenda.take()
        roams = self._frontier.roams_at(self._level) or (self.bound is None and self.runs >= _PATIENT)
        start = self._frontier.start(place) if self._hurries else None
        return Task((*self._frontier.order(place), way[1]), self._level, way, place, roams, start)

    def _audit(self) -> Task | None:
        """Return a task that checks one of the ways that were not tried."""
        if self._under_way or not self._to_be_audited():
            return None
        assert self._audits is not None
        self._under_way += 1
        self._level = Cost()
        way, place = self._audits.popleft()
        if way in self.graph.inferred:
            return Task((*self._frontier.order(place), way[1]), self._level, way, place)
        order = (*self._frontier.order(place), way[1], self._frontier.put_off[way][1])
        return Task(order, self._level, way, place, checks=True)

    def _to_be_audited(self) -> bool:
        """Whether there are ways left to check."""
        if self._audits is None:
            ways = [
                (way, Place(way[0], last))
                for way in sorted(self.graph.inferred)
                for last in self._frontier.lasts[way[0]][:1]
                if way[1] in self._frontier.candidates_at(Place(way[0], last))
            ]
            others = [(way, place) for way, (place, _) in self._frontier.put_off.items() if self._is_put_off(way)]
            self._audits = deque(_some_of(ways) + _some_of(others))
        while self._audits and not (
            self._audits[0][1] in self._frontier.labels
            and (self._audits[0][0] in self.graph.inferred or self._is_put_off(self._audits[0][0]))
        ):
            self._audits.popleft()
        return bool(self._audits)

    def _is_put_off(self, way: Way) -> bool:
        """Whether a way has not been tried because of another turn. If states are unknown, it cannot be checked."""
        return way not in self.graph.edges and way[0] in self.graph.keys and self.graph.infers

    # What is known

    def take(self, task: Task, run: Run) -> None:
        """Take in a run. For reproducible results, runs must be in the order of their tasks."""
        self._under_way -= 1
        self.runs += 1
        if run.skipped and not self._is_there(task, run):
            self._hurries = False
            self._ask_again(task)
            return
        self.given_up += not run.ended
        infers = self.graph.infers
        alike = self._walk(run, task)
        if self.graph.infers != infers:
            self._audits = None
            self._frontier.begin_anew()
        if not run.kept and not self._is_in_vain(task, run):
            alike = False
            self._try_again(task)
        self.diverged += not alike
        if task.checks and task.way is not None and not self.graph.is_kept(task.way, task.order[-1]):
            self.graph.distrust()
            self._audits = None
            self._frontier.begin_anew()
        self._tell_known()
        if run.outcome.broken and not run.met:
            run = self._fair(run)
            if self.found is None or _size(run) < _size(self.found):
                self.found = run

    def _is_there(self, task: Task, run: Run) -> bool:
        """Whether a run that was to get to a state fast has got there."""
        return (
            task.place is not None and run.choices[:1] != [] and run.choices[0].key == self.graph.keys[task.place.state]
        )

    def _try_again(self, task: Task) -> None:
        """Ask again for an order that could not be kept, or give it up."""
        if task.way is None or task.way in self.graph.edges:
            return
        self._tries[task.way] += 1
        if self._tries[task.way] >= _MAX_TRIES:
            self.graph.bar(task.way)
        else:
            self._ask_again(task)

    def _ask_again(self, task: Task) -> None:
        if task.way is not None and task.place is not None:
            self._frontier.ask_again(Item(task.way, task.place), task.cost)

    def _is_in_vain(self, task: Task, run: Run) -> bool:
        """Whether an order could not be kept because a process in it was found to spin. Then it cannot be chosen
        there."""
        at = _agreeing(task.order, run.order)
        if run.skipped or at >= min(len(task.order), len(run.choices)) or task.order[at] not in run.choices[at].spins:
            return False
        self._frontier.barred.add((self._way_of(run)[at], task.order[at]))
        self._frontier.begin_anew()
        return True

    def _way_of(self, run: Run) -> list[Place]:
        """Return the places of a run that was already added to the graph."""
        way: Way | None = None
        places: list[Place] = []
        for choice, name in zip_longest(run.choices, run.order, fillvalue=None):
            assert choice is not None, "a turn is chosen"
            state = self._state(choice, way)
            places.append(Place(state, choice.last))
            if name is not None:
                way = state, name
        return places

    def _fair(self, run: Run) -> Run:
        """Return the run with what is known by now of processes that spin: to leave one of them is no preemption, even
        if it has not gone round yet in this run."""
        choices, turns = [*run.choices], [*run.turns]
        for index, (place, name) in enumerate(zip(self._way_of(run), run.order, strict=False)):
            if place in self._frontier.spinning and choices[index].preempts(name):
                choices[index] = choices[index].without_last()
                if index <= len(turns) and turns[index - 1].then is None:
                    turns[index - 1] = structs.replace(turns[index - 1], then=Clause("spins"))
        return structs.replace(run, choices=choices, turns=turns)

    def _outcome(self, run: Run) -> int:
        index = self._known_outcomes.setdefault(run.outcome.key, len(self.outcomes))
        if index == len(self.outcomes):
            self.outcomes.append(run.outcome)
            self.examples.append(run)
        elif not run.skipped and _size(run) < _size(self.examples[index]):
            self.examples[index] = run
        return index

    def _walk(self, run: Run, task: Task) -> bool:
        """Add a run to the graph, and the ways that can be tried from there. Return False if it went another way than a
        previous run."""
        alike = True
        new: list[Way] = []
        changed: list[Place] = []
        way: Way | None = None
        place, touch = Place(0, None), None
        names = run.order[run.skipped :]
        turns = zip_longest(names, run.touches[: len(names)], run.alone[: len(names)])
        for index, choice in enumerate(run.choices):
            if not index and run.skipped and task.place is not None:
                place = task.place
            else:
                state = self._state(choice, way)
                if way is None:
                    alike = state == 0
                else:
                    if way not in self.graph.edges or way in self.graph.inferred:
                        new.append(way)
                        changed.append(place)
                    alike = self._leads(way, state, touch) and alike
                place = Place(state, choice.last)
                changed += self._frontier.come_to(place, choice)
            name, touch, alone = next(turns, (None, None, None))
            if name is None:
                break  # the run was ended here, because the rest is known
            way = place.state, name
            if alone:
                self._frontier.alone.add(way)
        if run.ended and not run.met and way is not None:
            if any(what.rule == _ALL_SPIN for what in run.outcome.broken):
                self._spun_out.add(way)
            alike = self._leads(way, Leaf(self._outcome(run)), None) and alike
        inferred = dict.fromkeys(state for state, _ in self.graph.infer(new))
        for place in changed:
            self._frontier.expand(place)
        for state in (*inferred, *self.graph.take_rounds()):
            for last in self._frontier.lasts[state]:
                self._frontier.expand(Place(state, last))
        return alike

    def _leads(self, way: Way, to: int | Leaf, touch: Touch | None) -> bool:
        """Note where a way has led. Return False if it has led elsewhere before. That does not count if all processes
        were found to spin, because when that is found depends on the way to the state."""
        return self.graph.leads(way, to, touch) or way in self._spun_out

    def _state(self, choice: Choice, way: Way | None) -> int:
        """Return the number of the state to which this way leads. A state without a key is identified by the way."""
        self.all_known = self.all_known and choice.key is not None
        for to in self.graph.edges.get(way, ()) if way is not None else range(min(len(self.graph.able), 1)):
            if isinstance(to, int) and self.graph.able[to] == choice.able:
                same = not choice.key or self._states.get((choice.key, choice.able)) == to
                if not same and way in self.graph.inferred:
                    continue
                if not same:
                    self.all_known = False  # there is more to a state than what is read of it
                return to
        name = choice.key or way, choice.able
        state = self._states.get(name)
        if state is None:
            state = self._states[name] = self.graph.add_state(choice.able)
            if choice.key:
                self.graph.keys[state] = choice.key
        return state

    def _tell_known(self) -> None:
        """Add to ``met`` what has become known, so that runs need not go there."""
        for way in self.graph.take_news():
            state, name = way
            if (key := self.graph.keys.get(state)) is not None:
                to = self.graph.edges.get(way, ())
                leads = self.graph.keys.get(to[0], "") if len(to) == 1 and isinstance(to[0], int) else ""
                is_local = way not in self._frontier.spinning and self.graph.is_local(way)
                self.met.append(Gone(key, name, leads, is_local))

    def counts(self, bound: int | None) -> Counts | None:
        """Return how many of the known orders with at most so many preemptions lead to each outcome; None if there are
        infinitely many, because the program has a cycle."""
        ways = {**dict.fromkeys(self._frontier.spinning, ()), **self.graph.edges}
        return count(*completed(self.graph.able, ways, self.graph.is_local), bound)


def _agreeing(wished: Sequence[str], taken: Sequence[str]) -> int:
    """Return how many of the first turns are as wished."""
    return next((at for at, (one, other) in enumerate(zip(wished, taken, strict=False)) if one != other), len(wished))


def _some_of(ways: list[tuple[Way, Place]]) -> list[tuple[Way, Place]]:
    return ways[:: max(len(ways) // _MAX_AUDITED, _AUDITED)][:_MAX_AUDITED]


def _size(run: Run) -> tuple[int, int, int]:
    """Return the size of a run. Of two runs with the same result, the smaller one is easier to read."""
    return run.preemptions, len(run.order), run.switches
