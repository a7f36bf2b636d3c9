"""Every policy on real processes: the same objects, the same laws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sandbox import policies, wording
from sandbox.model.commands import Look, Tune, UsePolicy
from sandbox.model.events import Dispatched, Event, Fault, PolicyNote, Queues
from sandbox.model.spec import ProcessSpec
from sandbox.model.states import State
from sandbox.util.units import MS
from sandbox.views.board import Board
from sandbox.wording import policies as choices
from tests.support.real import run_real
from tests.support.scenarios import exits, names, process, scenario

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

MIXED = [
    process("hog", "cpu 60ms", priority=2, nice=5),
    process("talker", "cpu 8ms", "io 15ms", repeat=4, tickets=300),
    process("late", "cpu 25ms", arrive="20ms", priority=1),
]


def decisions(events: Sequence[Event], rule: str) -> list[str]:
    """Who was chosen for this reason, in order."""
    called = names(events)
    return [called[event.pid] for event in events if isinstance(event, Dispatched) and event.why.rule == rule]


@pytest.mark.parametrize("name", policies.names())
def test_each_policy_schedules_real_processes(name: str) -> None:
    events = run_real(scenario(*MIXED, policy=name, script=[("30ms", Look())]))
    assert [wording.fault(event.what) for event in events if isinstance(event, Fault)] == []
    assert {end.status for end in exits(events).values()} == {0}
    board = Board()
    for event in events:
        board.apply(event)
        if isinstance(event, Dispatched):
            assert event.why.rule in choices._RULES
    assert all(row.state is State.EXITED for row in board.rows.values())
    assert any(isinstance(event, Queues) for event in events)


@pytest.mark.parametrize("name", ["sjf", "srtf", "hrrn"])
def test_real_commands_are_estimated_and_the_estimate_is_shown(name: str, tmp_path: Path) -> None:
    """Three naps make four bursts of a shell; it declares nothing."""
    script = "sleep 0.02; sleep 0.02; sleep 0.02"
    jobs = [
        ProcessSpec("shell", command=["sh", "-c", script], estimate_ns=200 * MS),
        ProcessSpec("work", work=MIXED[0].work),
    ]
    events = run_real(scenario(*jobs, policy=name))
    called = names(events)
    updates = [event for event in events if isinstance(event, PolicyNote) and event.note.rule == "estimate updated"]
    assert "shell" in {called[event.pid or 0] for event in updates}
    assert "work" not in {called[event.pid or 0] for event in updates}
    first = next(event.note.figures for event in updates if called[event.pid or 0] == "shell")
    assert first["before_ns"] == 200 * MS
    assert first["estimate_ns"] == round(0.5 * int(first["burst_ns"] or 0) + 0.5 * 200 * MS)
    rules = {
        "sjf": "shortest estimated burst",
        "srtf": "least estimated remaining time",
        "hrrn": "highest response ratio",
    }
    assert "shell" in decisions(events, rules[name])


def test_declared_bursts_are_believed_and_short_ones_go_first() -> None:
    jobs = [process("first", "cpu 40ms"), process("long", "cpu 60ms"), process("short", "cpu 10ms")]
    events = run_real(scenario(*jobs, policy="sjf"))
    assert decisions(events, "shortest next burst") == ["short", "first", "long"]


def test_jobs_are_released_once_a_period() -> None:
    """Five jobs of 5 ms, 40 ms apart: the process waits in between, and the last ends after four periods."""
    events = run_real(scenario(process("beat", "cpu 5ms", period_ns=40 * MS, repeat=5), policy="edf"))
    assert len(decisions(events, "earliest deadline")) >= 5
    assert exits(events)["beat"].t_ns >= 4 * 40 * MS


def test_policies_change_and_are_tuned_while_real_processes_run() -> None:
    script = [("15ms", UsePolicy("mlfq")), ("30ms", Tune("quanta", "3ms, 6ms")), ("50ms", UsePolicy("eevdf"))]
    events = run_real(scenario(*MIXED, policy="rr", script=script))
    assert not [event for event in events if isinstance(event, Fault)]
    assert {end.status for end in exits(events).values()} == {0}
    assert decisions(events, "highest non-empty queue")
    assert decisions(events, "earliest virtual deadline")
