"""Changes in the middle of a run: another policy, other parameters, the same policy with an edited file."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sandbox import policies, wording
from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import run
from sandbox.kernel.operator import CommandInterpreter
from sandbox.machines.virtual import VirtualMachine
from sandbox.model.commands import AnyCommand, Look, Pause, Reload, Resume, Tune, UsePolicy
from sandbox.model.events import Descheduled, Dispatched, Event, Fault, Operator, Queues, Scheduling
from sandbox.model.reasons import ReadyReason
from sandbox.policies.base import Policy, Task
from sandbox.policies.host.factory import PolicyFactory
from sandbox.util.units import MS
from tests.support.scenarios import exits, gantt, process, scenario, simulate


def crowd(*script: Any, **machine: Any) -> list[Event]:
    """Eight processes of many kinds; with two CPUs, some run, some are ready, some blocked at any time."""
    jobs = [
        process(f"p{index}", "cpu 30ms", f"io {3 + index}ms", "cpu 25ms", arrive=f"{index * 3}ms", priority=index % 3,
                nice=index - 4, tickets=10 + index, period_ns=(50 + index) * MS if index % 2 else None)
        for index in range(8)
    ]  # fmt: skip
    return simulate(scenario(*jobs, script=script, **machine))


def in_force(events: list[Event]) -> list[tuple[str, dict[str, object]]]:
    return [(event.policy, event.parameters) for event in events if isinstance(event, Scheduling)]


def faults(events: list[Event]) -> list[str]:
    return [wording.fault(event.what) for event in events if isinstance(event, Fault)]


PAIRS = [*itertools.permutations(policies.names(), 2)]


@pytest.mark.parametrize("cpus", [1, 2])
def test_any_policy_takes_over_from_any_other(cpus: int) -> None:
    for before, after in PAIRS:
        events = crowd(("70ms", UsePolicy(after)), ("71ms", Look()), policy=before, cpus=cpus)
        assert faults(events) == []
        assert {end.status for end in exits(events).values()} == {0}
        (seen,) = [event for event in events if isinstance(event, Queues)]
        told = [task.pid for queue in seen.queues for task in queue.tasks] + [task.pid for task in seen.running]
        assert len(told) == len(set(told))
        assert len(seen.running) == cpus


@pytest.mark.parametrize("name", policies.names())
def test_whoever_has_the_cpu_goes_on(name: str) -> None:
    """Another policy with the same opinion of all takes nobody off."""
    jobs = [process(one, "cpu 60ms") for one in "abc"]
    events = simulate(scenario(*jobs, policy="fcfs", script=[("20ms", UsePolicy(name))]))
    assert {event.reason for event in events if isinstance(event, Descheduled)} <= {"expired", "exited"}


def test_a_preemptive_policy_may_take_the_cpu_at_once() -> None:
    jobs = [process("long", "cpu 60ms", priority=1), process("short", "cpu 10ms")]
    for name in ("srtf", "priority"):
        events = simulate(scenario(*jobs, policy="fcfs", script=[("20ms", UsePolicy(name))]))
        assert gantt(events) == [("long", 0, 20), ("short", 20, 30), ("long", 30, 70)]


def test_the_scenarios_policy_has_the_scenarios_parameters_whenever_it_is_used() -> None:
    events = crowd(
        ("20ms", UsePolicy("fcfs")),
        ("40ms", UsePolicy("mlfq")),
        policy="mlfq",
        parameters={"quanta": ["7ms"], "stay": True},
    )
    assert in_force(events)[1][1] == {
        "quanta_ns": [7 * MS],
        "allotments": [1],
        "boost_ns": 0,
        "stay": True,
        "io_bump": False,
    }


def test_a_quantum_is_carried_over() -> None:
    events = crowd(
        ("10ms", Tune("quantum", "4ms")),
        ("20ms", UsePolicy("lottery")),
        ("30ms", UsePolicy("fcfs")),
        ("40ms", UsePolicy("stride")),
        policy="rr",
        quantum_ns=9 * MS,
    )
    assert in_force(events) == [
        ("rr", {"quantum_ns": 4 * MS}),
        ("lottery", {"quantum_ns": 4 * MS}),
        ("fcfs", {}),
        ("stride", {"quantum_ns": 9 * MS}),
    ]


def test_the_same_policy_again_keeps_all_that_was_set() -> None:
    script = [("10ms", Tune("aging", "3ms")), ("20ms", Tune("preemptive", "false")), ("30ms", UsePolicy("priority"))]
    parameters = {"preemptive": False, "aging_ns": 3 * MS, "quantum_ns": 0, "larger": False, "inherit": False}
    assert in_force(crowd(*script, policy="priority"))[-1] == ("priority", parameters)


def test_a_change_while_paused_waits_for_the_end_of_the_pause() -> None:
    script = [("20ms", Pause()), ("30ms", UsePolicy("srtf")), ("40ms", Resume())]
    jobs = [process("long", "cpu 60ms"), process("short", "cpu 10ms")]
    events = simulate(scenario(*jobs, policy="fcfs", script=script))
    assert [(name, start) for name, start, _ in gantt(events)] == [("long", 0), ("short", 20), ("long", 30)]


TEXTS = [
    "1ms",
    "7ms, 3ms",
    "0ms",
    "60s",
    "true",
    "false",
    "1",
    "3, 2",
    "0.9",
    "4",
    "declared",
    "estimate",
    "mlfq",
    "manual",
    "nonsense",
    "",
]


@pytest.mark.parametrize("name", policies.names())
def test_every_parameter_may_be_set_to_anything_in_the_middle_of_a_run(name: str) -> None:
    for parameter in policies.find(name).declared():
        right = []
        for text in TEXTS:
            events = crowd(
                ("33ms", Tune(parameter.name, text)), ("80ms", Tune(parameter.name, "1ms")), policy=name, cpus=2
            )
            assert {end.status for end in exits(events).values()} == {0}
            if any(isinstance(event, Operator) and event.did.figures.get("value") == text for event in events):
                right.append(text)
            else:
                assert len(faults(events)) >= 1
        assert len(right) >= 2, f"{parameter.name} took nothing but {right}"


def test_what_cannot_be_set_is_told_in_words() -> None:
    events = crowd(("9ms", Tune("quantum", "5")), ("9ms", Tune("speed", "5")), ("9ms", UsePolicy("rrr")), policy="rr")
    assert faults(events)[0] == "'5' has no unit; write \"5ms\""
    assert faults(events)[1] == "rr has no parameter speed; it has: quantum"
    assert "Did you mean rr?" in faults(events)[2]


# A person's own file

MINE = """\
from sandbox.policies import Duration, Parameter, Policy

class Mine(Policy):
    \"\"\"Newest first.\"\"\"
    quantum = Parameter(Duration(), "10ms", "a slice")
    turns = 0

    def pick(self, cpu, now_ns):
        self.turns += 1
        return self.queue.{end}() if self.queue else None

    def slice(self, task):
        return self.quantum
"""


def edited(path: Path, edit: str, *script: Any, text: str = MINE.format(end="pop")) -> list[Event]:
    """A run in which the author saves the file again after the first slice."""
    path.write_text(text)
    jobs = [process(name, "cpu 30ms") for name in "abc"]
    world = scenario(*jobs, policy=f"{path}:Mine", script=script)
    events: list[Event] = []

    def emit(more: list[Event]) -> None:
        events.extend(more)
        if events[-1].t_ns >= 7 * MS:
            path.write_text(edit)

    factory = PolicyFactory(world.machine)
    kernel = Kernel(factory.first())
    run(kernel, CommandInterpreter(kernel, factory.next), VirtualMachine(world), emit, "test")
    return events


@pytest.mark.parametrize("command", [Reload(), UsePolicy("Mine")])
def test_an_edited_file_is_loaded_again_with_its_parameters_and_its_queue(tmp_path: Path, command: AnyCommand) -> None:
    edit = MINE.format(end="popleft")
    events = edited(tmp_path / "mine.py", edit, ("5ms", Tune("quantum", "7ms")), ("20ms", command))
    assert in_force(events)[-1] == ("Mine", {"quantum_ns": 7 * MS})
    dispatched = [(event.t_ns / MS, event.pid) for event in events if isinstance(event, Dispatched)]
    assert dispatched[:3] == [(0, 3), (7, 3), (14, 3)], "newest first, as it was"
    assert dispatched[3:6] == [(21, 1), (28, 2), (35, 3)], "oldest first, as it is"


def test_an_edit_that_does_not_load_changes_nothing(tmp_path: Path) -> None:
    events = edited(tmp_path / "mine.py", "def pick(:", ("20ms", Reload()))
    assert faults(events) == ["mine.py fails in line 1: SyntaxError: invalid syntax (mine.py, line 1)"]
    assert in_force(events) == []
    assert {end.status for end in exits(events).values()} == {0}


def test_an_edit_heals_a_policy_that_failed(tmp_path: Path) -> None:
    broken = MINE.format(end="pop").replace("turns += 1", "turns += 1 / (now_ns < 10)")
    heal = ("20ms", Reload())
    events = edited(tmp_path / "mine.py", MINE.format(end="pop"), ("5ms", Tune("quantum", "7ms")), heal, text=broken)
    assert in_force(events)[1:] == [("fcfs", {}), ("Mine", {"quantum_ns": 7 * MS})]
    assert len(faults(events)) == 1


def test_a_policy_of_ones_own_may_take_over_and_leave_cpus_idle(tmp_path: Path) -> None:
    """One that will not have whoever is on a CPU, until a timer of its own."""
    path = tmp_path / "lazy.py"
    path.write_text(LAZY)
    script = [("20ms", UsePolicy(f"{path}:Lazy"))]
    for cpus in (1, 2):
        jobs = [process(name, "cpu 60ms") for name in "abc"]
        events = simulate(scenario(*jobs, policy="rr", script=script, cpus=cpus))
        assert faults(events) == []
        assert not [event for event in events if isinstance(event, Dispatched) and 20 * MS <= event.t_ns < 50 * MS]
        assert {end.status for end in exits(events).values()} == {0}


LAZY = """\
from sandbox.policies.base import Policy

class Lazy(Policy):
    timer_ns = 50_000_000
    awake = False

    def pick(self, cpu, now_ns):
        return super().pick(cpu, now_ns) if self.awake else None

    def timer(self, now_ns):
        self.awake, self.timer_ns = True, None
"""


def test_a_successor_is_told_of_all_as_if_they_came_now() -> None:
    """Of who runs first, each alone and picked at once, then of the READY ones, the longest ready first."""

    class Listener(Policy):
        told: ClassVar[list[tuple[Any, ...]]] = []

        def start(self, now_ns: int) -> None:
            self.told.append(("start", now_ns))

        def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
            self.told.append((task.name, reason, now_ns, task.data, task.left_ns))
            super().enqueue(task, reason, now_ns)

        def pick(self, cpu: int, now_ns: int) -> Task | None:
            self.told.append(("pick", cpu, now_ns))
            return super().pick(cpu, now_ns)

    jobs = [
        process("a", "cpu 50ms"),
        process("b", "cpu 50ms"),
        process("c", "cpu 50ms"),
        process("d", "cpu 50ms", arrive="5ms"),
    ]
    world = scenario(*jobs, policy="mlfq", cpus=2, script=[("12ms", UsePolicy("listener"))])
    kernel = Kernel(PolicyFactory(world.machine).first(), 2)
    events: list[Event] = []
    run(
        kernel,
        CommandInterpreter(kernel, lambda name, present: Listener()),
        VirtualMachine(world),
        events.extend,
        "test",
    )
    at = 12 * MS
    before = [event.pid for event in events if isinstance(event, Dispatched) and event.t_ns < at]
    assert before == [1, 2, 3, 4]
    assert Listener.told[:7] == [
        ("start", at),
        ("c", "admitted", at, None, None), ("pick", 0, at),
        ("d", "admitted", at, None, None), ("pick", 1, at),
        ("a", "admitted", at, None, None), ("b", "admitted", at, None, None),
    ]  # fmt: skip


def test_who_was_put_back_and_is_picked_after_all_goes_to_the_head_again() -> None:
    """The successor picks the second of those who run for the first CPU, and the first for the second one."""

    class Late(Policy):
        told: ClassVar[list[tuple[str, str]]] = []
        fresh = True

        def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
            self.told.append((task.name, reason))
            super().enqueue(task, reason, now_ns)

        def pick(self, cpu: int, now_ns: int) -> Task | None:
            refuses, self.fresh = self.fresh, False
            return None if refuses else super().pick(cpu, now_ns)

    world = scenario(
        *(process(name, "cpu 50ms") for name in "ab"), policy="fcfs", cpus=2, script=[("12ms", UsePolicy("late"))]
    )
    kernel = Kernel(PolicyFactory(world.machine).first(), 2)
    events: list[Event] = []
    run(kernel, CommandInterpreter(kernel, lambda name, present: Late()), VirtualMachine(world), events.extend, "test")
    assert Late.told == [("a", "admitted"), ("b", "admitted"), ("a", "preempted")]
    assert {name: end.cpu_ns for name, end in exits(events).items()} == {"a": 50 * MS, "b": 50 * MS}
