"""An exploration: orders are given out to be tried, until the program breaks, none is left, or a limit is reached."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from sandbox.analysis.exploration.counting import Counts
from sandbox.analysis.exploration.known import Gone
from sandbox.analysis.exploration.runs import Run, Runner
from sandbox.analysis.exploration.search import Search, Task

#: The default of ``Limits.preemptions``.
PREEMPTIONS = 2
#: After the first order that breaks, the maximum number of further runs, and of seconds, to find a smaller one and to
#: complete the count.
_MAX_MORE, _MAX_MORE_S = 60, 3.0
#: How long a run that is in progress at the limit may take.
_GRACE_S = 1.0


class Limits(NamedTuple):
    """The limits of an exploration.

    ``preemptions``: None for all orders, with any number; ``firm``: whether to stop there, instead of going on as far
    as needed for a proof, if states can be known; ``orders``, ``seconds``: the maximum number of runs, and the time;
    ``everything``: whether to go on after an order that breaks was found.
    """

    preemptions: int | None = PREEMPTIONS
    firm: bool = False
    orders: int | None = None
    seconds: float = 60.0
    everything: bool = False


class Crew(Protocol):
    """Makes the runs."""

    @property
    def slots(self) -> int:
        """How many orders may be given out before the first run is returned."""
        ...

    def give(self, task: Task, met: Sequence[Gone]) -> None:
        """Give out an order. ``met``: all that runs need not go through again; it begins with what was given before."""
        ...

    def next(self, within_s: float) -> Run | None:
        """Return the run of the first order that was given out; None if it takes longer than that."""
        ...


class Alone:
    """A crew of one runner in this process, which makes a run when that is asked for."""

    slots = 1

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._tasks: deque[Task] = deque()
        self._met: Sequence[Gone] = ()
        self._told = 0

    def give(self, task: Task, met: Sequence[Gone]) -> None:
        self._tasks.append(task)
        self._met = met

    def next(self, within_s: float) -> Run | None:
        task, told, self._told = self._tasks.popleft(), self._told, len(self._met)
        return self._runner.run(task.order, task.roams, self._met[told:], task.start)


class Exploration:
    """A search within limits."""

    def __init__(self, crew: Crew, limits: Limits) -> None:
        self.limits = limits
        bound = limits.preemptions
        self.search = Search(bound if limits.firm else None, PREEMPTIONS if bound is None else bound)
        self.seconds = 0.0
        self.limited = False
        self._crew = crew
        self._more: int | None = None
        self._more_until_s = 0.0

    def explore(self, tell: Callable[[], object] = lambda: None) -> None:
        """Search. ``tell`` is called after each run. If it is interrupted by an exception, the results so far are
        kept."""
        began_s = time.monotonic()
        given: deque[Task] = deque()
        while not (self._over() and not given):
            while len(given) < self._crew.slots and not self._over(len(given)):
                task = self.search.next()
                if task is None:
                    break
                self._crew.give(task, self.search.met)
                given.append(task)
            if not given:
                break
            run = self._crew.next(max(self.limits.seconds - self.seconds, 0) + _GRACE_S)
            self.seconds = time.monotonic() - began_s
            if run is None:
                self.limited = True
                break
            self.search.take(given.popleft(), run)
            tell()

    def _over(self, ahead: int = 0) -> bool:
        """Whether no more orders are to be given out, while ``ahead`` of them are in progress."""
        search, limits = self.search, self.limits
        runs = search.runs + ahead
        over_time = self.seconds >= limits.seconds or (limits.orders is not None and runs >= limits.orders)
        if over_time:
            self.limited = True
        elif search.found is not None and not limits.everything:
            if self._more is None:
                self._more, self._more_until_s = search.runs + _MAX_MORE, self.seconds + _MAX_MORE_S
            self.limited = runs >= self._more or self.seconds > self._more_until_s
        elif (
            limits.preemptions is not None and not search.all_known and not ahead and search.within(limits.preemptions)
        ):
            self.limited = False
            return True
        return self.limited

    # Results

    @property
    def proved(self) -> bool:
        """Whether it is proved that no order breaks the program, with any number of preemptions."""
        search = self.search
        unsure = search.found or search.diverged or search.given_up
        return search.exhausted and not unsure and search.runs > 0

    @property
    def within_bound(self) -> bool:
        """Whether all orders within the limit of preemptions have been tried."""
        bound = self.limits.preemptions
        done = self.search.exhausted if bound is None else self.search.within(bound)
        return done and self.search.runs > 0

    def counts(self) -> tuple[int | None, Counts | None]:
        """Return up to how many preemptions (None: any number) all orders are known, or were to be tried, and their
        numbers."""
        bound = None if self.search.exhausted else self.limits.preemptions
        return bound, self.search.counts(bound)
