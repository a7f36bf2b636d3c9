"""Before a choice between several the kernel pauses and asks who will run. Nobody has been picked by then, and what is
chosen is what would have been chosen unasked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import pytest

from sandbox import policies
from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import run
from sandbox.kernel.machine import Asked, Happened
from sandbox.kernel.operator import CommandInterpreter
from sandbox.machines.virtual import VirtualMachine
from sandbox.model.commands import Command, Kill, Predict, Resume, Step, UsePolicy
from sandbox.model.events import KEEPS, Dispatched, Event, Operator
from sandbox.model.spec import At, Scenario
from sandbox.policies.host.factory import PolicyFactory
from sandbox.util.units import MS
from sandbox.views.board import Board
from tests.support.scenarios import exits, gantt, process, scenario, simulate

ANSWERS: Sequence[Command] = (Step(), Resume(), Step())


class Answered(VirtualMachine):
    """A virtual machine with an operator who answers whatever it is paused for."""

    def __init__(self, scenario: Scenario, answers: Sequence[Command]) -> None:
        super().__init__(scenario)
        self._answers = cycle(answers)

    def _wait_frozen(self) -> Happened:
        reports, self._told = self._told, []
        return Happened(self._now_ns, [*reports, Asked(next(self._answers))], {})


def asked(world: Scenario, answers: Sequence[Command] = ANSWERS) -> list[Event]:
    """All events of a virtual run that asks from its beginning."""
    world.script.insert(0, At(0, Predict(True)))
    factory = PolicyFactory(world.machine)
    kernel = Kernel(factory.first(), world.machine.cpus)
    events: list[Event] = []
    run(kernel, CommandInterpreter(kernel, factory.next), Answered(world, answers), events.extend, "test")
    return events


def questions(events: list[Event]) -> list[tuple[float, list[str], str]]:
    """When somebody was asked (ms), who could run by the board, and who did."""
    board, found = Board(), []
    pending: tuple[int, list[str]] | None = None
    for event in events:
        if isinstance(event, Dispatched) and pending is not None and pending[0] == event.cpu:
            found.append((event.t_ns / MS, pending[1], board.rows[event.pid].name))
            pending = None
        board.apply(event)
        if isinstance(event, Operator) and board.asked is not None:
            pending = board.asked, sorted(board.rows[pid].name for pid in board.ready)
    return found


def three(policy: str, **machine: Any) -> Scenario:
    """A long one, and two short ones that come while it runs, and wait now and then."""
    return scenario(
        process("long", "cpu 60ms", "io 5ms", "cpu 30ms", priority=3),
        process("short", "cpu 9ms", "io 7ms", "cpu 9ms", arrive="10ms", priority=1),
        process("other", "cpu 4ms", "io 20ms", "cpu 11ms", arrive="12ms", priority=2),
        process("last", "cpu 15ms", arrive="12ms", priority=2),
        policy=policy,
        **machine,
    )


@pytest.mark.parametrize("cpus", [1, 2])
@pytest.mark.parametrize("policy", policies.names())
def test_what_is_chosen_does_not_depend_on_whether_anybody_was_asked(policy: str, cpus: int) -> None:
    plain = simulate(three(policy, cpus=cpus))
    for answers in (ANSWERS, [Resume()], [Step()]):
        events = asked(three(policy, cpus=cpus), answers)
        assert questions(events)
        assert {name: end.t_ns for name, end in exits(events).items()} == {
            name: end.t_ns for name, end in exits(plain).items()
        }
        if cpus == 1:
            assert [piece for piece in gantt(events) if piece[1] < piece[2]] == gantt(plain)


def test_where_nobody_may_push_others_aside_it_asks_when_the_cpu_is_free() -> None:
    assert questions(asked(three("fcfs")))[:3] == [
        (60, ["last", "other", "short"], "short"),
        (69, ["last", "long", "other"], "other"),
        (73, ["last", "long"], "last"),
    ]


def test_where_somebody_may_it_asks_whenever_one_comes_also_if_he_does_not() -> None:
    assert questions(asked(three("srtf")))[:5] == [
        (10, ["long", "short"], "short"),
        (12, ["last", "long", "other", "short"], "other"),
        (16, ["last", "long", "short"], "short"),
        (23, ["last", "long"], "last"),
        (30, ["last", "long", "short"], "last"),
    ]


def test_who_keeps_the_cpu_is_told_so() -> None:
    kept = [event for event in asked(three("srtf")) if isinstance(event, Dispatched) and event.why == KEEPS]
    assert [(event.t_ns / MS, event.pid, event.slice_ns) for event in kept] == [(30, 4, None), (36, 4, None)]


def test_between_question_and_answer_a_kill_and_another_policy_count() -> None:
    events = asked(three("fcfs"), [Kill("short"), UsePolicy("priority"), Step(), Predict(False)])
    assert questions(events) == [(60, ["last", "other"], "other")]
    assert [name for name, _, _ in gantt(events)][:2] == ["long", "other"]


def test_a_question_that_is_not_wanted_any_more_goes_away() -> None:
    events = asked(three("rr"), [Predict(False)])
    assert gantt(events) == gantt(simulate(three("rr")))
    did = [event.did.rule for event in events if isinstance(event, Operator)]
    assert did == ["paused", "resumed"]
