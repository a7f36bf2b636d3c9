"""The kernel on the virtual machine: one instant, slices, preemption, pauses, steps, the operator."""

from __future__ import annotations

import pytest

from sandbox.board import Board
from sandbox.commands import AnyCommand, Kill, Pause, Resume, Step, Tune, UsePolicy
from sandbox.events import Descheduled, Dispatched, Event, Fault, Operator, Ready
from sandbox.kernel.states import LEGAL, IllegalTransition, State, move
from sandbox.units import MS
from tests.worlds import exits, gantt, process, scenario, simulate


def dispatches(events: list[Event]) -> list[tuple[float, int]]:
    return [(event.t_ns / MS, event.pid) for event in events if isinstance(event, Dispatched)]


def reasons(events: list[Event], pid: int) -> list[str]:
    return [event.reason for event in events if isinstance(event, Descheduled) and event.pid == pid]


def test_ending_beats_expiry() -> None:
    events = simulate(scenario(process("a", "cpu 20ms"), process("b", "cpu 20ms"), quantum_ns=20 * MS))
    assert reasons(events, 1) == ["exited"]
    assert gantt(events) == [("a", 0, 20), ("b", 20, 40)]


def test_blocking_beats_expiry() -> None:
    events = simulate(scenario(process("a", "cpu 20ms", "io 5ms"), process("b", "cpu 30ms"), quantum_ns=20 * MS))
    assert reasons(events, 1) == ["blocked", "exited"]


def test_arrivals_come_before_wakes_and_both_before_expiry() -> None:
    world = scenario(
        process("sleeper", "io 20ms", "cpu 1ms"),
        process("hog", "cpu 40ms"),
        process("late", "cpu 1ms", arrive="20ms"),
        quantum_ns=20 * MS,
    )
    at_20 = [event for event in simulate(world) if isinstance(event, Ready) and event.t_ns == 20 * MS]
    assert [(event.pid, event.reason) for event in at_20] == [(3, "admitted"), (1, "woke"), (2, "expired")]


def test_requeue_first_puts_the_expired_one_before_arrivals() -> None:
    world = scenario(
        process("hog", "cpu 40ms"), process("late", "cpu 1ms", arrive="20ms"), quantum_ns=20 * MS, ties="requeue-first"
    )
    assert gantt(simulate(world)) == [("hog", 0, 40), ("late", 40, 41)]


def test_wakes_come_in_the_order_in_which_they_began_to_block() -> None:
    world = scenario(
        process("first", "cpu 1ms", "io 19ms", "cpu 1ms"),
        process("second", "cpu 1ms", "io 18ms", "cpu 1ms"),
        process("hog", "cpu 50ms"),
        policy="fcfs",
    )
    at_20 = [event.pid for event in simulate(world) if isinstance(event, Ready) and event.t_ns == 20 * MS]
    assert at_20 == [1, 2]


def test_a_process_that_begins_with_io_takes_the_cpu_for_no_time() -> None:
    events = simulate(scenario(process("a", "io 10ms", "cpu 10ms"), process("b", "cpu 30ms"), policy="fcfs"))
    assert gantt(events) == [("a", 0, 0), ("b", 0, 30), ("a", 30, 40)]


def test_alone_it_goes_on_without_a_switch_but_with_a_decision() -> None:
    events = simulate(scenario(process("a", "cpu 50ms"), quantum_ns=20 * MS))
    assert dispatches(events) == [(0, 1), (20, 1), (40, 1)]
    assert gantt(events) == [("a", 0, 50)]


def test_a_switch_costs_what_it_is_told_to() -> None:
    world = scenario(process("a", "cpu 20ms"), process("b", "cpu 20ms"), quantum_ns=10 * MS, switch_cost_ns=1 * MS)
    events = simulate(world)
    assert exits(events)["a"].t_ns == 33 * MS  # ↷ a ↷ b ↷ a: three switches and three slices
    assert exits(events)["a"].cpu_ns == 20 * MS
    assert exits(events)["b"].t_ns == 44 * MS


def test_two_cpus_take_from_one_queue() -> None:
    world = scenario(*(process(name, "cpu 20ms") for name in "abc"), quantum_ns=10 * MS, cpus=2)
    events = simulate(world)
    assert {name: end.t_ns // MS for name, end in exits(events).items()} == {"a": 20, "b": 30, "c": 30}
    assert [(event.cpu, event.pid) for event in events if isinstance(event, Dispatched)][:2] == [(0, 1), (1, 2)]


def scripted(*script: tuple[str, AnyCommand], quantum: int = 20) -> list[Event]:
    world = scenario(*(process(name, "cpu 60ms") for name in ("a", "b", "c")), script=script, quantum_ns=quantum * MS)
    return simulate(world)


def test_a_pause_takes_the_cpu_away_and_changes_nothing_else() -> None:
    plain = scripted()
    paused = scripted(("30ms", Pause()), ("90ms", Resume()))
    assert gantt(paused) == gantt(plain)
    assert "paused" in reasons(paused, 2)
    assert "paused" not in reasons(plain, 2)
    assert {name: end.t_ns for name, end in exits(paused).items()} == {n: e.t_ns for n, e in exits(plain).items()}


def test_after_a_pause_a_process_keeps_what_is_left_of_its_slice() -> None:
    events = scripted(("30ms", Pause()), ("90ms", Resume()))
    resumed = next(event for event in events if isinstance(event, Dispatched) and event.why.rule.startswith("goes on"))
    assert (resumed.pid, resumed.slice_ns) == (2, 10 * MS)


def test_one_step_is_one_decision() -> None:
    steps = [(f"{200 + index * 50}ms", Step()) for index in range(4)]
    events = scripted(("30ms", Pause()), *steps, ("500ms", Resume()))
    seen: list[list[int]] = []
    for event in events:
        if isinstance(event, Operator) and event.did.rule == "stepped":
            seen.append([])
        elif isinstance(event, Operator) and event.did.rule == "resumed":
            break
        elif isinstance(event, Dispatched) and seen:
            seen[-1].append(event.pid)
    assert seen == [[2], [3], [1], [2]]
    assert gantt(events) == gantt(scripted())


def test_steps_asked_for_at_once_are_all_made() -> None:
    events = scripted(("30ms", Pause()), ("40ms", Step()), ("40ms", Step()), ("40ms", Step()), ("500ms", Resume()))
    before_resume = events[
        : next(i for i, e in enumerate(events) if isinstance(e, Operator) and e.did.rule == "resumed")
    ]
    assert dispatches(before_resume)[2:] == [(30, 2), (40, 3), (60, 1)]


def test_a_step_shows_the_chosen_one_before_it_runs() -> None:
    board, running = Board(), []
    for event in scripted(("30ms", Pause()), ("40ms", Step()), ("50ms", Step()), ("60ms", Resume())):
        board.apply(event)
        if isinstance(event, Operator) and event.did.rule == "paused":
            running.append((board.now_ns / MS, dict(board.running)))
    assert running == [(30, {}), (30, {0: 2}), (40, {0: 3})]


def test_the_quantum_changes_at_once() -> None:
    events = scripted(("25ms", Tune("quantum", "5ms")))
    assert dispatches(events)[:4] == [(0, 1), (20, 2), (25, 3), (30, 1)]


def test_another_policy_takes_over_in_the_middle() -> None:
    events = scripted(("25ms", UsePolicy("fcfs")))
    assert gantt(events) == [("a", 0, 20), ("b", 20, 80), ("c", 80, 140), ("a", 140, 180)]


@pytest.mark.parametrize("time", ["10ms", "30ms"])  # running, ready
def test_a_killed_process_is_gone_and_the_others_go_on(time: str) -> None:
    events = scripted((time, Kill("a")))
    ends = exits(events)
    assert (ends["a"].code, ends["a"].signal, ends["a"].status) == (None, 15, -15)
    assert ends["b"].status == ends["c"].status == 0


def test_killed_while_blocked() -> None:
    world = scenario(process("a", "io 50ms"), process("b", "cpu 20ms"), script=[("5ms", Kill("a"))], policy="fcfs")
    assert exits(simulate(world))["a"].t_ns == 5 * MS


def test_killed_while_the_machine_is_paused() -> None:
    events = scripted(("30ms", Pause()), ("31ms", Kill("b")), ("32ms", Resume()))
    assert gantt(events)[:3] == [("a", 0, 20), ("b", 20, 30), ("c", 30, 50)]


def test_nonsense_from_the_operator_is_a_fault_and_no_more() -> None:
    events = scripted(("1ms", Kill("nobody")), ("2ms", UsePolicy("magic")), ("3ms", Tune("quantum", "20")))
    assert [event.what.rule for event in events if isinstance(event, Fault)] == [
        "no such process",
        "no such policy",
        "expected a duration",
    ]
    assert gantt(events) == gantt(scripted())


def test_a_pause_that_nobody_ends_ends_the_run() -> None:
    events = scripted(("30ms", Pause()))
    assert [event.what.rule for event in events if isinstance(event, Fault)] == ["nothing can happen any more"]


def test_a_process_changes_state_only_in_legal_ways() -> None:
    class Thing:
        state = State.NEW

    for before in State:
        for after in State:
            thing = Thing()
            thing.state = before
            if after in LEGAL[before]:
                move(thing, after)
                assert thing.state is after
            else:
                with pytest.raises(IllegalTransition):
                    move(thing, after)
