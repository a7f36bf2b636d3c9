"""Runs of a stepped scenario on real processes, each turn somebody's choice."""

from __future__ import annotations

import os
import sys

assert sys.platform == "linux"

import re
import time
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING

from sandbox.analysis.exploration.judge import Plain, Stuck, outcome, stuck_of
from sandbox.analysis.exploration.local import is_local
from sandbox.analysis.exploration.runs import MAX_TURNS, Choice, Outcome, Run, Turn
from sandbox.analysis.exploration.touching import Touching
from sandbox.kernel.kernel import Kernel
from sandbox.model.events import (
    Admitted,
    Blocked,
    Clause,
    Dispatched,
    Event,
    Exited,
    Fault,
    ReadyReason,
    Stepped,
    Wrote,
)
from sandbox.model.spec import Scenario
from sandbox.policies.base import Policy, Task
from sandbox.programs.stepping.touches import UNKNOWN
from sandbox.views.tracker import LessonTracker
from sandbox.views.verdicts import happenings

if TYPE_CHECKING:
    from sandbox.machines.linux.stepping.runs import SteppedRuns
    from sandbox.machines.linux.stepping.tasks import Task as Thread
    from sandbox.machines.linux.stepping.world import World

#: Who has had so many turns in a row, while others could run, lets them: it may wait for them in a way that we do not
#: see.
_MAX_IN_A_ROW = 300
#: Of rounds in which all that can run only spin, where it is not known what they see.
_MAX_ROUNDS = 40
#: What they wait for may be that time passes, where it is not known what their lines do: so much of it is let pass.
_INTERVAL_S, _PATIENCE_S = 0.02, 0.5
_DIGITS = re.compile(r"\d+")


def in_order(name: str) -> tuple[object, ...]:
    """Names in the order in which people count: ``a/2`` before ``a/10``."""
    return _DIGITS.sub("", name), [int(digits) for digits in _DIGITS.findall(name)]


class Story:
    """What has happened so far that belongs to the outcome: what was written, in which order, the last values of what
    is shared, and what claims are about. Two states of different stories do not end alike."""

    def __init__(self, scenario: Scenario, folder: str, touching: Touching) -> None:
        self.plain = Plain(folder)
        self._touching = touching
        self._tracker = LessonTracker(happenings(scenario.claims))
        self._wrote: list[tuple[int, str]] = []
        self._shared: dict[str, str] = {}
        self._told = 0

    def add(self, events: Iterable[Event]) -> None:
        """What comes next."""
        for event in events:
            self._told += 1
            self._tracker.add(event)
            self._touching.see(event)
            match event:
                case Admitted():
                    self.plain.add(event)
                case Wrote(pid=pid, text=text):
                    self._wrote.append((pid, self.plain.text(text)))
                case Stepped(changed=changed) if changed:
                    self._shared |= {change.name: change.after for change in changed if change.shared}

    def catch_up(self, before: int, events: Sequence[Event]) -> None:
        """``events``: those after the first ``before``, some of which have been told."""
        self.add(events[max(self._told - before, 0) :])

    def key(self) -> Hashable:
        """Equal for equal stories."""
        times = [(each.number, each.first_ns or 0) for each in self._tracker.times.values()]
        first = sorted(range(len(times)), key=lambda index: times[index][1])
        paths = self._tracker.paths
        return (
            tuple((paths.get(pid, ""), text) for pid, text in self._wrote),
            tuple(sorted(self._shared.items())),
            tuple(number for number, _ in times),
            tuple(index for index in first if times[index][0]),
        )


class Chooser(Policy):
    """Chooses by an order, and afterwards as ``Choice.default`` has it, and keeps what it chose from."""

    name = "explored"

    def __init__(
        self,
        order: Sequence[str],
        scenario: Scenario,
        runs: SteppedRuns,
        world: World,
        seen: Set[tuple[str | None, str]],
        roams: bool = False,
    ) -> None:
        """``seen``: in which states who was chosen in runs before: so this one need not go on, once the order
        is at its end. ``roams``: it goes on as long as there is anybody who was not chosen."""
        super().__init__()
        self._order, self._runs, self._world, self._seen, self._roams = order, runs, world, seen, roams
        self.met = False
        self.touching = Touching(world)
        self.story = Story(scenario, runs.stage.room.folder, self.touching)
        self._emitted = 0
        self._ready: dict[str, Task] = {}
        self._last: Task | None = None
        self._in_a_row = 0
        #: What all share, as it was last seen; who has been found to spin since, and how often each ever was.
        self._shared: Hashable | None = None
        self._spun: set[str] = set()
        self._rounds: dict[str, int] = {}
        #: Who has been found to spin in the turn before.
        self._spinner: str | None = None
        #: Who has had turns since of which it is not known what they do; how long all have been left alone, in seconds.
        self._opaque: set[str] = set()
        self._waited_s = 0.0
        #: Processes (os_pid) that have had turns since the world was looked at.
        self._moved: set[int] = set()
        self.choices: list[Choice] = []
        self.taken: list[str] = []
        self.kept = True
        #: Why the run shall end here.
        self.stuck: Stuck | None = None
        self.given_up = False

    def is_over(self, events: Sequence[Event]) -> bool:
        """Whether the run shall end, now that these events have been told."""
        self.story.catch_up(self._emitted, events)
        self._emitted += len(events)
        return self.given_up or self.met or self.stuck is not None

    # What the kernel calls

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
        self.story.catch_up(self._emitted, self.kernel.journal.events)
        threads = self._threads()
        candidates = tuple(sorted(self._ready, key=in_order))
        if len(candidates) > 1 or self._spinner is not None:
            shared = self._world.state(self._processes(threads), self._moved)
            self._moved.clear()
            spins = tuple(name for name, thread in threads.items() if thread.spins)
            key = self._key(threads, shared)
            choice = Choice(candidates, self._goes_on(candidates), key, spins, self._is_idle(threads))
            self._note_spinning(threads, shared)
        else:
            shared = None
            choice = Choice(candidates, self._goes_on(candidates), "")
        self.touching.end(shared)
        name = self._chosen(choice)
        if len(self.taken) > len(self._order) and (choice.key, name) in self._seen:
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
        """Who ran last; nobody, once that one has had its share."""
        last = self._last_name()
        return None if last in candidates and self._in_a_row >= _MAX_IN_A_ROW and len(candidates) > 1 else last

    def _is_idle(self, threads: dict[str, Thread]) -> bool:
        """Whether it hardly matters that who ran last is preempted here: its next line touches nothing that others see,
        or it is one that starts others and waits for them."""
        last = threads.get(self._last_name() or "")
        if last is None:
            return False
        starts = any(name.startswith((f"{last.name}/", f"{last.name}.")) for name in threads)
        return starts or is_local(os.path.join(self._runs.stage.room.original, last.place.file), last.place.line)

    def _key(self, threads: dict[str, Thread], shared: Hashable | None) -> str | None:
        machine = self._runs.machine
        if shared is None or machine is None or machine.awaits:
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
        # Who began to wait first gets what they wait for.
        waiting = sorted((thread.since, name) for name, thread in threads.items() if thread.waits)
        blocked = tuple(name for _, name in waiting)
        return f"{hash((own, blocked, shared, self.story.key())) & 0xFFFFFFFFFFFFFFFF:016x}"

    def _chosen(self, choice: Choice) -> str:
        turn = len(self.taken)
        if turn < len(self._order):
            if self._order[turn] in choice.candidates:
                return self._order[turn]
            self.kept = False
        if choice.goes_on is not None and not (self._roams and (choice.key, choice.goes_on) in self._seen):
            return choice.goes_on
        fresh = [name for name in choice.candidates if (choice.key, name) not in self._seen] or choice.candidates
        hopeful = [name for name in fresh if name not in self._spun and name != self._last_name()]
        return hopeful[0] if hopeful else fresh[0]

    def _last_name(self) -> str | None:
        return self._last.name if self._last is not None else None

    # Who spins

    def _note_spinning(self, threads: dict[str, Thread], shared: Hashable | None) -> None:
        """When all that could run have been found to spin, and nothing has changed since, nothing ever will. A change
        that only the world shows is hope for everybody."""
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
    """Makes runs. Close it, or use it as a context. Raises BadValue and OSError where that is not possible."""

    def __init__(self, scenario: Scenario, cpu: int | None = None) -> None:
        self._scenario = scenario
        from sandbox.machines.linux.stepping.runs import SteppedRuns
        from sandbox.machines.linux.stepping.world import World

        self._seen: set[tuple[str | None, str]] = set()
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

    def run(self, order: Sequence[str], roams: bool = False, met: Iterable[tuple[str, str]] = ()) -> Run:
        """A run whose first turns are these tasks'."""
        self._seen.update(met)
        self._world.begin()
        chooser = Chooser(order, self._scenario, self._runs, self._world, self._seen, roams)
        events = self._runs.run(chooser, stop=chooser.is_over)
        chooser.touching.end(None)
        pairs = zip(chooser.choices, chooser.taken, strict=False)
        self._seen.update((choice.key, name) for choice, name in pairs if choice.key)
        cut = chooser.given_up or chooser.met
        stuck = chooser.stuck or (None if cut else stuck_of(events))
        return Run(
            chooser.choices,
            chooser.taken,
            Outcome() if cut else outcome(self._scenario, events, chooser.story.plain, stuck),
            [] if cut else turns(events, chooser.taken, chooser.story.plain),
            chooser.kept,
            not chooser.given_up,
            chooser.met,
            chooser.touching.turns,
        )


def turns(events: Sequence[Event], order: Sequence[str], plain: Plain) -> list[Turn]:
    """What each turn was."""
    names = {event.pid: event.name for event in events if isinstance(event, Admitted)}
    places: dict[int, tuple[str, int]] = {}
    found: list[Turn] = []
    part: list[Event] = []
    for event in (*events, Dispatched(0, 0, 0, None, Clause(""))):
        if isinstance(event, Dispatched):
            if part and isinstance(first := part[0], Dispatched):
                wrote = "".join(plain.text(each.text) for each in part if isinstance(each, Wrote))
                found.append(_turn(first.pid, names, part, places, wrote))
            places |= {
                each.pid: (each.next_file or each.file, each.next_line) for each in part if isinstance(each, Stepped)
            }
            part = []
        part.append(event)
    return found[: len(order)]


def _turn(
    pid: int, names: Mapping[int, str], events: Sequence[Event], places: Mapping[int, tuple[str, int]], wrote: str
) -> Turn:
    """``places``: where each stood before."""
    steps = [event for event in events if isinstance(event, Stepped) and event.pid == pid and event.line]
    then: Clause | None = None
    for event in events:
        match event:
            case Blocked(pid=who, on=on) if who == pid:
                then = on
            case Exited(pid=who) if who == pid and event.status:
                then = Clause("ends badly", {"who": names[pid], "status": event.status})
            case Fault(what=what) if what.rule == "turn without end":
                then = Clause(what.rule, {**what.figures, "who": names.get(pid, "")})
    file, line = (steps[0].file, steps[0].line) if steps else places.get(pid, ("", 0))
    changed = steps[0].changed if steps else ()
    return Turn(names.get(pid, str(pid)), file, line, changed, wrote, then)
