"""Turns that a person gives, or that are written down: who chooses, what is kept, and what cannot be."""

from __future__ import annotations

import io
import tomllib
from itertools import cycle
from typing import Any

import pytest

from sandbox import wording
from sandbox.analysis.comparison.table import Entrant, standings
from sandbox.export import order
from sandbox.export.material import gather
from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import run
from sandbox.kernel.machine import Asked, Happened
from sandbox.kernel.operator import CommandInterpreter
from sandbox.machines.virtual import VirtualMachine
from sandbox.model.commands import Choose, Command, Pause, Resume, Step, UsePolicy, parse_command
from sandbox.model.events import (
    Admitted,
    Became,
    Blocked,
    Clause,
    Dispatched,
    Event,
    Exited,
    Fault,
    Operator,
    PolicyNote,
)
from sandbox.model.naming import Names
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue, Words
from sandbox.policies import find
from sandbox.policies.host.factory import PolicyFactory
from sandbox.trace.header import describe
from sandbox.util.units import MS
from sandbox.views.board import Board
from sandbox.views.eventlog import Moment
from sandbox.views.history import History
from sandbox.views.metrics import result
from tests.support.scenarios import gantt, names, process, scenario, simulate


def three(policy: str, *script: tuple[str, Command], **machine: Any) -> Scenario:
    jobs = [process(name, "cpu 20ms", "io 15ms", "cpu 10ms") for name in "ab"]
    return scenario(*jobs, process("c", "cpu 10ms", arrive="5ms"), policy=policy, script=script, **machine)


def faults(events: list[Event]) -> list[tuple[float, str]]:
    return [(event.t_ns / MS, wording.fault(event.what)) for event in events if isinstance(event, Fault)]


def chosen(events: list[Event]) -> list[str]:
    """Whose turns a person, or a script, has given."""
    called = names(events)
    return [called[event.pid] for event in events if isinstance(event, Dispatched) and event.why == Clause("you chose")]


class Driver(VirtualMachine):
    """A virtual machine with somebody who answers whenever it asks."""

    def __init__(self, world: Scenario, answers: list[Command]) -> None:
        super().__init__(world)
        self._answers = cycle(answers)

    def _wait_frozen(self) -> Happened:
        reports, self._told = self._told, []
        return Happened(self._now_ns, [*reports, Asked(next(self._answers))], {})


def driven(world: Scenario, *answers: Command) -> list[Event]:
    factory = PolicyFactory(world.machine)
    kernel = Kernel(factory.first(), world.machine.cpus)
    kernel.attended = True
    events: list[Event] = []
    run(kernel, CommandInterpreter(kernel, factory.next), Driver(world, list(answers)), events.extend, "test")
    return events


# Manual


def test_it_stops_before_each_choice_between_several_and_only_then() -> None:
    events = driven(three("manual", quantum_ns=10 * MS), Choose("c"), Choose("b"), Choose("b"), Choose("a"), Step())
    board = Board()
    asked: list[tuple[float, list[str]]] = []
    for event in events:
        board.apply(event)
        if isinstance(event, Operator) and event.asks_choice:
            asked.append((event.t_ns / MS, sorted(board.rows[pid].name for pid in board.ready)))
    assert asked[:2] == [(0, ["a", "b"]), (10, ["a", "b", "c"])]
    assert all(len(ready) > 1 for _, ready in asked)
    assert faults(events)[0] == (0, "there is no process c")
    assert chosen(events)[:2] == ["b", "b"]
    assert gantt(events)[0] == ("b", 0, 20)
    assert all(event.status == 0 for event in events if isinstance(event, Exited))


def test_one_that_cannot_run_is_refused_and_the_machine_still_asks() -> None:
    world = three("manual", quantum_ns=50 * MS)
    events = driven(world, Choose("a"), Choose("a"), Choose("b"), Step())
    assert (20, "a: a cannot run now: choose one that is ready") in [
        (event.t_ns / MS, wording.sentence(event, names(events))) for event in events if isinstance(event, Fault)
    ]
    assert chosen(events)[:2] == ["a", "b"]


@pytest.mark.parametrize("who", ["a", "b"])
def test_in_another_pause_a_choice_is_a_step(who: str) -> None:
    world = three("manual", ("5ms", Pause()), quantum_ns=10 * MS)
    events = driven(world, Choose("b"), Choose(who), Resume())
    board, dids = Board(), []
    for event in events:
        board.apply(event)
        if isinstance(event, Operator):
            dids.append((event.t_ns / MS, event.did.rule))
    assert dids[:5] == [(0, "paused"), (0, "chose"), (5, "paused"), (5, "chose"), (10, "paused")]
    if who == "a":
        assert chosen(events)[:2] == ["b", "a"]
    assert all(event.status == 0 for event in events if isinstance(event, Exited))


def test_who_has_the_cpu_in_a_pause_takes_its_turn_when_chosen() -> None:
    world = scenario(process("a", "cpu 30ms"), policy="manual", quantum_ns=10 * MS, script=[("0ms", Pause())])
    events = driven(world, Step(), Choose("a"), Choose("a"), Resume())
    dids = [(event.t_ns / MS, event.did.rule) for event in events if isinstance(event, Operator)]
    assert dids[3:7] == [(0, "chose"), (10, "paused"), (10, "chose"), (20, "paused")]
    assert faults(events) == []
    assert all(event.status == 0 for event in events if isinstance(event, Exited))


@pytest.mark.parametrize("answer", [Step(), Resume()])
def test_who_does_not_choose_has_the_first_of_the_queue(answer: Command) -> None:
    assert gantt(driven(three("manual", quantum_ns=10 * MS), answer)) == gantt(
        simulate(three("rr", quantum_ns=10 * MS))
    )


def test_each_cpu_is_asked_about() -> None:
    events = driven(three("manual", quantum_ns=10 * MS, cpus=2), Choose("b"), Choose("c"), Choose("a"), Resume())
    first = [event for event in events if isinstance(event, Dispatched) and event.begins_turn][:2]
    assert [(event.cpu, names(events)[event.pid]) for event in first] == [(0, "b"), (1, "a")]


def test_under_another_policy_nobody_is_asked_any_more() -> None:
    events = driven(three("manual", quantum_ns=10 * MS), Choose("b"), UsePolicy("fcfs"), Resume())
    assert len([event for event in events if isinstance(event, Operator) and event.asks_choice]) == 2
    assert all(event.status == 0 for event in events if isinstance(event, Exited))


def test_where_nobody_is_there_the_script_chooses_and_else_the_first_runs() -> None:
    script = [("0ms", Choose("b")), ("1ms", parse_command("choose b")), ("2ms", Choose("nobody"))]
    events = simulate(three("manual", *script, quantum_ns=10 * MS))
    assert not any(isinstance(event, Operator) and event.is_pause for event in events)
    assert chosen(events) == ["b", "b"]
    assert faults(events) == [(2, "there is no process nobody")]
    (note,) = [event for event in events if isinstance(event, PolicyNote)]
    assert "no user is here to choose" in wording.sentence(note, {})
    told = simulate(three("rr", ("1ms", Choose("b"))))
    assert faults(told) == [(1, "rr decides by itself: nobody is asked")]


# Scripted


def test_the_turns_are_those_of_the_order() -> None:
    world = three("scripted", quantum_ns=10 * MS, parameters={"order": ["b", "a", "b", "a", "c"]})
    events = simulate(world)
    assert gantt(events)[:5] == [("b", 0, 10), ("a", 10, 20), ("b", 20, 30), ("a", 30, 40), ("c", 40, 50)]
    assert faults(events) == []
    whys = [event.why for event in events if isinstance(event, Dispatched)]
    assert whys[1] == Clause("turn in the order", {"turn": 2, "of": 5})


def test_what_cannot_be_kept_is_said_and_dropped() -> None:
    turns = ["c", "a", "a", "a", "b", "a", "b", "c", "c", "a", "b"]
    events = simulate(three("scripted", quantum_ns=10 * MS, parameters={"order": turns, "then": "fcfs"}))
    assert faults(events) == [
        (0, "order cannot be kept: turn 1 of 11 is that of c, which has not been ready yet"),
        (20, "order cannot be kept: turn 4 of 11 is that of a, which is blocked: sleep 15 ms"),
        (30, "order cannot be kept: turn 6 of 11 is that of a, which is blocked: sleep 15 ms"),
        (50, "order cannot be kept: turn 9 of 11 is that of c, which has ended"),
    ]
    assert {event.what.rule for event in events if isinstance(event, Fault)} == {"order cannot be kept"}
    assert [name for name, *_ in gantt(events)] == ["a", "b", "c", "a", "b"]


def test_after_the_last_turn_another_policy_decides() -> None:
    jobs = [process("long", "cpu 40ms"), process("short", "cpu 20ms"), process("middle", "cpu 30ms")]
    order_of_one = {"order": ["long"], "then": "sjf"}
    events = simulate(scenario(*jobs, policy="scripted", quantum_ns=10 * MS, parameters=order_of_one))
    assert gantt(events) == [("long", 0, 10), ("short", 10, 30), ("middle", 30, 60), ("long", 60, 90)]
    empty = scenario(*jobs, policy="scripted", quantum_ns=10 * MS)
    assert gantt(simulate(empty)) == gantt(simulate(scenario(*jobs, policy="rr", quantum_ns=10 * MS)))


def test_after_the_last_turn_a_person_may_go_on() -> None:
    parameters = {"order": ["b"], "then": "manual"}
    events = driven(three("scripted", quantum_ns=10 * MS, parameters=parameters), Choose("a"), Resume())
    assert [name for name, *_ in gantt(events)][:2] == ["b", "a"]
    assert chosen(events)[:1] == ["a"]


def test_a_turn_of_one_that_runs_on_another_cpu_cannot_be_kept() -> None:
    events = simulate(three("scripted", quantum_ns=10 * MS, cpus=2, parameters={"order": ["a", "a", "b"]}))
    assert faults(events)[0] == (0, "order cannot be kept: turn 2 of 3 is that of a, which runs already")


def test_an_order_is_read_as_it_is_written() -> None:
    for text in ("a b-1 server/2", "a, b-1, server/2", "a,b-1,server/2"):
        assert Words().parse(text) == ["a", "b-1", "server/2"]
    for order_ in (["a", "cat#7"], ["a", "tmux: server", "a"]):
        assert Words().parse(Words().write(order_)) == order_
    assert Words().parse("") == []
    with pytest.raises(BadValue):
        find("scripted")({"order": ["a", 2]})
    with pytest.raises(BadValue):
        find("scripted")({"then": "scripted"})


# Kept


def exported(world: Scenario, events: list[Event]) -> tuple[str, dict[str, Any]]:
    file = io.StringIO()
    order.write(gather(describe(world, None), events), file)  # type: ignore[arg-type]
    return file.getvalue(), tomllib.loads(file.getvalue())


def happened(events: list[Event]) -> list[object]:
    """Who had which CPU when, and all that became of it."""
    kept = [event for event in events if isinstance(event, (Admitted, Blocked, Exited))]
    turns = [(event.t_ns, event.pid, event.slice_ns) for event in events if isinstance(event, Dispatched)]
    return [turns, kept]


def test_a_run_by_hand_is_exported_and_taken_again() -> None:
    script = [(f"{10 * number}ms", Choose(name)) for number, name in enumerate("bacab")]
    world = three("manual", *script, quantum_ns=10 * MS)
    events = simulate(world)
    assert len(chosen(events)) > 3
    text, lines = exported(world, events)
    assert set(lines) == {"policy", "parameters"}
    assert set(lines["parameters"]) == {"order"}, "the quantum is that of the scenario"
    again = simulate(three(lines["policy"], quantum_ns=10 * MS, parameters=lines["parameters"]))
    assert happened(again) == happened(events)
    assert faults(again) == []
    assert text.startswith("# ")


@pytest.mark.parametrize(("policy", "quantum"), [("rr", 7 * MS), ("fcfs", None), ("lottery", 5 * MS), ("sjf", None)])
def test_an_order_under_any_policy_with_one_quantum_is_taken_again(policy: str, quantum: int | None) -> None:
    for cpus in (1, 2):
        world = three(policy, quantum_ns=quantum, cpus=cpus)
        events = simulate(world)
        _, lines = exported(world, events)
        again = simulate(three("scripted", quantum_ns=quantum, cpus=cpus, parameters=lines["parameters"]))
        assert happened(again) == happened(events)


def test_a_long_order_has_many_lines_and_no_turns_no_order() -> None:
    jobs = [process(f"worker-{number}", "cpu 200ms") for number in range(3)]
    world = scenario(*jobs, policy="mlfq")
    text, lines = exported(world, simulate(world))
    assert max(map(len, text.splitlines())) < 120
    assert "not equally long" in text
    assert len(lines["parameters"]["order"]) > 10
    with pytest.raises(BadValue):
        exported(world, simulate(world)[:3])


def test_children_go_by_their_names_on_the_board() -> None:
    """As the kernel calls them, and as the board does."""
    births: list[Event] = [
        Admitted(0, 1, "server", "", order=0),
        Admitted(1, 2, "server", "", parent=1),
        Admitted(2, 3, "server", "", parent=1),
        Admitted(3, 4, "cat", "", parent=2),
        Admitted(4, 5, "cat", "", parent=3),
        Became(5, 3, "cat", ""),
        Admitted(6, 6, "server", "", parent=2),
        Became(7, 2, "other", ""),
    ]
    moment, called = Moment(), Names()
    for event in births:
        moment.apply(event)
        if isinstance(event, Admitted):
            called.born(event.pid, event.name, event.parent)
        elif isinstance(event, Became):
            called.became(event.pid, event.name)
    ours = {pid: one.called for pid, one in called._known.items()}
    assert ours == moment.names
    assert ours[4] == "cat"
    assert ours[5] == "cat#5"
    assert ours[3] == "cat#3"


def test_where_a_turn_is_a_line_figures_count_turns() -> None:
    history = History()
    for event in simulate(three("rr", quantum_ns=1 * MS)):
        history.add(event)
    document = result(history)
    document["machine"]["sensor"] = "hook"
    unit, rows = standings([Entrant("rr", "", [document], True, [1])])
    assert unit == "turns"
    assert rows[0].cells[0].text == f"{document['metrics']['turnaround_ns']['mean'] / MS:.2f}"
