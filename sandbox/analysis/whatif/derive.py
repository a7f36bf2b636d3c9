"""Derives the load from a recording, as synthetic work for the virtual machine.

The length of a burst is the time for which the process had a CPU between two waits, as a scheduler sees it, including
time that the system has taken. A real slice ends a little late; the usual delay counts as the cost of a switch and not
as work of the process. Arrivals and waits stay as they were recorded, even if they would have been different under
another policy: children are created at the recorded time, and waits for other processes have the recorded length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median
from typing import NamedTuple

import msgspec

from sandbox.model.commands import Tune, UsePolicy
from sandbox.model.events import (
    Admitted,
    AnyEvent,
    Became,
    Blocked,
    Booted,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    Operator,
    Ready,
)
from sandbox.model.spec import At, ProcessSpec, Scenario, Segment
from sandbox.model.values import BadValue
from sandbox.trace.header import Header
from sandbox.trace.load import name_only
from sandbox.util.units import MS
from sandbox.views.history import History

#: The greatest delay of a slice's end: a time, or a multiple of the cost of a switch.
_LATE_NS, _LATE_COSTS = 1 * MS, 8


class Turn(NamedTuple):
    """A stay of a process on a CPU. ``over_ns``: the excess over the granted slice (None: it had no end, or was not
    used up); ``expired``: the slice was used up; ``switched``: another process had the CPU before."""

    had_ns: int
    over_ns: int | None
    expired: bool
    switched: bool

    def work_ns(self, cost_ns: int) -> int:
        """Return the part that was work of the process, given the cost of a switch."""
        if self.over_ns is not None and self.over_ns <= max(_LATE_NS, _LATE_COSTS * cost_ns):
            return self.had_ns - self.over_ns  # a greater excess means that the policy had renewed the slice
        return max(self.had_ns - cost_ns, 0) if self.switched else self.had_ns


class Course:
    """The recorded turns and waits of one process."""

    def __init__(self, birth: Admitted) -> None:
        self.birth = birth
        #: The turns of each burst, and the length of the wait after it, in ns.
        self._past: list[tuple[list[Turn], int]] = []
        self._turns: list[Turn] = []
        self._waits_since_ns: int | None = None
        self._dispatched: Dispatched | None = None
        self._switched = False
        self._ended_waiting = False
        self.had_ns = 0

    def dispatch(self, event: Dispatched, switched: bool) -> None:
        self._dispatched, self._switched = event, switched

    def deschedule(self, event: Descheduled) -> int:
        """Add a turn. Returns for how long the process had the CPU, in ns."""
        if self._dispatched is None:
            return 0
        had_ns = event.t_ns - self._dispatched.t_ns
        slice_ns = self._dispatched.slice_ns
        over_ns = had_ns - slice_ns if slice_ns is not None and had_ns >= slice_ns else None
        self._turns.append(Turn(had_ns, over_ns, event.reason == "expired", self._switched))
        self.had_ns += had_ns
        return had_ns

    def wait(self, t_ns: int) -> None:
        self._waits_since_ns = t_ns

    def end(self, t_ns: int) -> None:
        """Note that the process has exited, possibly during a wait."""
        self._ended_waiting = self._waits_since_ns is not None
        self.go_on(t_ns)

    def go_on(self, t_ns: int) -> None:
        """Note the end of a wait, if there is one."""
        if self._waits_since_ns is not None:
            self._past.append((self._turns, t_ns - self._waits_since_ns))
            self._turns, self._waits_since_ns = [], None

    @property
    def turns(self) -> Iterator[Turn]:
        for turns, _ in self._past:
            yield from turns
        yield from self._turns

    def work(self, cost_ns: int) -> list[Segment]:
        """Return the synthetic work, given the cost of a switch."""
        work: list[Segment] = []
        for turns, wait_ns in self._past:
            if turns or work:  # else the process began with a wait
                work.append(_burst(turns, cost_ns))
            work.append(Segment("io", wait_ns))
        return work if self._ended_waiting else [*work, _burst(self._turns, cost_ns)]


def _burst(turns: Iterable[Turn], cost_ns: int) -> Segment:
    return Segment("cpu", sum(turn.work_ns(cost_ns) for turn in turns))


class Load:
    """The load of a recording. ``scenario``: the load under the initial policy; ``script``: the operator's changes of
    the policy; ``history``: the recording as a scheduler sees it, with processes in the order of their births;
    ``entangled``: the names of processes that have waited for others."""

    def __init__(self, header: Header, events: Iterable[AnyEvent]) -> None:
        """Read a recording. Raises BadValue if it has no process."""
        self.script: list[At] = []
        self.entangled: list[str] = []
        #: The name of the process of each turn.
        self.turns: list[str] = []
        self._courses: dict[int, Course] = {}
        self._last_on: dict[int, int] = {}
        booted: Booted | None = None
        self.history = History()
        for event in events:
            if isinstance(event, Booted):
                booted = event
            self.history.add(self._take(event))
        if booted is None or not self._courses:
            raise BadValue("nothing ran in it")
        cost_ns = self._cost_ns()
        machine = msgspec.structs.replace(header.scenario.machine, cpus=booted.cpus, switch_cost_ns=cost_ns)
        processes = [self._process(course, cost_ns, header.scenario.processes) for course in self._courses.values()]
        self.scenario = Scenario(
            name=header.scenario.name,
            title=header.scenario.title,
            machine=machine,
            processes=processes,
            folder="",  # files that a recording names are not used
        )

    def _take(self, event: AnyEvent) -> Event:
        """Take in an event. Returns it as a scheduler sees it."""
        match event:
            case Admitted(pid=pid):
                self._courses[pid] = Course(event)
                return msgspec.structs.replace(event, order=len(self._courses) - 1)
            case Became(pid=pid):
                self._courses[pid].birth = event.after(self._courses[pid].birth)
            case Ready(pid=pid):
                self._courses[pid].go_on(event.t_ns)
            case Dispatched(pid=pid, cpu=cpu):
                self._courses[pid].dispatch(event, switched=self._last_on.get(cpu) != pid)
                if event.begins_turn:
                    self.turns.append(self._courses[pid].birth.name)
                self._last_on[cpu] = pid
            case Descheduled(pid=pid):
                had_ns = self._courses[pid].deschedule(event)
                return msgspec.structs.replace(event, ran_ns=had_ns, undispatched_ns=0, stolen_ns=0)
            case Blocked(pid=pid, again=again):
                course = self._courses[pid]
                if event.for_others and course.birth.name not in self.entangled:
                    self.entangled.append(course.birth.name)
                if not again:
                    course.wait(event.t_ns)
            case Exited(pid=pid):
                self._courses[pid].end(event.t_ns)
                return msgspec.structs.replace(event, cpu_ns=self._courses[pid].had_ns, undispatched_ns=0)
            case Operator():
                self._note(event)
        return event

    def _note(self, event: Operator) -> None:
        if event.tuned is not None:
            self.script.append(At(event.t_ns, Tune(*event.tuned)))
        elif event.new_policy is not None:
            self.script.append(At(event.t_ns, UsePolicy(name_only(event.new_policy))))

    def _cost_ns(self) -> int:
        """Return the median excess of slices that were used up."""
        over_ns = [
            turn.over_ns
            for course in self._courses.values()
            for turn in course.turns
            if turn.expired and turn.over_ns is not None
        ]
        return max(round(median(over_ns)), 0) if over_ns else 0

    def _process(self, course: Course, cost_ns: int, specs: list[ProcessSpec]) -> ProcessSpec:
        """Return a process's work, with its figures for policies."""
        birth = course.birth
        plain = ProcessSpec(birth.name, birth.t_ns, course.work(cost_ns))
        order = self._order_of(birth, specs)
        if order is None:
            return plain
        spec = specs[order]
        return msgspec.structs.replace(
            plain,
            priority=spec.priority,
            nice=spec.nice,
            tickets=spec.tickets,
            deadline_ns=None if spec.period_ns else spec.deadline_ns,
        )

    @staticmethod
    def _order_of(birth: Admitted, specs: list[ProcessSpec]) -> int | None:
        return birth.order if birth.order is not None and 0 <= birth.order < len(specs) else None


def same_again(load: Load) -> Scenario:
    """Return the load under the recorded policy, with the operator's changes. Its run shows how well the method
    reproduces the recording. Choices of a user are repeated."""
    machine = load.scenario.machine
    if machine.policy == "manual":
        parameters = {**machine.parameters, "order": load.turns}
        machine = msgspec.structs.replace(machine, policy="scripted", parameters=parameters)
    return msgspec.structs.replace(load.scenario, machine=machine, script=load.script)
