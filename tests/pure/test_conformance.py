"""The laws one by one, on runs told by hand; workloads that are generated, and made smaller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox import policies
from sandbox.analysis.conformance.divergence import diverge
from sandbox.analysis.conformance.examination import examine
from sandbox.analysis.conformance.laws import idle, lost, slices, starved
from sandbox.analysis.conformance.shrink import shrink
from sandbox.analysis.conformance.trial import Native
from sandbox.analysis.conformance.verdicts import IDLE, LAWS, STARVED
from sandbox.analysis.conformance.workloads import BOUND_NS, EXAMINED, worlds
from sandbox.model.commands import Kill, UsePolicy
from sandbox.model.events import Admitted, Booted, Clause, Descheduled, Dispatched, Event, Exited, PolicyNote, Ready
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.util.units import MS, US
from tests.support.scenarios import process, scenario, simulate

WHY = Clause("head of the ready queue")
WORLD = scenario(policy=EXAMINED)
Told = tuple[float, str, Any]


def run(*told: Told) -> list[Event]:
    """A run, as (time in ms, what, who): everybody arrives at 0. ``on`` may give the slice in ms."""
    names = sorted({who if isinstance(who, str) else who[0] for _, _, who in told})
    pids = {name: pid for pid, name in enumerate(names, 1)}
    events: list[Event] = [Booted(0, "virtual", 1, "mine", {}, "arrival-first", "test")]
    for name, pid in pids.items():
        events += [Admitted(0, pid, name, "cpu"), Ready(0, pid, "admitted")]
    for time, what, who in told:
        at_ns = round(time * MS)
        name, slice_ms = who if isinstance(who, tuple) else (who, None)
        pid = pids[name]
        match what:
            case "on":
                events.append(Dispatched(at_ns, pid, 0, slice_ms and round(slice_ms * MS), WHY))
            case "expired":
                events += [Descheduled(at_ns, pid, 0, 0, "expired"), Ready(at_ns, pid, "expired")]
            case "ends":
                events += [Descheduled(at_ns, pid, 0, 0, "exited"), Exited(at_ns, pid, 0, None, 0, 0, 0)]
            case "noted":
                events.append(PolicyNote(at_ns, Clause("boosted"), pid))
    return events


GOOD = run((0, "on", "a"), (10, "ends", "a"), (10, "on", "b"), (20, "ends", "b"))


@pytest.mark.parametrize("law", [lost, idle, starved, slices])
def test_a_good_run_breaks_no_law(law: Callable[[Scenario, list[Event]], object]) -> None:
    assert law(WORLD, GOOD) is None
    assert law(WORLD, run()) is None


def test_lost_is_who_is_ready_at_the_end() -> None:
    found = lost(WORLD, run((0, "on", "a"), (10, "ends", "a"), (10, "noted", "b")))
    assert found is not None
    assert (found.what, found.t_ns) == (Clause("lost", {"name": "b", "since_ns": 0}), 0)


def test_idle_is_a_cpu_without_a_process_while_time_passes() -> None:
    found = idle(WORLD, run((0, "on", "a"), (10, "ends", "a"), (15, "on", "b"), (20, "ends", "b")))
    assert found is not None
    assert (found.what, found.t_ns) == (Clause("idle", {"cpu": 0, "names": "b", "for_ns": 5 * MS}), 10 * MS)
    two = scenario(policy=EXAMINED, cpus=2)
    found = idle(two, GOOD)
    assert found is not None
    assert found.what.figures["cpu"] == 1


def test_starved_is_who_waits_longer_than_the_bound_while_others_run() -> None:
    bound = BOUND_NS / MS
    assert (
        starved(WORLD, run((0, "on", "a"), (bound, "ends", "a"), (bound, "on", "b"), (bound + 1, "ends", "b"))) is None
    )
    found = starved(
        WORLD, run((0, "on", "a"), (bound + 1, "ends", "a"), (bound + 1, "on", "b"), (bound + 2, "ends", "b"))
    )
    assert found is not None
    assert (found.what.figures["name"], found.t_ns) == ("b", BOUND_NS)


def test_a_slice_is_long_enough_and_kept() -> None:
    found = slices(WORLD, run((0, "on", ("a", 0.05)), (0.05, "expired", "a")))
    assert found is not None
    assert found.what == Clause("slice too short", {"name": "a", "slice_ns": 50 * US, "figure_ns": 100 * US})
    beyond = [(0, "on", ("a", 5)), (6, "expired", "a")]
    found = slices(WORLD, run(*beyond))
    assert found is not None
    assert found.what == Clause("ran beyond its slice", {"name": "a", "slice_ns": 5 * MS, "figure_ns": 6 * MS})
    assert slices(WORLD, run(beyond[0], (2, "noted", "a"), beyond[1])) is None, "the policy began it anew"


def test_what_is_left_of_a_slice_may_be_short() -> None:
    world = scenario(
        process("a", "cpu 30ms"), process("b", "cpu 5ms", arrive="9.99ms"), policy="rr", quantum_ns=10 * MS
    )
    assert slices(world, simulate(world)) is None


# Workloads


def test_workloads_are_the_same_for_the_same_seed_and_small_ones_come_first() -> None:
    assert worlds(1, 100) == worlds(1, 100)
    assert worlds(1, 100) != worlds(2, 100)
    sizes = [len(world.processes) for world in worlds(1, 100)]
    assert max(sizes[:10]) < max(sizes[50:100])


def test_workloads_hold_what_policies_stumble_over() -> None:
    generated = worlds(1, 500)
    deeds = [type(at.do) for world in generated for at in world.script]
    assert {Kill, UsePolicy} == set(deeds)
    assert {world.machine.cpus for world in generated} == {1, 2, 3}
    arrivals = [[process.arrive_ns for process in world.processes] for world in generated]
    assert any(times.count(time) > 1 for times in arrivals for time in times if time > 0), "two at one instant"


def test_what_is_shown_is_as_small_as_it_can_be() -> None:
    big = scenario(
        process("A", "cpu 40ms", "io 10ms", "cpu 40ms", priority=3),
        process("B", "cpu 30ms", arrive="20ms"),
        process("C", "cpu 20ms"),
        script=[("10ms", Kill("C"))],
        cpus=3,
        quantum_ns=20 * MS,
    )

    def more_than_two_bursts(world: Scenario) -> int | None:
        bursts = sum(segment.kind == "cpu" for spec in world.processes for segment in spec.segments)
        return bursts if bursts >= 2 else None

    small, seen = shrink(big, more_than_two_bursts, 4)
    assert seen == 2
    burst = [Segment("cpu", 10 * MS)]
    assert small.processes == [ProcessSpec("A", 0, burst), ProcessSpec("B", 0, burst)]
    assert (small.script, small.machine.cpus, small.machine.quantum_ns) == ([], 1, None)


def test_who_is_killed_keeps_his_name_or_loses_his_killer() -> None:
    world = scenario(process("P", "cpu 10ms"), process("Q", "cpu 10ms"), script=[("5ms", Kill("Q"))])
    small, _ = shrink(world, lambda smaller: len(smaller.script) or None, 1)
    assert [process.name for process in small.processes] == ["A"]
    assert [at.do for at in small.script] == [Kill("A")]


def test_nothing_smaller_is_the_world_itself() -> None:
    world = scenario(process("A", "cpu 40ms"))
    assert shrink(world, lambda smaller: None, "seen") == (world, "seen")


# Divergence


def test_two_policies_diverge_where_another_process_gets_the_cpu() -> None:
    world = scenario(process("a", "cpu 30ms"), process("b", "cpu 30ms"), quantum_ns=20 * MS)
    under_rr, under_fcfs = simulate(world), simulate(scenario(*world.processes, policy="fcfs"))
    found = diverge(under_rr, under_fcfs)
    assert found is not None
    assert (found.what, found.t_ns) == (Clause("decides otherwise", {"ours": "b", "theirs": "a"}), 20 * MS)
    assert diverge(under_rr, under_rr) is None


def test_slices_of_one_turn_are_no_divergence() -> None:
    alone = process("a", "cpu 30ms")
    ours, theirs = simulate(scenario(alone, quantum_ns=5 * MS)), simulate(scenario(alone, policy="fcfs"))
    assert ours != theirs
    assert diverge(ours, theirs) is None


def test_one_that_lets_a_cpu_idle_diverges_from_one_that_does_not() -> None:
    late = run((0, "on", "a"), (10, "ends", "a"), (15, "on", "b"), (25, "ends", "b"))
    found = diverge(late, GOOD)
    assert found is not None
    assert (found.what.figures, found.t_ns) == ({"ours": "nobody", "theirs": "b"}, 10 * MS)


@pytest.mark.parametrize("name", policies.names())
def test_every_built_in_policy_keeps_every_law_that_it_does_not_disclaim(name: str) -> None:
    policy = policies.build(MachineSpec(policy=name))
    declared = [law for law, says in ((IDLE, policy.idles), (STARVED, policy.starves)) if says]
    native = Native(name, name, declared=declared)
    verdicts = {verdict.law: verdict for verdict in examine(native, None, worlds(3, 100), lambda number: None)}
    assert set(verdicts) == set(LAWS)
    assert [law for law, verdict in verdicts.items() if verdict.state not in ("holds", "declared")] == []
