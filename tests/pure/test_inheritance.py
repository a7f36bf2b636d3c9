"""Policies see who has what a task waits for; ``priority`` with ``inherit`` lends its holder the better priority."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from sandbox import wording
from sandbox.kernel.kernel import Kernel
from sandbox.kernel.machine import Arrived, Asked, Ended, Happened, Obeyed, Report, Told, Woke
from sandbox.kernel.machine import Waits as Blocks
from sandbox.kernel.operator import CommandInterpreter
from sandbox.kernel.process import Process
from sandbox.kernel.standoffs import Standoffs
from sandbox.model.commands import Tune, UsePolicy
from sandbox.model.events import Dispatched, Event, PolicyNote, Waits
from sandbox.model.spec import MachineSpec
from sandbox.model.states import State
from sandbox.policies.base import Policy, Task
from sandbox.policies.host.factory import PolicyFactory
from sandbox.policies.host.guard import Guard
from sandbox.policies.priority import Priority
from sandbox.util.units import MS
from tests.support.scenarios import process

#: The smallest number is the best.
NAMES = {"low": 9, "middle": 5, "high": 1}
PIDS = {name: pid for pid, name in enumerate(NAMES, 1)}


class Run:
    """A kernel that is told what happens, a millisecond later each time."""

    def __init__(self, policy: Policy, names: dict[str, int] = NAMES) -> None:
        self.kernel = Kernel(policy)
        self._interpreter = CommandInterpreter(self.kernel, PolicyFactory(MachineSpec()).next)
        self.events: list[Event] = []
        self.pids = {name: pid for pid, name in enumerate(names, 1)}
        self._specs = {name: process(name, "cpu 900ms", priority=priority) for name, priority in names.items()}

    def tell(self, *reports: Report) -> str:
        """Who has the CPU then."""
        now_ns = self.kernel.now_ns + MS
        on_cpu = self.kernel.cpus[0].running
        used = {} if on_cpu is None else {on_cpu.pid: on_cpu.cpu_ns + MS}
        happened = Happened(now_ns, [*reports], used)
        self.kernel.tell(happened)
        self._interpreter.obey(happened)
        self.kernel.decide()
        self.events += self.kernel.settle(Obeyed({}, {}, {}))
        running = self.kernel.cpus[0].running
        return running.name if running is not None else ""

    def arrive(self, name: str) -> str:
        return self.tell(Arrived(self.pids[name], self._specs[name]))

    def block(self, name: str) -> str:
        return self.tell(Blocks(self.pids[name], None))

    def wait_for(self, name: str, *holders: str) -> str:
        return self.tell(self.waits(name, *holders))

    def waits(self, name: str, *holders: str) -> Told:
        return Told(
            Waits(self.kernel.now_ns, self.pids[name], "lock", [self.pids[holder] for holder in holders], "seen")
        )

    def wake(self, name: str) -> str:
        return self.tell(Woke(self.pids[name]))

    def end(self, name: str) -> str:
        pid = self.pids[name]
        return self.tell(Ended(pid, self.kernel.processes[pid].cpu_ns, None, 9))

    def seen(self, name: str) -> list[str]:
        return [task.name for task in self.kernel.processes[self.pids[name]].waits_for]

    @property
    def why(self) -> str:
        return wording.rule([event for event in self.events if isinstance(event, Dispatched)][-1].why)

    @property
    def notes(self) -> list[str]:
        names = {pid: name for name, pid in self.pids.items()}
        return [wording.note(event, names) for event in self.events if isinstance(event, PolicyNote)]


def inverted(**parameters: Any) -> Run:
    """``low`` has the lock, ``middle`` came and computes, ``high`` wants the lock."""
    run = Run(Priority(parameters))
    assert [run.arrive(name) for name in ("low", "middle", "high")] == ["low", "middle", "high"]
    assert run.block("high") == "middle"
    return run


def test_who_has_what_a_better_one_waits_for_runs_with_its_priority() -> None:
    run = inverted(inherit=True)
    assert run.wait_for("high", "low") == "low", "before middle, who is better by its own"
    assert run.why == "best priority: 1, inherited from high, who waits for it; its own is 9"
    assert run.wake("high") == "high", "low has let go"
    assert run.why == "best priority: 1"
    assert run.end("high") == "middle"
    assert run.notes == [
        "low has what high waits for: its priority is 1 instead of 9",
        "low has let go: its priority is its own again, 9",
    ]


def test_who_waits_for_the_cpu_may_be_lent_a_priority_and_lose_it_again() -> None:
    """It stands in the queue where it stood before."""
    run = Run(Priority({"inherit": True}), {"low": 9, "high": 1, "top": 0})
    assert [run.arrive(name) for name in ("low", "high")] == ["low", "high"]
    assert (run.block("high"), run.arrive("top")) == ("low", "top")
    for _ in range(3):
        assert run.wait_for("high", "low") == "top"
        assert [task.name for task in run.kernel.policy.queues()[0].tasks] == ["low"]
        assert run.wait_for("high") == "top"
    assert run.wake("high") == "top"
    assert (run.end("top"), run.end("high"), run.end("low")) == ("high", "low", "")


def test_without_inherit_the_priorities_are_inverted() -> None:
    run = inverted()
    assert run.wait_for("high", "low") == "middle"
    assert run.seen("high") == ["low"]
    assert not run.notes


def test_it_may_be_set_and_another_policy_may_take_over_in_the_middle_of_it() -> None:
    run = inverted()
    run.kernel.policy.source = "priority"
    run.wait_for("high", "low")
    assert run.tell(Asked(Tune("inherit", "true"))) == "low"
    assert run.tell(Asked(Tune("inherit", "false"))) == "middle"
    run.tell(Asked(Tune("inherit", "true")))
    assert run.tell(Asked(UsePolicy("priority"))) == "low", "its successor knows who waits"


def test_it_goes_from_one_holder_to_the_next() -> None:
    names = {"low": 9, "between": 7, "middle": 5, "high": 1}
    run = Run(Priority({"inherit": True}), names)
    for name in ("low", "between"):
        run.arrive(name)
    run.block("between")
    run.wait_for("between", "low")
    run.arrive("middle")
    run.arrive("high")
    run.block("high")
    assert run.wait_for("high", "between") == "low"
    assert run.why == "best priority: 1, inherited from high, who waits for between, who waits for it; its own is 9"
    assert run.end("high") == "middle", "between still waits, but is no better than middle"
    assert [task.name for task in run.kernel.standoffs.waiters.values()] == ["between"]


def test_a_circle_and_one_that_ends_do_no_harm() -> None:
    run = inverted(inherit=True)
    run.wait_for("high", "low")
    run.block("low")
    run.wait_for("low", "high")
    assert run.end("low") == "middle"
    assert run.seen("high") == [], "the dead have nothing"
    assert run.wake("high") == "high"


@pytest.mark.parametrize("larger", [False, True])
def test_a_worse_one_lends_nothing_and_the_larger_number_may_be_the_better_one(larger: bool) -> None:
    run = Run(Priority({"inherit": True, "larger": larger, "preemptive": False}))
    for name in NAMES:
        run.arrive(name)
    run.block("low")
    worse = "high" if larger else "low"
    assert run.seen("low") == []
    run.wait_for("low", "high")
    assert bool(run.notes) is larger, f"{worse} is the worse one"


def test_a_policy_of_ones_own_sees_views_of_them_and_cannot_write() -> None:
    seen: list[object] = []

    class Curious(Policy):
        name = "curious"

        def waits(self, task: Task, now_ns: int) -> None:
            seen.append((task.name, [holder.name for holder in task.waits_for], type(task.waits_for[0]).__name__))
            task.waits_for[0].priority = 3

    run = Run(Guard(Curious()))
    for name in NAMES:
        run.arrive(name)
    run.block("low")
    run.wait_for("low", "high")
    assert seen == [("low", ["high"], "TaskView")]
    assert run.kernel.policy.kind.name == "fcfs", "it has failed, and the run goes on"


@pytest.mark.parametrize("seed", range(20))
def test_who_waits_for_whom_is_what_was_told_last_of_those_who_are_alive(seed: int) -> None:
    """Nobody waits for itself, for one who has ended, or while it is not BLOCKED; who is told are those of whom it has
    changed."""
    dice = Random(seed)
    processes = {pid: Process(pid, process(str(pid), "cpu 1ms"), 0, None, continued=False) for pid in range(6)}
    standoffs, known = Standoffs(), dict.fromkeys(processes, tuple[int, ...]())

    def expect(changed: list[Process], now: dict[int, tuple[int, ...]]) -> None:
        assert sorted(each.pid for each in changed) == [pid for pid in known if known[pid] != now[pid]]
        known.update(now)
        assert {pid: tuple(each.pid for each in one.waits_for) for pid, one in processes.items()} == known
        assert standoffs.waiters.keys() == {pid for pid, holders in known.items() if holders}

    for one in processes.values():
        one.state = State.BLOCKED
    for _ in range(60):
        pid = dice.choice([*processes])
        one = processes[pid]
        if dice.random() < 0.6:
            holders = [dice.choice((*processes, 99)) for _ in range(dice.randint(0, 3))]
            told = Happened(
                0, [Told(Waits(0, pid, "lock", holders, "seen")), Told(Waits(0, 98, "lock", [pid], "seen"))], {}
            )
            alive = tuple(
                each for each in holders if each not in (pid, 99) and processes[each].state is not State.EXITED
            )
            expect(standoffs.take(told, processes), {**known, pid: alive} if one.state is State.BLOCKED else {**known})
            continue
        one.state = dice.choice(
            [State.BLOCKED, State.READY, State.BLOCKED, State.EXITED if dice.random() < 0.2 else one.state]
        )
        gone = pid if one.state is State.EXITED else None
        left = {each: tuple(holder for holder in holders if holder != gone) for each, holders in known.items()}
        expect(standoffs.leave(one), {**left, pid: ()})
