"""A scenario in slow motion: everything is so many times as long, or it is said what cannot be."""

from __future__ import annotations

import msgspec
import pytest

from sandbox.model.claims import parse_claim
from sandbox.model.commands import Tune, UsePolicy
from sandbox.model.events import Dispatched, Event
from sandbox.model.spec import ClientSpec, Scenario, WhatIf
from sandbox.policies import BUILT_IN
from sandbox.scenario import find, load
from sandbox.scenario.stretch import stretched
from sandbox.util.units import MS, S
from tests.support.scenarios import command, process, scenario, simulate

BY = 7


def longer(world: Scenario, by: int = BY, real: bool = False) -> Scenario:
    made, problems = stretched(world, by, real)
    assert not problems
    return made


def times(events: list[Event], by: int = 1) -> list[tuple[object, ...]]:
    """What happened when, to whom, and for how long it might run; what sets a policy's own times is left out."""
    return [
        (type(event).__name__, event.t_ns * by, getattr(event, "pid", None), _slice(event, by))
        for event in events
        if type(event).__name__ not in ("Operator", "Scheduling")
    ]


def _slice(event: Event, by: int) -> int | None:
    return event.slice_ns * by if isinstance(event, Dispatched) and event.slice_ns is not None else None


@pytest.mark.parametrize("policy", [name for name in BUILT_IN if name != "fair"])  # its shares are rounded to 1 ns
def test_in_virtual_time_everything_scales_exactly(policy: str) -> None:
    world = scenario(
        process("a", "cpu 90ms", "io 30ms", repeat=4, priority=2, tickets=30),
        process("b", "cpu 35ms", arrive="20ms", repeat=3, priority=1),
        process("c", "io 5ms", "cpu 12ms", arrive="20ms", repeat=5, period_ns=60 * MS, deadline_ns=40 * MS),
        policy=policy,
        switch_cost_ns=1 * MS,
    )
    assert times(simulate(longer(world))) == times(simulate(world), BY)


@pytest.mark.parametrize("name", ["starvation", "mlfq", "lottery", "deadlines", "parallel", "time-sharing"])
def test_so_does_every_synthetic_lesson(name: str) -> None:
    world = load(find(name))
    assert times(simulate(longer(world))) == times(simulate(world), BY)


def test_a_policy_that_takes_over_on_the_way_is_as_slow() -> None:
    script = [("100ms", UsePolicy("mlfq")), ("300ms", Tune("boost", "50ms")), ("400ms", UsePolicy("rr"))]
    world = scenario(
        process("a", "cpu 400ms"), process("b", "cpu 70ms", "io 9ms", repeat=6), script=script, policy="fcfs"
    )
    assert times(simulate(longer(world))) == times(simulate(world), BY)


def test_a_quantum_that_nobody_named_is_stretched_and_can_be_set_anew() -> None:
    machine = longer(scenario(process("a", "cpu 1s"), policy="rr"), 10).machine
    assert (machine.quantum_ns, machine.parameters) == (500 * MS, {})
    assert longer(scenario(process("a", "cpu 1s"), policy="mlfq"), 10).machine.parameters["quanta"] == [
        "100ms",
        "200ms",
        "400ms",
    ]


def test_what_is_too_long_is_refused_with_its_place_and_what_is_allowed() -> None:
    world = scenario(process("a", "cpu 23s", arrive="7000s"), policy="rr", quantum_ns=20 * S)
    _, problems = stretched(world, 100, real=True)
    assert [problem.place for problem in problems][:2] == ["--stretch machine quantum", "--stretch process a arrive"]
    assert all(problem.what.rule == "out of range" and problem.what.figures["allowed"] for problem in problems)


def test_real_programs_keep_their_own_times() -> None:
    world = scenario(
        process("s", "cpu 10ms", "io 20ms"),
        command("ls", "ls", arrive_ns=5 * MS, estimate_ns=30 * MS),
    )
    synthetic, program = longer(world, 10, real=True).processes
    assert synthetic.runs == "cpu 100ms, io 200ms"
    assert (program.arrive_ns, program.estimate_ns, program.idle_ns) == (50 * MS, 30 * MS, world.processes[1].idle_ns)
    assert longer(world, 10, real=False).processes[1].estimate_ns == 300 * MS


def test_clients_and_other_settings_go_along() -> None:
    world = msgspec.structs.replace(
        scenario(process("a", "cpu 10ms"), policy="rr", quantum_ns=20 * MS),
        clients=[ClientSpec("ann", "127.0.0.1:9", every_ns=2 * MS, arrive_ns=3 * MS)],
        whatifs=[WhatIf("coarse", quantum_ns=80 * MS), WhatIf("two", cpus=2), WhatIf("fcfs", policy="fcfs")],
    )
    made = longer(world, 10)
    assert (made.clients[0].every_ns, made.clients[0].arrive_ns) == (20 * MS, 30 * MS)
    quanta = [whatif.applied(made).machine.quantum_ns for whatif in made.whatifs]
    assert quanta == [800 * MS, 200 * MS, 200 * MS]


@pytest.mark.parametrize(
    ("claim", "becomes"),
    [
        ("s.cpu < 300ms", "s.cpu < 3s"),
        ("makespan > 2 * 1.5s", None),  # with a real program in it, who knows
        ("ls.stood >= 50ms", "ls.stood >= 50ms"),
        ("s.cpu < 0.5 * ls.cpu", "s.cpu < 0.5 * ls.cpu"),
        ("utilisation > 50%", "utilisation > 50%"),
        ("operator set aging 100ms before s exits", "operator set aging 1s before s exits"),
    ],
)
def test_claims_about_times_are_stretched_or_not_made(claim: str, becomes: str | None) -> None:
    world = scenario(process("s", "cpu 10ms"), command("ls", "ls"))
    world.claims = [parse_claim(claim)]
    made = longer(world, 10, real=True).claims
    assert made == ([] if becomes is None else [parse_claim(becomes)])
