"""The search through all orders of turns, those of the fewest preemptions first.

Every order is a path through a graph of states: at a state somebody is chosen, and that leads to another state. A run
is a path to its end; where it could have taken another turn, another run has to begin alike and take that one. Who
goes on, or gets a turn that nobody else wants, is free; a switch away from somebody who could have gone on is a
preemption. Runs are made level by level, of none, of one, of two preemptions, and few of those who ever wrote a racy
program wrote one that needs more than two.

Where two moments are known to be the same state of the world, only the first goes on to be searched, at the least
number of preemptions that leads there; where that is not known, each order is a path of its own.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from sandbox.analysis.exploration.counting import Counts, Leaf, count
from sandbox.analysis.exploration.runs import Choice, Outcome, Run


class Cost(NamedTuple):
    """What an order costs; the cheapest are tried first. ``idle``: of its preemptions those that hardly matter;
    ``more``: how many more than two its preemptions are among: it hardly ever takes three for a race."""

    preemptions: int = 0
    idle: int = 0
    more: int = 0

    def with_turn(self, choice: Choice, name: str, among: frozenset[str | None]) -> Cost:
        """And one more turn; ``among``: who has preempted or was preempted before."""
        if not choice.preempts(name):
            return self
        more = max(len(among | {choice.last, name}) - 2, self.more)
        return Cost(self.preemptions + 1, self.idle + choice.idle, more)


class Task(NamedTuple):
    """An order to try: its first turns, and what they cost. ``way``: the state at which it parts from what
    was tried before, and by whose turn (None: nothing was tried before). ``tries``: so often it was tried in vain."""

    order: tuple[str, ...]
    cost: Cost
    way: tuple[int, str] | None = None
    tries: int = 0


#: An order that cannot be kept is tried so often: who of two that wait for one thing gets it is the system's choice.
_MAX_TRIES = 3


class Search:
    """Which orders are to be tried, and what is known from those that were. ``bound``: of how many preemptions at
    most (None: any number)."""

    def __init__(self, bound: int | None = None) -> None:
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
        self._levels: dict[Cost, deque[Task]] = defaultdict(deque, {Cost(): deque([Task((), Cost())])})
        self._under_way = 0
        self._states: dict[Hashable, int] = {}
        self._candidates: list[tuple[str, ...]] = []
        self._edges: dict[tuple[int, str], list[int | Leaf]] = {}
        #: The transitions that are or were to be tried, and at which cost.
        self._asked: dict[tuple[int, str], Cost] = {}
        self._known_outcomes: dict[bytes, int] = {}
        #: Who only goes round in which state; what would come of that need not be tried.
        self._spinning: set[tuple[int, str]] = set()

    # What is to be done

    @property
    def preemptions(self) -> int:
        """Of the orders that are tried."""
        return self._level.preemptions

    @property
    def level_done(self) -> bool:
        """Whether no order is left that costs as little as now."""
        self._skip(self._level)
        return not self._levels[self._level] and not self._under_way

    @property
    def exhausted(self) -> bool:
        """Whether no order is left at all, of however many preemptions."""
        for level in [*self._levels]:
            self._skip(level)
        return not any(self._levels.values()) and not self._under_way

    def within(self, bound: int) -> bool:
        """Whether all orders of so many preemptions have been tried."""
        for level in [*self._levels]:
            self._skip(level)
        return not self._under_way and not any(
            tasks for level, tasks in self._levels.items() if level.preemptions <= bound
        )

    def next(self) -> Task | None:
        """What to try next. None: nothing, until what is under way is back; nothing at all, if nothing is."""
        while self.level_done:
            left = [level for level, tasks in self._levels.items() if tasks]
            if not left or (self.bound is not None and min(left).preemptions > self.bound):
                return None
            self._level = min(left)
        tasks = self._levels[self._level]
        if not tasks:
            return None
        self._under_way += 1
        return tasks.popleft()

    def _skip(self, level: Cost) -> None:
        """Of the tasks of a level, the next one has not been done by way of another one meanwhile."""
        tasks = self._levels[level]
        while tasks and tasks[0].way in self._edges:
            tasks.popleft()

    # What is known from it

    def take(self, task: Task, run: Run) -> None:
        """Take in a run; in the order of the tasks, if the search is to find the same each time."""
        self._under_way -= 1
        self.runs += 1
        self.given_up += not run.ended
        if not run.kept:
            if task.tries + 1 < _MAX_TRIES:
                self._levels[task.cost].appendleft(task._replace(tries=task.tries + 1))
            elif task.way is not None:
                self._edges.setdefault(task.way, [])
        if not self._walk(task, run) or not run.kept:
            self.diverged += 1
        if run.outcome.broken and not run.met and (self.found is None or _size(run) < _size(self.found)):
            self.found = run

    def _outcome(self, run: Run) -> int:
        index = self._known_outcomes.setdefault(run.outcome.key, len(self.outcomes))
        if index == len(self.outcomes):
            self.outcomes.append(run.outcome)
            self.examples.append(run)
        elif _size(run) < _size(self.examples[index]):
            self.examples[index] = run
        return index

    def _walk(self, task: Task, run: Run) -> bool:
        """Along a run: what it adds to the graph, and what else could be done from there. False: it went another way
        than one before."""
        cost, way, alike = Cost(), None, True
        among: frozenset[str | None] = frozenset()
        wished = _agreeing(task.order, run.order)
        for index, (choice, name) in enumerate(zip(run.choices, run.order, strict=False)):
            state = self._state(choice, way)
            self._spinning.update((state, spinner) for spinner in choice.spins)
            alike = self._lead(way, state) and alike
            if index >= wished:
                self._ask(choice, state, run.order[:index], cost, name, among)
            cost = cost.with_turn(choice, name, among)
            if choice.preempts(name):
                among |= {choice.last, name}
            way = state, name
        if run.met:
            choice = run.choices[-1]
            state = self._state(choice, way)
            self._ask(choice, state, run.order, cost, None, among)
            return self._lead(way, state) and alike
        if not run.ended:
            return alike
        return self._lead(way, Leaf(self._outcome(run))) and alike

    def _state(self, choice: Choice, way: tuple[int, str] | None) -> int:
        """The number of the state to which this way leads. What is not known to be one that was seen before is told by
        the way."""
        self.all_known = self.all_known and choice.key is not None
        for to in self._edges.get(way, ()) if way is not None else range(min(len(self._candidates), 1)):
            if isinstance(to, int) and self._candidates[to] == choice.able:
                if choice.key and self._states.get((choice.key, choice.able)) != to:
                    self.all_known = False  # there is more to a state than what we see of it
                return to
        state = self._states.setdefault((choice.key or way, choice.able), len(self._candidates))
        if state == len(self._candidates):
            self._candidates.append(choice.able)
        return state

    def _lead(self, way: tuple[int, str] | None, to: int | Leaf) -> bool:
        """There the way leads. False: it has led elsewhere before."""
        if way is None:
            return to == 0
        known = self._edges.setdefault(way, [])
        if to in known:
            return True
        known.append(to)
        return len(known) == 1

    def _ask(
        self,
        choice: Choice,
        state: int,
        before: list[str],
        cost: Cost,
        chosen: str | None,
        among: frozenset[str | None],
    ) -> None:
        """The other turns that could have been taken here are to be tried, unless that was asked for already, at no
        greater cost."""
        for name in choice.candidates:
            way, total = (state, name), cost.with_turn(choice, name, among)
            known = self._asked.get(way)
            if name == chosen or way in self._edges or (known is not None and known <= total):
                continue
            self._asked[way] = total
            self._levels[total].append(Task((*before, name), total, way))

    def counts(self, bound: int | None) -> Counts | None:
        """How many orders there are of at most so many preemptions, as far as they are known, by what comes of them.
        None: a program that goes round has no end of them."""
        ways = {**dict.fromkeys(self._spinning, ()), **self._edges}
        return count(self._candidates, ways, bound)


def _agreeing(wished: Sequence[str], taken: Sequence[str]) -> int:
    """So many turns at the beginning are those that were wished for."""
    return next((at for at, (one, other) in enumerate(zip(wished, taken, strict=False)) if one != other), len(wished))


def _size(run: Run) -> tuple[int, int, int]:
    """Of two runs of which the same is told, the smaller one is easier to read."""
    return run.preemptions, len(run.order), run.switches
