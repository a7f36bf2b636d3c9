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
from collections.abc import Hashable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from sandbox.analysis.exploration.agenda import Cost, Item, Place
from sandbox.analysis.exploration.completion import completed
from sandbox.analysis.exploration.counting import Counts, Leaf, count
from sandbox.analysis.exploration.frontier import Frontier
from sandbox.analysis.exploration.graph import Graph, Way
from sandbox.analysis.exploration.known import Gone
from sandbox.analysis.exploration.runs import Choice, Outcome, Run, Start, Touch


class Task(NamedTuple):
    """An order to try: its first turns, and what they cost. ``way``: the state at which it parts from what
    was tried before, and by whose turn (None: nothing was tried before); ``place``: where that is. ``roams``: it shall
    go wherever nobody has been, however many preemptions that takes. ``start``: how to be at the place soon;
    ``checks``: does it make no difference that somebody else has not had its turn before?"""

    order: tuple[str, ...]
    cost: Cost
    way: Way | None = None
    place: Place | None = None
    roams: bool = False
    start: Start | None = None
    checks: bool = False


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
        self.bound = bound
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
        #: What runs need not go through again, in the order in which that became known.
        self.met: list[Gone] = []
        self.graph = Graph()
        self._frontier = Frontier(self.graph, roams)
        self._begun = False
        self._under_way = 0
        self._states: dict[Hashable, int] = {}
        #: Runs come to where others have been without our looking on; not, once one has not come there.
        self._hurries = True
        #: How often each way was tried in vain.
        self._tries: dict[Way, int] = defaultdict(int)
        #: The ways that are to be audited, once all else has been tried.
        self._audits: deque[tuple[Way, Place]] | None = None
        self._known_outcomes: dict[bytes, int] = {}
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
        if not self._begun or self._under_way or self._frontier.agenda.next() is not None:
            return False
        return not self._to_be_audited()

    def within(self, bound: int) -> bool:
        """Whether all orders of so many preemptions have been tried."""
        return self._begun and not self._under_way and not self._frontier.agenda.has(bound)

    def next(self) -> Task | None:
        """What to try next. None: nothing, until what is under way is back; nothing at all, if nothing is."""
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
        roams = self._frontier.roams_at(self._level)
        start = self._frontier.start(place) if self._hurries else None
        return Task((*self._frontier.order(place), way[1]), self._level, way, place, roams, start)

    def _audit(self) -> Task | None:
        """One of the ways that nobody has gone: does it lead where it should?"""
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
        """Whether there is any."""
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
        """Whether it has not been gone for that; where states are not known, nobody can see that it comes to the
        same."""
        return way not in self.graph.edges and way[0] in self.graph.keys and self.graph.infers

    # What is known from it

    def take(self, task: Task, run: Run) -> None:
        """Take in a run; in the order of the tasks, if the search is to find the same each time."""
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
        if run.outcome.broken and not run.met and (self.found is None or _size(run) < _size(self.found)):
            self.found = run

    def _is_there(self, task: Task, run: Run) -> bool:
        """Whether a run that was to come to a state soon has come there."""
        return (
            task.place is not None and run.choices[:1] != [] and run.choices[0].key == self.graph.keys[task.place.state]
        )

    def _try_again(self, task: Task) -> None:
        """It could not be kept."""
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
        """Whether an order could not be kept because somebody in it has been found to go round in vain; the way there
        is no way then."""
        at = _agreeing(task.order, run.order)
        if run.skipped or at >= min(len(task.order), len(run.choices)) or task.order[at] not in run.choices[at].spins:
            return False
        self._frontier.barred.add((self._way_of(run)[at], task.order[at]))
        self._frontier.begin_anew()
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
        elif not run.skipped and _size(run) < _size(self.examples[index]):
            self.examples[index] = run
        return index

    def _walk(self, run: Run, task: Task) -> bool:
        """Along a run: what it adds to the graph, and what else could be done from there. False: it went another way
        than one before."""
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
                if self._frontier.come_to(place, choice):
                    changed.append(place)
            name, touch, alone = next(turns, (None, None, None))
            if name is None:
                break  # it was ended there, because all that comes is known
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
                self.graph.keys[state] = choice.key
        return state

    def _tell_known(self) -> None:
        """Those who make runs need not go ways that are known."""
        for way in self.graph.take_news():
            state, name = way
            if (key := self.graph.keys.get(state)) is not None:
                to = self.graph.edges.get(way, ())
                leads = self.graph.keys.get(to[0], "") if len(to) == 1 and isinstance(to[0], int) else ""
                is_local = way not in self._frontier.spinning and self.graph.is_local(way)
                self.met.append(Gone(key, name, leads, is_local))

    def counts(self, bound: int | None) -> Counts | None:
        """How many orders there are of at most so many preemptions, as far as they are known, by what comes of them.
        None: a program that goes round has no end of them."""
        ways = {**dict.fromkeys(self._frontier.spinning, ()), **self.graph.edges}
        return count(*completed(self.graph.able, ways, self.graph.is_local), bound)


def _agreeing(wished: Sequence[str], taken: Sequence[str]) -> int:
    """So many turns at the beginning are those that were wished for."""
    return next((at for at, (one, other) in enumerate(zip(wished, taken, strict=False)) if one != other), len(wished))


def _some_of(ways: list[tuple[Way, Place]]) -> list[tuple[Way, Place]]:
    return ways[:: max(len(ways) // _MAX_AUDITED, _AUDITED)][:_MAX_AUDITED]


def _size(run: Run) -> tuple[int, int, int]:
    """Of two runs of which the same is told, the smaller one is easier to read."""
    return run.preemptions, len(run.order), run.switches
