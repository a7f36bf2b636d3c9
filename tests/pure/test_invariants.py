"""What holds in every run, whatever the load, the policy, the CPUs and the operator do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from sandbox.model.events import Admitted, Descheduled, Dispatched, Event, Exited, Queues, Ready, decode, encode
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.model.states import State
from sandbox.util.units import MS
from sandbox.views.board import Board
from sandbox.views.metrics import fold, result
from tests.support.generated import any_scenario, processes
from tests.support.scenarios import simulate


@settings(deadline=None, max_examples=150)
@given(any_scenario())
def test_every_run_is_lawful(world: Scenario) -> None:
    events = simulate(world)
    cpus = world.machine.cpus
    board = Board()  # raises on any change of state that cannot happen
    on_cpu: dict[int, int] = {}
    last_ns = 0
    for event in events:
        assert event.t_ns >= last_ns, "time went back"
        last_ns = event.t_ns
        board.apply(event)
        if isinstance(event, Queues):
            seen = sorted(
                task.pid for tasks in (event.running, *(queue.tasks for queue in event.queues)) for task in tasks
            )
            assert seen == sorted([*board.ready, *board.running.values()]), "the policy has lost somebody"
        elif isinstance(event, Dispatched):
            assert event.cpu not in on_cpu, "two on one CPU"
            assert 0 <= event.cpu < cpus
            assert event.pid not in on_cpu.values(), "one on two CPUs"
            on_cpu[event.cpu] = event.pid
        elif isinstance(event, Descheduled):
            assert on_cpu.pop(event.cpu) == event.pid
    assert all(row.state is State.EXITED for row in board.rows.values()), "somebody was lost"
    assert len(board.rows) == len(world.processes)
    assert_cpu_time_adds_up(world, events)


def assert_cpu_time_adds_up(world: Scenario, events: list[Event]) -> None:
    ran: dict[int, int] = defaultdict(int)
    for event in events:
        if isinstance(event, Descheduled):
            assert event.ran_ns >= 0
            ran[event.pid] += event.ran_ns
    specs = {
        event.pid: world.processes[event.order]
        for event in events
        if isinstance(event, Admitted) and event.order is not None
    }
    for event in events:
        if isinstance(event, Exited):
            assert ran[event.pid] == event.cpu_ns
            if event.status == 0:
                assert event.cpu_ns == specs[event.pid].demand_ns


@settings(deadline=None, max_examples=60)
@given(any_scenario())
def test_never_idle_while_somebody_is_ready(world: Scenario) -> None:
    world.script = []
    board, idle_since, before_ns = Board(), None, 0
    for event in simulate(world):
        if event.t_ns > before_ns:
            busy = len(board.running) == world.machine.cpus
            assert busy or not board.ready, f"idle from {idle_since} while {list(board.ready)} were ready"
            before_ns = event.t_ns
        board.apply(event)


@settings(deadline=None, max_examples=60)
@given(any_scenario())
def test_the_same_world_gives_the_same_events(world: Scenario) -> None:
    first, second = simulate(world), simulate(world)
    assert first == second
    assert [decode(encode(event)) for event in first] == first


@settings(deadline=None, max_examples=60)
@given(any_scenario())
def test_the_result_document_adds_up(world: Scenario) -> None:
    document = result(fold(simulate(world)))
    by_pid: Counter[int] = Counter()
    for piece in document["slices"]:
        assert piece["start_ns"] <= piece["end_ns"]
        by_pid[piece["pid"]] += piece["cpu_ns"]
    for process in document["processes"]:
        assert by_pid[process["pid"]] == process["cpu_ns"]
        spent = process["cpu_ns"] + process["waiting_ns"] + process["blocked_ns"]
        # What is left over is the time that switches took.
        assert process["turnaround_ns"] >= spent
        if world.machine.switch_cost_ns == 0:
            assert process["turnaround_ns"] == spent
    assert [p["name"] for p in document["processes"]] == [p.name for p in world.processes]
    assert 0 <= (document["metrics"]["cpu_utilisation"] or 0) <= 1


#: How long anybody may wait for the CPU at most, of n processes: what these policies promise. Times in ns.
PROMISES: dict[str, tuple[dict[str, object], Callable[[int], int]]] = {
    "rr": ({"quantum": "7ms"}, lambda n: (n - 1) * 7 * MS),
    "stride": ({"quantum": "7ms"}, lambda n: 2 * n * 7 * MS),
    "mlfq": ({"quanta": ["5ms", "10ms"], "boost": "40ms"}, lambda n: 40 * MS + n * 10 * MS),
    "fair": ({"latency": "10ms", "granularity": "1ms"}, lambda n: 3 * n * 10 * MS),
    "eevdf": ({"quantum": "3ms"}, lambda n: 2 * n * 3 * MS),
}


@pytest.mark.parametrize("name", PROMISES)
@settings(deadline=None, max_examples=60)
@given(processes)
def test_nobody_waits_longer_than_the_policy_promises(name: str, specs: list[ProcessSpec]) -> None:
    specs = [replace(spec, name=f"p{index}", nice=0, tickets=100) for index, spec in enumerate(specs)]
    parameters, most_ns = PROMISES[name]
    since: dict[int, int] = {}
    for event in simulate(Scenario("any", "any", MachineSpec(policy=name, parameters=parameters), specs)):
        if isinstance(event, Ready):
            since[event.pid] = event.t_ns
        elif isinstance(event, Dispatched):
            assert event.t_ns - since[event.pid] <= most_ns(len(specs))


def test_without_a_promise_somebody_starves() -> None:
    """What the bounds above would say of these: short ones, or urgent ones, keep coming."""
    for name in ("sjf", "srtf", "priority", "feedback", "mlfq"):
        stream = [ProcessSpec(f"p{index}", index * 5 * MS, [Segment("cpu", 5 * MS)]) for index in range(100)]
        long = ProcessSpec("long", 1, [Segment("cpu", 60 * MS)], priority=1)
        events = simulate(Scenario("any", "any", MachineSpec(policy=name), [*stream, long]))
        ends = {event.pid: event.t_ns for event in events if isinstance(event, Exited)}
        assert ends[2] == max(ends.values())
