"""Real processes stand still while it is asked who runs next, and go on as the policy has it."""

from __future__ import annotations

import pytest

from sandbox.model.commands import Choose, Predict, Resume, Step, UsePolicy
from sandbox.model.events import Admitted, Blocked, Dispatched, Event, Exited, Fault, Operator
from sandbox.util.units import MS
from tests.support.procs import all_stopped
from tests.support.real import run_real, watch
from tests.support.scenarios import process, scenario

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]


def questions(events: list[Operator]) -> int:
    """How often somebody was asked who gets CPU 0."""
    return sum(event.did.figures.get("cpu") == 0 for event in events)


def living(events: list[Event]) -> list[int]:
    ended = {event.pid for event in events if isinstance(event, Exited)}
    born = [event for event in events if isinstance(event, Admitted) and event.pid not in ended]
    return [event.os_pid for event in born if event.os_pid is not None]


def test_everybody_stands_still_until_it_is_said_who_runs() -> None:
    jobs = [process("long", "cpu 60ms"), process("short", "cpu 10ms"), process("other", "cpu 30ms")]
    with watch(scenario(*jobs, policy="sjf"), stay=False) as run:
        run.link.send(Predict(True))
        for number in (1, 2):
            run.until(lambda: questions(run.all(Operator)) == number, f"question {number}")  # noqa: B023
            chosen = len(run.all(Dispatched))
            run.go_on(0.05)
            assert all_stopped(living([*run.events]))
            assert len(run.all(Dispatched)) == chosen == number - 1, "nobody is chosen before"
            run.link.send(Step())
            run.until(lambda: len(run.all(Dispatched)) == number, "the choice")  # noqa: B023
            run.link.send(Resume())
        run.finish()
        assert [event.pid for event in run.all(Dispatched)] == [2, 3, 1]
        assert questions(run.all(Operator)) == 2, "the last one had no choice"


def test_who_blocks_just_before_a_question_waits_for_what_it_waits_for() -> None:
    """Its stop for the pause is none of its own."""
    jobs = [process("a", "cpu 20ms", "io 100ms"), process("b", "cpu 20ms"), process("c", "cpu 20ms")]
    with watch(scenario(*jobs, policy="fcfs"), stay=False) as run:
        run.link.send(Predict(True))
        for number in range(4):  # more than two if a wakes meanwhile, on a busy machine
            run.until(lambda: questions(run.all(Operator)) > number or run.link.closed, "a question, or the end")  # noqa: B023
            if run.link.closed:
                break
            run.link.send(Resume())
        run.finish()
        reasons = [event.on.rule for event in run.all(Blocked)]
        assert reasons == ["sleep"]
        assert run.all(Fault) == []


def test_a_person_gives_the_turns() -> None:
    """And what was chosen is taken again, as it was exported."""
    jobs = [process(name, "cpu 60ms") for name in ("a", "b")]
    with watch(scenario(*jobs, policy="manual", quantum_ns=10 * MS), stay=False) as run:
        for number, name in enumerate("bba", 1):
            run.until(lambda: questions(run.all(Operator)) == number, f"choice {number}")  # noqa: B023
            run.until(lambda: all_stopped(living([*run.events])), "everybody stands still")
            run.link.send(Choose(name))
        run.until(lambda: questions(run.all(Operator)) == 4, "the last choice")
        chosen = [event for event in run.all(Dispatched) if event.begins_turn]
        assert [(event.pid, event.why.rule) for event in chosen] == [
            (2, "you chose"),
            (2, "you chose"),
            (1, "you chose"),
        ]
        run.link.send(UsePolicy("fcfs"))
        run.finish()
    order = {"order": [*"bba"]}
    again = run_real(scenario(*jobs, policy="scripted", quantum_ns=10 * MS, parameters=order))
    assert [event.pid for event in again if isinstance(event, Dispatched)][:3] == [2, 2, 1]
