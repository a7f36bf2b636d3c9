"""Makes runs of a stepped scenario with real processes, in which each turn is chosen."""

from __future__ import annotations

import os
import sys

assert sys.platform == "linux"

import re
import time
from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

from sandbox.analysis.exploration.judge import Stuck, outcome, stuck_of
from sandbox.analysis.exploration.known import Gone, Known, Moment
from sandbox.analysis.exploration.local import is_local
from sandbox.analysis.exploration.runs import MAX_TURNS, Choice, Outcome, Run, Start
from sandbox.analysis.exploration.story import Story
from sandbox.analysis.exploration.touching import Touching
from sandbox.analysis.exploration.turns import turns
from sandbox.kernel.kernel import Kernel
from sandbox.model.events import Event, ReadyReason
from sandbox.model.spec import Scenario
from sandbox.policies.base import Policy, Task
from sandbox.programs.stepping.touches import UNKNOWN

if TYPE_CHECKING:
    from sandbox.machines.linux.stepping.runs import SteppedRuns
    from sandbox.machines.linux.stepping.tasks import Task as Thread
    from sandbox.machines.linux.stepping.world import World

#: A process that has had so many turns in a row, while others could run, lets these run. It may wait for them in a way
#: that cannot be seen.
_MAX_IN_A_ROW = 300
#: Rounds of spinning after which a run is given up if the values that the loops test are unknown.
_MAX_ROUNDS = 40
#: If the effects of their lines are unknown, they may wait for time to pass: the steps in which time is given to them,
#: and the total.
_INTERVAL_S, _PATIENCE_S = 0.02, 0.5
_DIGITS = re.compile(r"\d+")


def in_order(name: str) -> tuple[object, ...]:
    """Return a sort key that puts names in numerical order: ``a/2`` before ``a/10``."""
    return _DIGITS.sub("", name), [int(digits) for digits in _DIGITS.findall(name)]


class Chooser(Policy):
    """Chooses by an order, and then as ``Choice.default``, and records the choices."""

    name = "explored"

    def __init__(
        self,
        order: Sequence[str],
        scenario: Scenario,
        runs: SteppedRuns,
        world: World,
        known: Known,
        roams: bool = False,
        start: Start | None = None,
    ) -> None:
        """Prepare a run.

        ``known``: what is known from previous runs: after the end of the order, the run ends where everything is known;
        ``roams``: it goes on while it gets to states in which a process was not chosen yet; ``start``: how to get fast
        to where it deviates from previous runs.
        """
        super().__init__()
        self._order, self._runs, self._world, self._known, self._roams = order, runs, world, known, roams
        self._stretches = deque(start.stretches if start is not None else ())
        self.skipped = start.turns if start is not None else 0
        self.met = False
        self.touching = Touching(world)
        self.story = Story(scenario, runs.stage.room.folder, self.touching)
        self._emitted = 0
        self._ready: dict[str, Task] = {}
        self._last: Task | None = None
        self._in_a_row = 0
        #: The shared state when it was last read; the processes that were found to spin since, and how often each ever
        #: was.
        self._shared: Hashable | None = None
        self._spun: set[str] = set()
        self._rounds: dict[str, int] = {}
        #: The process that was found to spin in the previous turn.
        self._spinner: str | None = None
        #: Processes with turns since whose effects are unknown; for how long time was let pass, in seconds.
        self._opaque: set[str] = set()
        self._waited_s = 0.0
        #: The os_pids of processes that had turns since the shared state was read.
        self._moved: set[int] = set()
        self.choices: list[Choice] = []
        self.taken: list[str] = []
        self.kept = True
        #: Why the run is to end; None if it is not.
        self.stuck: Stuck | None = None
        self.given_up = False

    def is_over(self, events: Sequence[Event]) -> bool:
        """Whether the run is to end, after these events."""
        self.story.catch_up(self._emitted, events)
        self._emitted += len(events)
        return self.given_up or self.met or self.stuck is not None

    # Called by the kernel

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        self._ready[task.name] = task

    def remove(self, task: Task) -> None:
        self._ready.pop(task.name, None)

    def slice(self, task: Task) -> int:
        return 1  # a turn is as short as can be

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        if task.stopped == "exited":
            self._rounds.clear()
        elif task.stopped == "blocked":
            thread = self._threads().get(task.name)
            if thread is not None and thread.spins:
                self._spinner = task.name

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        if not self._ready:
            return None
        assert isinstance(self.kernel, Kernel), "it is installed"
        if self._stretches:
            return self._hurry()
        self.story.catch_up(self._emitted, self.kernel.journal.events)
        threads = self._threads()
        candidates = tuple(sorted(self._ready, key=in_order))
        if len(candidates) > 1 or self._spinner is not None:
            shared = self._world.state(self._processes(threads), self._moved)
            self._moved.clear()
            spins = tuple(name for name, thread in threads.items() if thread.spins)
            key = self._key(threads, shared)
            sites = tuple(
                f"{threads[name].place.file}:{threads[name].place.line}" for name in sorted({*candidates, *spins})
            )
            choice = Choice(candidates, self._goes_on(candidates), key, spins, self._is_idle(threads), sites)
            if len(self.taken) == self.skipped > 0:
                self._remember(threads, shared, self._known.moments.get(key or ""))
            else:
                self._note_spinning(threads, shared)
                if key is not None:
                    self._note_moment(threads, key)
        else:
            shared = None
            choice = Choice(candidates, self._goes_on(candidates), "")
        self.touching.end(shared)
        name = self._chosen(choice)
        if self._is_met(choice, name):
            self.choices.append(choice)
            self.met = True
            return self._ready.pop(name)  # it does not come to that
        self.touching.begin(threads[name], threads, shared)
        if threads[name].touches == UNKNOWN:
            self._opaque.add(name)
        self._moved.add(threads[name].body.os_pid)
        self.choices.append(choice)
        self.taken.append(name)
        task = self._ready.pop(name)
        self._in_a_row = self._in_a_row + 1 if task is self._last else 1
        self._last = task
        self.given_up = self.given_up or len(self.taken) >= MAX_TURNS
        return task

    # Getting to known states

    def _hurry(self) -> Task:
        """Return the next task on the way to a known state. The state after its turns need not be reported if they
        continue later."""
        name, lines, _ = self._stretches.popleft()
        machine = self._runs.machine
        assert machine is not None, "a policy picks in a run"
        if name not in self._ready:
            self.given_up, self.kept = True, False
            self._stretches.clear()
            return self._ready.pop(next(iter(self._ready)))  # it does not come to that
        machine.stretch = lines, any(alone and name == later for later, _, alone in self._stretches)
        self.taken += [name] * lines
        self._in_a_row = self._in_a_row * (self._last_name() == name) + lines
        self._last = self._ready.pop(name)
        self._moved.add(self._threads()[name].body.os_pid)
        return self._last

    def _note_moment(self, threads: dict[str, Thread], key: str) -> None:
        if key not in self._known.moments:
            seen: dict[str, frozenset[Hashable]] = {
                name: frozenset(thread.seen) for name, thread in threads.items() if thread.seen
            }
            self._known.moments[key] = Moment(seen, frozenset(self._spun), tuple(self._rounds.items()))

    def _remember(self, threads: dict[str, Thread], shared: Hashable | None, moment: Moment | None) -> None:
        """Restore what was known in this state of spinning processes."""
        self._shared, self._spinner = shared, None
        if moment is not None:
            self._spun, self._rounds = {*moment.spun}, dict(moment.rounds)
            for name, thread in threads.items():
                thread.seen = {*moment.seen.get(name, ())}

    # The choice

    def _threads(self) -> dict[str, Thread]:
        machine = self._runs.machine
        assert machine is not None, "a policy picks in a run"
        return {thread.name: thread for thread in machine.by_pid.values()}

    @staticmethod
    def _processes(threads: dict[str, Thread]) -> list[tuple[int, int, str]]:
        bodies = dict.fromkeys(thread.body for thread in threads.values())
        return [(body.os_pid, body.child.pidfd, body.tasks[0].name) for body in bodies if not body.ended]

    def _goes_on(self, candidates: tuple[str, ...]) -> str | None:
        """Return the process that ran last; None if it has had its share."""
        last = self._last_name()
        return None if last in candidates and self._in_a_row >= _MAX_IN_A_ROW and len(candidates) > 1 else last

    def _is_idle(self, threads: dict[str, Thread]) -> bool:
        """Whether a preemption of the process that ran last hardly matters here: its next line touches nothing that
        others see, or it starts other processes and waits for them."""
        last = threads.get(self._last_name() or "")
        if last is None:
            return False
        starts = any(name.startswith((f"{last.name}/", f"{last.name}.")) for name in threads)
        return starts or is_local(os.path.join(self._runs.stage.room.original, last.place.file), last.place.line)

    def _key(self, threads: dict[str, Thread], shared: Hashable | None) -> str | None:
        machine = self._runs.machine
        story = self.story.key()
        if shared is None or story is None or machine is None or machine.awaits:
            return None
        several = {thread.body for thread in threads.values() if thread.place.line and not thread.complete}
        marks = {body: machine.crew.state_of(body) for body in several}
        if not all(known for _, known in marks.values()):
            return None
        own = tuple(
            (
                *(name, thread.place, marks.get(thread.body, (thread.mark, True))[0], thread.waits),
                thread.name in self._ready or thread.spins,
            )
            for name, thread in sorted(threads.items())
        )
        # The order of waits matters, because the first one gets what they wait for.
        waiting = sorted((thread.since, name) for name, thread in threads.items() if thread.waits)
        blocked = tuple(name for _, name in waiting)
        return f"{hash((own, blocked, shared, story)) & 0xFFFFFFFFFFFFFFFF:016x}"

    def _chosen(self, choice: Choice) -> str:
        turn = len(self.taken)
        if turn < len(self._order):
            if self._order[turn] in choice.candidates:
                return self._order[turn]
            self.kept = False
        untried = self._known.untried(choice)
        if self._roams and not untried and (onward := self._known.way_on(choice)) is not None:
            return onward
        if choice.goes_on is not None and (not self._roams or choice.goes_on in untried):
            return choice.goes_on
        fresh = untried or choice.candidates
        hopeful = [name for name in fresh if name not in self._spun and name != self._last_name()]
        return hopeful[0] if hopeful else fresh[0]

    def _is_met(self, choice: Choice, name: str) -> bool:
        """Whether the order is at its end, and the rest of the run is known."""
        if len(self.taken) <= len(self._order) or not self._known.has(choice.key, name):
            return False
        return not self._roams or not self._known.goes_on

    def _last_name(self) -> str | None:
        return self._last.name if self._last is not None else None

    # Spinning processes

    def _note_spinning(self, threads: dict[str, Thread], shared: Hashable | None) -> None:
        """End the run if all processes that could run have been found to spin, and nothing has changed since. A change
        of the shared state makes them all start anew."""
        spinner, self._spinner = self._spinner, None
        if shared != self._shared:
            self._shared = shared
            self._spun.clear()
            self._opaque.clear()
            self._waited_s = 0.0
            for thread in threads.values():
                thread.seen.clear()
        elif spinner is not None:
            self._spun.add(spinner)
        if spinner is not None:
            self._rounds[spinner] = self._rounds.get(spinner, 0) + 1
        able = {*self._ready, *(each for each, thread in threads.items() if thread.spins)}
        if not able <= {*self._rounds}:
            return
        known = shared is not None and all(threads[each].complete for each in able if each in threads)
        if (known and able <= self._spun) or min(self._rounds[each] for each in able) > _MAX_ROUNDS:
            if able & self._opaque and self._waited_s < _PATIENCE_S:
                time.sleep(_INTERVAL_S)
                self._waited_s += _INTERVAL_S
            else:
                self.stuck = Stuck("all spin", tuple(sorted(able, key=in_order)))


class RealRunner:
    """Makes runs in this process. To be closed, or used as a context manager. The constructor raises BadValue and
    OSError if the scenario cannot be explored."""

    def __init__(self, scenario: Scenario, cpu: int | None = None) -> None:
        self._scenario = scenario
        from sandbox.machines.linux.stepping.runs import SteppedRuns
        from sandbox.machines.linux.stepping.world import World

        self._known = Known()
        self._outcomes: set[bytes] = set()
        self._runs = SteppedRuns(scenario, cpu, states=True)
        try:
            self._world = World(self._runs.stage.room.folder, scenario.folder)
        except OSError:
            self._runs.close()
            raise
        self._runs.stage.room.touched = self._world.touched

    def __enter__(self) -> RealRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self._world.close()
        self._runs.close()

    def run(
        self, order: Sequence[str], roams: bool = False, met: Iterable[Gone] = (), start: Start | None = None
    ) -> Run:
        """Return a run whose first turns are those of these tasks. A run that was started fast and has a new outcome,
        or breaks, is repeated in full, so that all of it can be reported."""
        self._known.add(met)
        if start is not None and start.key not in self._known.moments:
            start = None
        run = self._run(order, roams, start)
        if run.ended and not run.met:
            if run.skipped and (run.outcome.broken or run.outcome.key not in self._outcomes):
                run = self._run(run.order, False, None)
            self._outcomes.add(run.outcome.key)
        return run

    def _run(self, order: Sequence[str], roams: bool, start: Start | None) -> Run:
        self._known.begin()
        self._world.begin()
        chooser = Chooser(order, self._scenario, self._runs, self._world, self._known, roams, start)
        events = self._runs.run(chooser, stop=chooser.is_over)
        chooser.touching.end(None)
        self._known.learn(chooser.choices, chooser.taken[chooser.skipped :], chooser.touching.turns)
        cut = chooser.given_up or chooser.met
        stuck = chooser.stuck or (None if cut else stuck_of(events))
        return Run(
            chooser.choices,
            chooser.taken,
            Outcome() if cut else outcome(self._scenario, events, chooser.story.plain, stuck),
            [] if cut or start is not None else turns(events, chooser.taken, chooser.story.plain),
            chooser.kept,
            not chooser.given_up,
            chooser.met,
            chooser.touching.turns,
            chooser.touching.alone,
            chooser.skipped,
        )
