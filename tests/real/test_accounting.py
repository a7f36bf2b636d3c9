"""Real processes: who runs after whom, and that the CPU time adds up. Judged by order and accounting; by the clock only
where no other program took the CPUs meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.model.commands import Pause, Resume
from sandbox.model.events import Blocked, Descheduled, Dispatched, Event, Exited, PolicyNote, Ready
from sandbox.util.units import MS
from sandbox.views.board import Board
from sandbox.views.metrics import fold, metrics, one_after_another, result
from tests.support.leaks import LeftCheck
from tests.support.noise import when_quiet
from tests.support.real import every_recipe, run_real
from tests.support.run import ossandbox
from tests.support.scenarios import exits, process, scenario, whole

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "vectors" / "textbook.json").read_text())[
    "cases"
]
REAL = [case for case in CASES if case["policy"] in ("fcfs", "rr") and sum(job[1] for job in case["jobs"]) <= 40]

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]


def assert_head_first(events: Iterable[Event]) -> None:
    """Whoever was given the CPU stood at the head of the ready queue."""
    board = Board()
    for event in events:
        if isinstance(event, Dispatched):
            assert event.pid == board.ready[0], event
        board.apply(event)


def test_three_programs_take_turns_and_each_gets_exactly_its_work() -> None:
    done, noise = when_quiet(lambda: ossandbox("run", "time-sharing", "--json"))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    order = [piece["pid"] for piece in document["slices"]]
    # Strict alternation, but for a lone last one that goes on by itself.
    turns = [pid for index, pid in enumerate(order) if index == 0 or pid != order[index - 1]]
    assert turns[:90] == [1, 2, 3] * 30
    for job in document["processes"]:
        assert job["cpu_ns"] == pytest.approx(700 * MS, rel=0.01)
        assert sum(piece["cpu_ns"] for piece in document["slices"] if piece["pid"] == job["pid"]) == job["cpu_ns"]
        assert job["exit"] == 0
    noise.skip_unless_quiet()
    assert document["metrics"]["cpu_utilisation"] >= 0.97


@pytest.mark.parametrize("case", REAL, ids=[case["name"] for case in REAL])
def test_the_textbook_on_real_processes(case: dict[str, Any]) -> None:
    unit = 20 * MS
    jobs = [process(f"job{i}", f"cpu {job[1] * 20}ms", arrive=f"{job[0] * 20}ms") for i, job in enumerate(case["jobs"])]
    parameters = dict(case["params"])
    ties = parameters.pop("ties", None)
    if ties == "requeue-first":
        pytest.skip("a tie to the nanosecond exists in virtual time only")
    quantum_ns = parameters.get("quantum", 1) * unit
    events, noise = when_quiet(lambda: run_real(scenario(*jobs, policy=case["policy"], quantum_ns=quantum_ns)))
    ends = exits(events)
    assert_head_first(events)
    for index, (_, burst, *_) in enumerate(case["jobs"]):
        assert ends[f"job{index}"].cpu_ns == pytest.approx(burst * unit, rel=0.05, abs=MS)
    noise.skip_unless_quiet()
    finish = {int(name.removeprefix("job")): end.t_ns for name, end in ends.items()}
    expected = {job: units * unit for job, units in enumerate(case["finish"])}
    assert sorted(finish, key=finish.__getitem__) == sorted(expected, key=expected.__getitem__)
    for job, finish_ns in finish.items():
        assert abs(finish_ns - expected[job]) <= max(0.05 * expected[job], 10 * MS)


def test_while_one_sleeps_another_has_the_cpu() -> None:
    jobs = [process(name, "cpu 10ms", "io 40ms", repeat=6) for name in ("a", "b", "c")]
    events, noise = when_quiet(lambda: run_real(scenario(*jobs, policy="fcfs")))
    assert_head_first(events)
    history = fold(events)
    blocked: set[int] = set()
    meanwhile = 0
    for event in events:
        if isinstance(event, Blocked):
            blocked.add(event.pid)
        elif isinstance(event, Ready):
            blocked.discard(event.pid)
        elif isinstance(event, Dispatched):
            meanwhile += bool(blocked)
    assert meanwhile >= 10, "while one sleeps, another is given the CPU"
    noise.skip_unless_quiet()
    together, serial = metrics(history), one_after_another(history)
    assert together["makespan_ns"] < 0.7 * serial["makespan_ns"]
    assert together["cpu_utilisation"] > 1.4 * serial["cpu_utilisation"]


def test_every_slice_adds_up_to_the_total() -> None:
    jobs = [
        process("hog", "cpu 120ms"),
        process("io", "cpu 3ms", "io 10ms", repeat=8),
        process("late", "cpu 40ms", arrive="30ms"),
    ]
    document = result(fold(run_real(scenario(*jobs, quantum_ns=5 * MS))))
    for job, declared in zip(document["processes"], (120, 24, 40), strict=True):
        assert sum(piece["cpu_ns"] for piece in document["slices"] if piece["pid"] == job["pid"]) == job["cpu_ns"]
        assert job["cpu_ns"] == pytest.approx(declared * MS, rel=0.05)


def test_the_event_stream_is_lawful() -> None:
    jobs = [process(f"p{index}", "cpu 5ms", "io 5ms", repeat=5) for index in range(6)]
    events = run_real(scenario(*jobs, quantum_ns=2 * MS))
    on_cpu: set[int] = set()
    ran: dict[int, int] = {}
    for event in events:
        if isinstance(event, Dispatched):
            assert not on_cpu, "two on one CPU"
            on_cpu.add(event.pid)
        elif isinstance(event, Descheduled):
            on_cpu.remove(event.pid)
            ran[event.pid] = ran.get(event.pid, 0) + event.ran_ns
    assert len([event for event in events if isinstance(event, Exited)]) == 6
    assert all(event.t_ns <= later.t_ns for event, later in pairwise(events))


@pytest.mark.skipif("len(__import__('os').sched_getaffinity(0)) < 2")
def test_two_cpus_run_two_at_once() -> None:
    jobs = [process(f"p{index}", "cpu 150ms") for index in range(4)]
    events, noise = when_quiet(lambda: run_real(scenario(*jobs, quantum_ns=20 * MS, cpus=2)))
    assert_head_first(events)
    board, both = Board(), 0
    for event in events:
        board.apply(event)
        both += len(board.running) == 2
    assert both > 20, "most of the time two have a CPU each"
    noise.skip_unless_quiet()
    history = fold(events)
    total_ns = sum(life.cpu_ns for life in history.lives.values())
    assert metrics(history)["makespan_ns"] < 0.85 * total_ns


@every_recipe
def test_every_recipe_gives_the_same_order(recipe: str) -> None:
    """Whoever has no turn is not taken for blocked, however he is kept from the CPU."""
    jobs = [process(name, "cpu 50ms") for name in ("a", "b", "c")]
    events = run_real(scenario(*jobs, quantum_ns=10 * MS), recipe=recipe)
    assert [event.pid for event in events if isinstance(event, Dispatched)][:12] == [1, 2, 3] * 4
    assert not [event for event in events if isinstance(event, Blocked)]
    for end in exits(events).values():
        assert end.cpu_ns == pytest.approx(50 * MS, rel=0.1)


def test_a_pause_makes_no_job_late() -> None:
    jobs = [
        process("early", "cpu 5ms", repeat=4, period_ns=250 * MS),
        process("later", "cpu 5ms", repeat=3, period_ns=250 * MS, arrive="100ms"),
    ]
    script = [("300ms", Pause()), ("1s", Resume())]
    events = run_real(scenario(*jobs, script=script, policy="edf"))
    waits = [event.pid for event in events if isinstance(event, Blocked) and event.on.rule == "sleep"]
    assert waits == [1, 2, 1, 2, 1], "each job is followed by a wait for the next"
    assert not [event for event in events if isinstance(event, PolicyNote)], "nobody misses a deadline"


def test_every_late_job_is_told() -> None:
    late = process("late", "cpu 40ms", repeat=4, period_ns=20 * MS)
    events, noise = when_quiet(lambda: run_real(scenario(late, policy="edf")))
    noise.skip_unless_quiet()
    due_ns = [whole(event.note.figures["due_ns"]) for event in events if isinstance(event, PolicyNote)]
    assert [later - due for due, later in pairwise(due_ns)] == [20 * MS] * 3


def test_nothing_is_left_when_the_run_is_refused(leftcheck: LeftCheck) -> None:
    done = ossandbox("run", "time-sharing", "--cpus", "1000")
    assert done.returncode == 2
    assert "1000 mini CPUs" in done.stderr
    assert leftcheck.marked() == []
