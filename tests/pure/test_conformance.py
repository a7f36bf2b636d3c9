"""The laws one by one, on runs told by hand; workloads that are generated, and made smaller."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from sandbox import policies, wording
from sandbox.analysis.conformance.divergence import diverge
from sandbox.analysis.conformance.examination import examine
from sandbox.analysis.conformance.laws import idle, judge, lost, slices, starved
from sandbox.analysis.conformance.shrink import shrink
from sandbox.analysis.conformance.trial import HOPELESS, Bound, Native, Quiet, Trial, attempt, enter, events_most
from sandbox.analysis.conformance.verdicts import (
    DETERMINISTIC,
    IDLE,
    LAWFUL,
    LAWS,
    LOST,
    SLICES,
    STARVED,
    Violation,
    likeness,
)
from sandbox.analysis.conformance.workloads import BOUND_NS, EXAMINED, worlds
from sandbox.model.commands import Kill, UsePolicy
from sandbox.model.events import (
    Admitted,
    Booted,
    Clause,
    Descheduled,
    Dispatched,
    Event,
    Exited,
    Figure,
    PolicyNote,
    Ready,
    Scheduling,
)
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.util.units import MS, US
from sandbox.wording import results
from tests.support.runs import mark
from tests.support.scenarios import process, scenario, simulate

WHY = Clause("head of the ready queue")
WORLD = scenario(policy=EXAMINED)
Told = tuple[float, str, Any]
WORLDS = "53cdc150be767d7f0e3fd26dfdcb93b605ef61b0aeef4fdc57b952a6a768ba4bc3a8bce6b6809530471235"


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
    found = idle(WORLD, run((0, "on", "a"), (10, "ends", "a"), (15, "noted", "b")))
    assert found is not None, "up to the very last event"
    assert found.t_ns == 10 * MS
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


def test_nobody_starves_up_to_the_bound_or_while_nobody_runs() -> None:
    """From when it became ready, not from the beginning; and to the nanosecond."""
    bound = BOUND_NS / MS
    late = [(0, "on", "b"), (100, "expired", "b"), (100, "on", "a")]
    assert starved(WORLD, run(*late, (100 + bound, "ends", "a"), (100 + bound, "on", "b"))) is None
    found = starved(WORLD, run(*late, (101 + bound, "ends", "a"), (101 + bound, "on", "b")))
    assert found is not None
    assert found.what == Clause("starved", {"name": "b", "since_ns": 100 * MS, "bound_ns": BOUND_NS})
    assert found.t_ns == 100 * MS + BOUND_NS
    idle_all_the_time = run((0, "on", "a"), (1, "ends", "a"), (bound + 9, "on", "b"), (bound + 10, "ends", "b"))
    assert starved(WORLD, idle_all_the_time) is None, "that is another law"


def test_a_cpu_is_idle_from_when_the_policy_decides() -> None:
    """Before it takes over, another one's idleness is not its own."""
    taken = [*run((0, "on", "a"), (5, "ends", "a"), (10, "on", "b"), (15, "expired", "b"))]
    taken += [Scheduling(15 * MS, "mine", {}, "arrival-first"), *run((20, "on", "b"), (30, "ends", "b"))[-3:]]
    world = scenario(policy="fcfs", script=[("15ms", UsePolicy(EXAMINED))])
    found = idle(world, taken)
    assert found is not None
    assert (found.what, found.t_ns) == (Clause("idle", {"cpu": 0, "names": "b", "for_ns": 5 * MS}), 15 * MS)
    assert idle(world, run((0, "on", "a"), (5, "ends", "a"), (10, "on", "b"), (15, "ends", "b"))) is None
    assert idle(world, run((0, "on", "a"), (5, "ends", "a"), (10, "noted", "b"))) is None, "it never took over"


def test_a_slice_may_be_just_as_long_as_it_must_and_as_it_was_granted() -> None:
    """A switch counts to the turn, and not to the slice."""
    assert slices(WORLD, run((0, "on", ("a", 0.1)), (0.1, "expired", "a"))) is None
    costly = scenario(policy=EXAMINED, switch_cost_ns=MS)
    assert slices(costly, run((0, "on", ("a", 5)), (6, "expired", "a"))) is None
    found = slices(costly, run((0, "on", ("a", 5)), (7, "expired", "a")))
    assert found is not None
    assert found.what == Clause("ran beyond its slice", {"name": "a", "slice_ns": 5 * MS, "figure_ns": 7 * MS})


class Moody(msgspec.Struct):
    """A candidate whose second run is another one."""

    events: list[Any]

    def again(self, world: Scenario, trial: Trial) -> list[Any]:
        return self.events


def test_two_runs_differ_where_they_first_do() -> None:
    other = run((0, "on", "a"), (10, "ends", "a"), (15, "on", "b"), (20, "ends", "b"))
    trial = Trial(GOOD, None)
    assert judge(DETERMINISTIC, Moody(list(GOOD)), WORLD, trial) is None  # type: ignore[arg-type]
    found = judge(DETERMINISTIC, Moody(other), WORLD, trial)  # type: ignore[arg-type]
    assert found == Violation(Clause("two runs differ"), 10 * MS)
    for again in (GOOD[:-1], [*GOOD, GOOD[-1]]):
        assert judge(DETERMINISTIC, Moody(list(again)), WORLD, trial) == Violation(Clause("two runs differ"), 20 * MS)  # type: ignore[arg-type]


def test_a_run_that_failed_breaks_the_law_of_values_and_may_break_that_of_slices() -> None:
    """What else it did says nothing of the policy."""
    failure = Violation(Clause("policy raises"), 3)
    bad = run((0, "on", ("a", 0.05)), (0.05, "expired", "a"))
    candidate: Any = Moody([])
    assert judge(LAWFUL, candidate, WORLD, Trial(bad, failure)) is failure
    assert judge(LAWFUL, candidate, WORLD, Trial(bad, None)) is None
    assert judge(LOST, candidate, WORLD, Trial(bad, None)) is not None
    assert [judge(law, candidate, WORLD, Trial(bad, failure)) for law in (LOST, IDLE, STARVED, DETERMINISTIC)] == [
        None
    ] * 4
    assert judge(SLICES, candidate, WORLD, Trial(bad, failure)) is not None


def test_a_run_without_end_is_ended_and_no_other_is_worth_trying() -> None:
    """1000 events, and three for each tenth of a millisecond of declared work, are more than there can be."""
    world = scenario(process("a", "cpu 1ms"), process("b", "io 1ms"), policy="rr")
    assert events_most(world) == 1_000 + 3 * 10
    jobs = [process("a", "cpu 1ms"), *(process(f"p{number}", "io 1ms", "cpu 0ms") for number in range(300))]
    trial = attempt(scenario(*jobs, policy="rr"))
    assert trial.failure is not None
    assert trial.failure.what == Clause("no end", {"number": 1_030})
    assert trial.failure.t_ns == trial.events[-1].t_ns
    assert len(trial.events) > 1_030
    assert trial.hopeless
    trial = attempt(scenario(*(process(f"p{number}", f"io {number}ms") for number in range(1, 400)), policy="rr"))
    assert trial.failure is not None
    last, before = trial.events[-1], trial.events[-2]
    assert last.t_ns > before.t_ns, "one exit an instant"
    assert trial.failure.t_ns == last.t_ns
    assert not Trial([], Violation(Clause("policy raises"), 0)).hopeless
    assert not Trial([], None).hopeless


def test_where_nothing_happens_but_the_timer_a_run_ends_after_two_thousand_times() -> None:
    """In a row: with anything that happens, the count begins anew."""
    bound = Bound(scenario(process("a", "cpu 1ms")))
    for happened in ([], [], ["event"], *[[]] * 2_000):
        bound.take(happened)
    with pytest.raises(Quiet):
        bound.take([])
    assert bound.events == ["event"]


@pytest.mark.parametrize("rule", [*HOPELESS, "two runs differ", "lost", "idle", "starved", "slice too short"])
def test_what_ends_an_examination_has_words(rule: str) -> None:
    """A rule without words would be shown as it is written here."""
    figures: dict[str, Figure] = dict.fromkeys(
        ("number", "limit_ns", "since_ns", "for_ns", "bound_ns", "slice_ns", "figure_ns", "cpu"), 1
    )
    texts: dict[str, Figure] = dict.fromkeys(("reason", "name", "names", "policy", "callback", "file", "code"), "x")
    assert rule in results._VIOLATIONS
    assert wording.violation(Clause(rule, {**figures, **texts, "line": 1})) not in ("", rule)


@pytest.mark.parametrize("name", [*LAWS, likeness("rr")])
def test_each_law_has_words(name: str) -> None:
    assert wording.law(name)
    assert likeness("rr") == "like rr"
    assert LAWS == ("lawful values", "nothing lost", "never idle", "no starvation", "deterministic", "right slices")


def test_whom_the_examined_policy_stands_for() -> None:
    """At boot with its own parameters, in the middle of a run with those that the world has."""
    boot = enter(scenario(policy=EXAMINED, quantum_ns=MS), "mine.py:Mine", {"x": 1}).machine
    assert (boot.policy, boot.parameters, boot.quantum_ns) == ("mine.py:Mine", {"x": 1}, MS)
    world = scenario(policy="fcfs", script=[("1ms", UsePolicy(EXAMINED)), ("2ms", UsePolicy("rr")), ("3ms", Kill("a"))])
    entered = enter(world, "mine.py:Mine", {"x": 1})
    assert (entered.machine.policy, entered.machine.parameters) == ("fcfs", {})
    assert [at.do for at in entered.script] == [UsePolicy("mine.py:Mine"), UsePolicy("rr"), Kill("a")]
    assert [at.time_ns for at in entered.script] == [1 * MS, 2 * MS, 3 * MS]


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


def test_workloads_are_the_same_in_every_version() -> None:
    """A report names the seed: whoever tries again shall try the same. Two characters stand for each world."""
    assert "".join(map(mark, worlds(1, 40))) == WORLDS


def test_workloads_are_small_and_on_a_grid_but_for_those_in_which_somebody_could_starve() -> None:
    """One to six processes of at most six stretches of 10 to 40 ms, and three worlds of ten seconds and more in which
    one with a hundredth of the bound as its burst must get its turn."""
    generated, long = worlds(1, 300)[:-3], worlds(1, 300)[-3:]
    assert len(generated) == 300
    assert {len(world.processes) for world in generated} == {*range(1, 7)}
    sizes = [sum(len(one.segments) for one in world.processes) + 4 * len(world.script) for world in generated]
    assert all(size <= later + 2 for size, later in pairwise(sizes)), "but for the number of CPUs"
    specs = [process for world in generated for process in world.processes]
    assert {segment.ns for process in specs for segment in process.segments if segment.kind != "until"} == {
        10 * MS, 20 * MS, 30 * MS, 40 * MS,
    }  # fmt: skip
    assert {len(process.work or []) for process in specs} == {*range(1, 7)}
    assert {process.arrive_ns for process in specs} == {0, 10 * MS, 20 * MS, 30 * MS, 50 * MS}
    assert {process.priority for process in specs} == {0, 1, 2, 3}
    assert {process.nice for process in specs} == {-5, 0, 5}
    assert {process.tickets for process in specs} == {50, 100, 200}
    assert {process.period_ns for process in specs} == {None, *range(50 * MS, 201 * MS, 10 * MS)}
    assert all(process.period_ns == process.deadline_ns for process in specs)
    assert {world.machine.quantum_ns for world in generated} == {None, 10 * MS, 20 * MS, 30 * MS}
    assert {at.time_ns for world in generated for at in world.script} == {*range(10 * MS, 81 * MS, 10 * MS)}
    for world in generated:
        taken_over = any(at.do == UsePolicy(EXAMINED) for at in world.script)
        assert world.machine.policy == ("fcfs" if taken_over else EXAMINED)
        assert all(
            at.do.who in {spec.name for spec in world.processes} for at in world.script if isinstance(at.do, Kill)
        )
    for world in long:
        assert world.machine.policy == EXAMINED
        (victim,) = [process for process in world.processes if process.name == "A"]
        assert victim.demand_ns in (BOUND_NS // 100, BOUND_NS // 50)
        assert sum(process.demand_ns or 0 for process in world.processes) > 2 * BOUND_NS - BOUND_NS // 50


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


def test_smaller_worlds_have_one_thing_less_and_the_greatest_reductions_come_first() -> None:
    """A command, half of the processes, each process, a CPU, what a process has beyond its work, its late arrival, its
    repetitions, its work, the quantum."""
    names = "PQRSTU"
    world = scenario(
        process("P", "cpu 40ms", "io 20ms", arrive="10ms", nice=5, repeat=5),
        *(process(name, "cpu 10ms") for name in names[1:]),
        script=[("10ms", Kill("Q")), ("20ms", UsePolicy(EXAMINED))],
        cpus=3,
        quantum_ns=20 * MS,
    )
    tried: list[Scenario] = []
    shrink(world, tried.append, "seen")
    named = ["".join(process.name for process in smaller.processes) for smaller in tried]
    assert named[:10] == [names, names, "PQR", "STU", "QRSTU", "PRSTU", "PQSTU", "PQRTU", "PQRSU", "PQRST"]
    scripts = [[at.do for at in smaller.script] for smaller in tried[:6]]
    both = [Kill("Q"), UsePolicy(EXAMINED)]
    assert scripts == [both[1:], both[:1], both, both[1:], both, both[1:]], "nobody kills one who is not there"
    assert [smaller.machine.cpus for smaller in tried[9:12]] == [3, 2, 3]
    simpler = [smaller.processes[0] for smaller in tried[11:]]
    work = [Segment("cpu", 40 * MS), Segment("io", 20 * MS)]
    assert simpler[0] == ProcessSpec("P", 10 * MS, work, repeat=5)
    assert (simpler[1].arrive_ns, simpler[1].nice, simpler[1].repeat) == (0, 5, 5)
    assert [spec.repeat for spec in simpler[2:4]] == [1, 2]
    assert [[(segment.kind, segment.ns // MS) for segment in spec.work or []] for spec in simpler[4:]][:6] == [
        [("io", 20)],
        [("cpu", 10), ("io", 20)],
        [("cpu", 20), ("io", 20)],
        [("cpu", 30), ("io", 20)],
        [("cpu", 40)],
        [("cpu", 40), ("io", 10)],
    ]
    assert tried[-2].machine.quantum_ns is None, "the last one is the world itself, its processes named anew"
    assert [process.name for process in tried[-1].processes] == [*"ABCDEF"]


def test_shrinking_ends_after_so_many_tries() -> None:
    """300 of them, or those that have 40000 stretches of work together; of more than 26 processes names stay."""
    crowd = scenario(*(process(f"p{number}", "cpu 90ms") for number in range(100)))
    tried: list[Scenario] = []
    shrink(crowd, tried.append, "seen")
    assert len(tried) == 300 + 1
    assert tried[-1] == crowd
    tried.clear()
    long = scenario(process("A", "cpu 20ms", "io 10ms", repeat=15_000), process("B", "cpu 10ms"))
    shrink(long, tried.append, "seen")
    tried.pop()
    stretches = [sum(len(process.segments) for process in world.processes) for world in tried]
    assert sum(stretches[:-1]) < 40_000 <= sum(stretches)


@pytest.mark.parametrize(("number", "first", "last"), [(26, "A", "Z"), (27, "p0", "p26")])
def test_there_are_names_for_as_many_as_there_are_letters(number: int, first: str, last: str) -> None:
    crowd = scenario(*(process(f"p{each}", "cpu 10ms") for each in range(number)))
    small, _ = shrink(crowd, lambda world: "seen" if len(world.processes) == number else None, "")
    assert (small.processes[0].name, small.processes[-1].name) == (first, last)


def test_smaller_work_is_work_in_whole_ns() -> None:
    tried: list[Scenario] = []
    shrink(scenario(process("A", "cpu 50ms"), process("B", "cpu 30ms", "io 70ms")), tried.append, "seen")
    assert all(process.work for world in tried for process in world.processes)
    assert {type(segment.ns) for world in tried for process in world.processes for segment in process.work or ()} == {
        int
    }


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
