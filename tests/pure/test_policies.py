"""What each policy promises beyond the textbooks' tables: shares, estimates, aging, boosts, deadlines, reasons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from sandbox import policies, wording
from sandbox.model.commands import Kill
from sandbox.model.events import (
    Descheduled,
    DescheduledReason,
    Dispatched,
    Event,
    Exited,
    PolicyNote,
    ReadyReason,
    decode,
    encode,
)
from sandbox.model.spec import ProcessSpec
from sandbox.model.values import BadValue
from sandbox.policies.base import Policy, Task
from sandbox.policies.common.ranking import Ranking
from sandbox.policies.common.tickets import TicketPool
from sandbox.policies.common.weights import weight
from sandbox.policies.rr import RoundRobin
from sandbox.util.units import MS, US, S
from sandbox.wording import policies as choices
from sandbox.wording.policies import rule_and_rest
from tests.support.guide import section
from tests.support.scenarios import exits, gantt, names, process, scenario, simulate, whole

#: Linux's share of a nice 0 process beside one of these nice values.
SHARES = {1: 0.5553, 3: 0.6606, 5: 0.7535, 10: 0.9030}


def used_ns(events: list[Event], until_ns: int) -> dict[str, int]:
    """The CPU time that each process had used by then; slices that end later count in part."""
    called, used = names(events), dict[str, int]()
    since: dict[int, int] = {}
    for event in events:
        if isinstance(event, Dispatched):
            since[event.pid] = event.t_ns
        elif isinstance(event, Descheduled):
            name = called[event.pid]
            used[name] = used.get(name, 0) + max(min(event.t_ns, until_ns) - since[event.pid], 0)
    return used


def notes(events: list[Event], rule: str) -> list[tuple[float, str | None, dict[str, Any]]]:
    """(ms, name, figures) of the policy's own moves of one kind."""
    called = names(events)
    return [
        (event.t_ns / MS, called.get(event.pid or 0), dict(event.note.figures))
        for event in events
        if isinstance(event, PolicyNote) and event.note.rule == rule
    ]


def whys(events: list[Event]) -> list[tuple[str, str, dict[str, Any]]]:
    """(name, rule, figures) of every decision."""
    called = names(events)
    return [
        (called[event.pid], event.why.rule, dict(event.why.figures))
        for event in events
        if isinstance(event, Dispatched)
    ]


# All of them


@pytest.mark.parametrize("name", policies.names())
def test_each_says_its_rule_when_it_is_bad_and_what_its_parameters_are(name: str) -> None:
    kind = policies.find(name)
    rule, bad = rule_and_rest(kind.__doc__)
    assert rule.endswith(".")
    assert bad.startswith("Bad when")
    for parameter in kind.declared():
        assert parameter.says
        assert parameter.kind.range()
        value = parameter.kind.read(parameter.default)
        assert parameter.kind.parse(parameter.kind.write(value)) == value


@pytest.mark.parametrize("name", policies.names())
def test_each_reason_and_note_has_words_and_travels_as_json(name: str) -> None:
    jobs = [
        process("a", "cpu 25ms", "io 9ms", "cpu 30ms", period_ns=70 * MS, deadline_ns=40 * MS, repeat=3),
        process("b", "cpu 60ms", "io 200ms", "cpu 9ms", priority=2, nice=5),
        process("c", "cpu 45ms", arrive="7ms", tickets=20, repeat=2, period_ns=80 * MS),
    ]
    parameters = {
        "mlfq": {"boost": "50ms", "io_bump": True},
        "priority": {"aging": "5ms"},
        "sjf": {"knows": "estimate"},
        "srtf": {"knows": "estimate"},
        "hrrn": {"knows": "estimate"},
    }.get(name, {})
    events = simulate(scenario(*jobs, policy=name, parameters=parameters))
    assert [decode(encode(event)) for event in events] == events
    called = names(events)
    for event in events:
        if isinstance(event, Dispatched):
            assert event.why.rule in choices._RULES
        if isinstance(event, PolicyNote):
            assert event.note.rule in choices._NOTES
        assert "{" not in wording.sentence(event, called)


def test_a_task_of_which_nothing_is_said_is_an_ordinary_one() -> None:
    """As whoever tries a policy of their own makes it: nice 0, 100 tickets, no deadline, nothing used yet."""
    task = Task(3, "a", 7)
    assert (task.pid, task.name, task.order, task.arrived_ns, task.since_ns) == (3, "a", 3, 7, 7)
    assert (task.priority, task.nice, task.tickets, task.cpu_ns, task.before_ns) == (0, 0, 100, 0, 0)
    for unknown in (
        "demand_ns",
        "period_ns",
        "deadline_ns",
        "estimate_ns",
        "burst_ns",
        "due_ns",
        "stopped",
        "left_ns",
        "data",
    ):
        assert getattr(task, unknown) is None, unknown
    assert (Task(3, "a", 7, 0).order, repr(task)) == (0, "<3 a>")
    task.own = 5
    assert (task.data, task.own) == (5, 5)


def test_a_policy_of_ones_own_finds_all_that_it_needs_in_one_place() -> None:
    """What the hint to a moved import may name, and the command ``from sandbox.policies import *`` gives."""
    assert {*policies.__all__} >= {"Policy", "Task", "Parameter", "Duration", "Whole", "Clause", "Queue", "Ranked"}
    assert [name for name in policies.__all__ if not hasattr(policies, name)] == []


class Installed(Policy):
    """Nothing special."""

    name = "installed"


class EntryPoint:
    """What an installed package declares."""

    def __init__(self, name: str, loaded: object) -> None:
        self.name, self.loaded = name, loaded

    def load(self) -> object:
        return self.loaded


def test_installed_policies_go_by_name_after_the_built_in_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("installed", Installed), EntryPoint("rr", Installed), EntryPoint("broken", 3)]
    monkeypatch.setattr(policies, "_installed", lambda: points)
    assert policies.names() == [*policies.BUILT_IN, "installed", "broken"]
    assert policies.find("installed") is Installed
    assert policies.find("rr") is RoundRobin
    for name, rule in (("instaled", "no such policy"), ("broken", "not a policy")):
        with pytest.raises(BadValue) as bad:
            policies.find(name)
        ((_, what),) = bad.value.faults
        assert what.rule.startswith(rule)
        if name == "instaled":
            allowed = " | ".join(policies.names())
            assert what.figures == {"value": "instaled", "allowed": allowed, "hint": "installed"}


@pytest.mark.parametrize("name", policies.names())
def test_with_nobody_ready_nobody_is_picked_and_who_is_removed_is_not_picked(name: str) -> None:
    policy, task = policies.find(name)(), Task(1, "a")
    assert policy.pick(0, 0) is None
    policy.enqueue(task, "admitted", 0)
    assert policy.pick(0, 0) is task
    other = Task(2, "b")
    policy.enqueue(other, "admitted", 0)
    policy.remove(other)
    assert policy.pick(0, 0) is None
    assert Policy().pick(0, 0) is None


def test_only_those_disclaim_a_law_that_cannot_keep_it() -> None:
    """None of ours lets a CPU stand idle. Who goes by a rank that others may always be ahead in keeps no promise that
    everybody runs: the shortest, the most important, the nearest deadline, the highest queue; without aging or boosts."""
    made = {name: policies.find(name)() for name in policies.names()}
    assert not any(policy.idles for policy in made.values())
    assert {policy.seed for policy in made.values()} == {1}
    assert {policies.find(name)(seed=5).seed for name in policies.names()} == {5}
    assert {name for name, policy in made.items() if policy.starves} == {
        "sjf", "srtf", "priority", "mlfq", "feedback", "edf", "rm",
    }  # fmt: skip
    assert not policies.find("priority")({"aging": "10ms"}).starves
    assert not policies.find("mlfq")({"boost": "1s"}).starves


@pytest.mark.parametrize("name", [name for name in policies.names() if name != "lottery"])
def test_who_is_killed_before_it_ran_leaves_no_trace(name: str) -> None:
    """All goes on as if it had never been there, and whoever comes later begins where it would have begun."""
    jobs = [
        process("a", "cpu 40ms", "io 9ms", "cpu 20ms", period_ns=200 * MS),
        process("b", "cpu 50ms", nice=2, period_ns=300 * MS),
        process("late", "cpu 20ms", "io 15ms", "cpu 20ms", arrive="25ms", period_ns=400 * MS),
    ]
    gone = process("gone", "cpu 60ms", nice=3, tickets=30, priority=1, period_ns=500 * MS)
    parameters: dict[str, object] = (
        {"latency": "1ms"} if name == "fair" else {}
    )  # slices are 3 ms, however many there are
    alone = simulate(scenario(*jobs, policy=name, parameters=parameters))
    events = simulate(scenario(*jobs, gone, policy=name, parameters=parameters, script=[("1ms", Kill("gone"))]))
    assert gantt(events) == gantt(alone)
    assert whys(events) == whys(alone)
    assert exits(events)["gone"].cpu_ns == 0


def test_weights_are_those_of_linux() -> None:
    """``sched_prio_to_weight``, from nice -20 to 19: each step is worth about a tenth of a CPU."""
    task, weights = Task(1, "a"), []
    for task.nice in range(-20, 20):
        weights.append(weight(task))
    assert weights == [
        88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
        9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
        1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
        110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
    ]  # fmt: skip


def test_fair_divides_its_latency_among_those_that_are_there() -> None:
    """Three of equal weight have a third of 24 ms each; when one of them is killed, and when one blocks, the others have
    half; one of nice 5 has 335 of 335 + 1024 parts."""

    def granted(*jobs: ProcessSpec, **more: Any) -> list[tuple[float, float]]:
        events = simulate(scenario(*jobs, policy="fair", **more))
        return [(event.t_ns / MS, (event.slice_ns or 0) / MS) for event in events if isinstance(event, Dispatched)]

    three = [process(name, "cpu 100ms") for name in "abc"]
    assert granted(*three)[:4] == [(0, 8), (8, 8), (16, 8), (24, 8)]
    assert granted(*three, script=[("1ms", Kill("c"))])[:3] == [(0, 8), (8, 12), (20, 12)]
    assert granted(*three[:2], process("c", "cpu 1ms", "io 500ms"))[:4] == [(0, 8), (8, 8), (16, 8), (17, 12)]
    nice = granted(process("a", "cpu 50ms", nice=5), process("b", "cpu 50ms"))
    assert nice[0][1] == pytest.approx(24 * 335 / (335 + 1024), abs=1e-3)


def test_all_that_is_wrong_with_parameters_is_told_at_once() -> None:
    with pytest.raises(BadValue) as bad:
        policies.find("mlfq")({"boost": "soon", "quanta": ["5ms", "9"], "colour": 3})
    assert {where for where, _ in bad.value.faults} == {".boost", ".quanta[2]", ".colour"}


#: The rule of each and, from its definition, who is chosen by which figure, in ms.
REASONS = {
    "edf": ("earliest deadline", [("b", 40), ("a", 50), ("a", 100)]),
    "rm": ("shortest period", [("a", 50), ("b", 90), ("a", 50)]),
    "sjf": ("shortest next burst", [("c", 10), ("a", 20), ("b", 30), ("a", 20)]),
    "srtf": ("least remaining time", [("c", 10), ("a", 20), ("b", 30), ("a", 20)]),
    "fair": ("least virtual runtime", [("a", 0), ("b", 0), ("c", 0), ("a", 8), ("b", 8), ("c", 8), ("a", 16)]),
    "eevdf": ("earliest virtual deadline", [("a", 3), ("b", 3), ("c", 3), ("a", 6), ("b", 6), ("c", 6)]),
}


@pytest.mark.parametrize("name", REASONS)
def test_each_decision_is_told_with_what_it_was_decided_by(name: str) -> None:
    jobs = [
        process("a", "cpu 20ms", period_ns=50 * MS, repeat=2),
        process("b", "cpu 30ms", period_ns=90 * MS, deadline_ns=40 * MS),
        process("c", "cpu 10ms"),
    ]
    told = whys(simulate(scenario(*jobs, policy=name)))
    rule, chosen = REASONS[name]
    by_rule = [(who, next(iter(figures.values())) // MS) for who, why, figures in told if why == rule]
    assert by_rule[: len(chosen)] == chosen
    if name in ("edf", "rm"):
        assert told[-1] == ("c", {"edf": "no deadline is left", "rm": "no period is left"}[name], {})


def test_hrrn_compares_how_long_each_waited_beside_its_burst() -> None:
    jobs = [process("a", "cpu 20ms"), process("b", "cpu 30ms"), process("c", "cpu 10ms")]
    assert whys(simulate(scenario(*jobs, policy="hrrn"))) == [
        ("a", "highest response ratio", {"ratio": 1.0, "waited_ns": 0, "burst_ns": 20 * MS}),
        ("c", "highest response ratio", {"ratio": 3.0, "waited_ns": 20 * MS, "burst_ns": 10 * MS}),
        ("b", "highest response ratio", {"ratio": 2.0, "waited_ns": 30 * MS, "burst_ns": 30 * MS}),
    ]


# Bursts known and guessed


def test_sjf_goes_by_the_next_burst_not_by_all_the_work() -> None:
    jobs = [
        process("many short", "cpu 10ms", "io 1ms", "cpu 10ms", "io 1ms", "cpu 50ms"),
        process("one long", "cpu 30ms"),
    ]
    assert [name for name, _, _ in gantt(simulate(scenario(*jobs, policy="sjf")))][:2] == ["many short", "one long"]


@pytest.mark.parametrize("name", ["sjf", "srtf", "hrrn"])
def test_estimates_are_exponential_averages(name: str) -> None:
    job = process("a", "cpu 10ms", "io 5ms", "cpu 20ms", "io 5ms", "cpu 40ms", "io 5ms", "cpu 1ms", estimate_ns=30 * MS)
    world = scenario(job, policy=name, parameters={"knows": "estimate", "alpha": 0.25})
    updates = [figures for _, _, figures in notes(simulate(world), "estimate updated")]
    assert [figures["burst_ns"] // MS for figures in updates] == [10, 20, 40]
    assert [figures["before_ns"] / MS for figures in updates] == [30, 25, 23.75]
    assert [figures["estimate_ns"] / MS for figures in updates] == [25, 23.75, 27.8125]


def test_what_declares_nothing_is_estimated_and_what_declares_is_believed() -> None:
    jobs = [
        ProcessSpec("program", command=["x"], estimate_ns=20 * MS),
        process("known", "cpu 30ms"),
        process("shorter", "cpu 10ms"),
    ]
    events = simulate(scenario(*jobs, policy="sjf"))
    assert [(name, rule) for name, rule, _ in whys(events)] == [
        ("shorter", "shortest next burst"),
        ("program", "shortest estimated burst"),
        ("known", "shortest next burst"),
    ]


def test_a_first_guess_is_the_parameter() -> None:
    world = scenario(
        process("a", "cpu 10ms", "io 1ms", "cpu 1ms"), policy="sjf", parameters={"knows": "estimate", "guess": "8ms"}
    )
    assert whys(simulate(world))[0] == ("a", "shortest estimated burst", {"burst_ns": 8 * MS})


def test_srtf_counts_what_the_running_one_has_done_already() -> None:
    jobs = [process("long", "cpu 50ms"), process("short", "cpu 20ms", arrive="35ms")]
    assert gantt(simulate(scenario(*jobs, policy="srtf"))) == [("long", 0, 50), ("short", 50, 70)]


def test_hrrn_says_the_ratio() -> None:
    jobs = [process("first", "cpu 60ms"), process("long", "cpu 40ms"), process("short", "cpu 20ms", arrive="30ms")]
    reason = whys(simulate(scenario(*jobs, policy="hrrn")))[1]
    assert reason == ("long", "highest response ratio", {"ratio": 2.5, "waited_ns": 60 * MS, "burst_ns": 40 * MS})


# Priorities


def test_aging_is_told_and_ends_when_the_process_has_had_the_cpu() -> None:
    jobs = [process("urgent", "cpu 50ms"), process("patient", "cpu 30ms", priority=2)]
    events = simulate(scenario(*jobs, policy="priority", parameters={"aging": "10ms"}))
    aged = [(at, figures) for at, name, figures in notes(events, "aged") if name == "patient"]
    assert aged[:3] == [
        (10, {"before": 2, "after": 1}),
        (20, {"before": 1, "after": 0}),
        (30, {"before": 0, "after": -1}),
    ]
    assert gantt(events)[:2] == [("urgent", 0, 30), ("patient", 30, 50)]
    assert ("patient", "best priority by age", {"priority": -1, "own": 2}) in whys(events)
    assert aged[3] == (60, {"before": 2, "after": 1}), "after its turn it begins again at its own"


@pytest.mark.parametrize("larger", [False, True])
def test_aging_goes_on_while_one_waits_and_begins_anew_when_it_has_had_the_cpu(larger: bool) -> None:
    """The low one waits from 0 on, each 10 ms make it better by one: at 30 ms it passes the running one; this has passed
    it in turn at 50 ms, when the low one, having had the CPU, is what it was."""
    sign = -1 if larger else 1
    jobs = [process("high", "cpu 60ms", priority=0), process("low", "cpu 30ms", priority=2 * sign)]
    parameters: dict[str, object] = {"aging": "10ms", "larger": larger}
    events = simulate(scenario(*jobs, policy="priority", parameters=parameters))
    aged = [
        (at, name, figures["before"] * sign, figures["after"] * sign) for at, name, figures in notes(events, "aged")
    ]
    assert aged[:3] == [(10, "low", 2, 1), (20, "low", 1, 0), (30, "low", 0, -1)]
    assert aged[3:6] == [(40, "high", 0, -1), (50, "high", -1, -2), (60, "low", 2, 1)]
    assert gantt(events) == [("high", 0, 30), ("low", 30, 50), ("high", 50, 80), ("low", 80, 90)]


def test_with_aging_nobody_starves_and_without_it_one_does() -> None:
    """A stream of urgent jobs fills the CPU; ten steps of priority are ten steps of aging."""
    stream = [process(f"urgent{index}", "cpu 10ms", arrive=f"{index * 10}ms") for index in range(60)]
    patient = process("patient", "cpu 10ms", priority=10)
    for aging, most_ms in (("0ms", 610), ("20ms", 210)):
        events = simulate(scenario(*stream, patient, policy="priority", parameters={"aging": aging}))
        assert exits(events)["patient"].t_ns / MS == most_ms


# Multilevel queues


def test_a_boost_ends_starvation() -> None:
    """Short jobs keep the top queue busy; the long one gets the CPU again after boosts only."""
    stream = [process(f"short{index}", "cpu 10ms", arrive=f"{20 + index * 10}ms") for index in range(60)]
    parameters: dict[str, Any] = {"quanta": ["10ms", "20ms"]}
    starved = simulate(scenario(process("long", "cpu 200ms"), *stream, policy="mlfq", parameters=parameters))
    assert used_ns(starved, 600 * MS)["long"] == 20 * MS
    boosted = simulate(
        scenario(process("long", "cpu 200ms"), *stream, policy="mlfq", parameters={**parameters, "boost": "50ms"})
    )
    assert used_ns(boosted, 600 * MS)["long"] >= 60 * MS
    assert [at for at, _, _ in notes(boosted, "boosted")][:3] == [50, 100, 150]


def test_moving_down_is_told() -> None:
    events = simulate(scenario(process("a", "cpu 100ms"), policy="mlfq"))
    assert notes(events, "demoted") == [(10, "a", {"from": 0, "to": 1}), (30, "a", {"from": 1, "to": 2})]


def test_a_boost_that_is_noticed_late_does_not_shift_the_next_ones() -> None:
    """Taken over at 3 ms, with one each 10 ms: at 13, 23, 33 ms, though that of 23 ms is called at 25."""
    policy = policies.find("mlfq")({"boost": "10ms"})
    policy.start(3 * MS)
    assert policy.timer_ns == 13 * MS
    policy.timer(25 * MS)
    assert policy.timer_ns == 33 * MS
    policy.timer(33 * MS)
    assert policy.timer_ns == 43 * MS


def test_who_comes_from_io_goes_to_the_head_of_its_queue_and_that_is_told() -> None:
    """It falls to queue 1 at 10 ms, computes 5 ms more there, and is back from its I/O while the others of queue 1 wait:
    it is before them then, and behind them without the bump."""
    jobs = [process("io", "cpu 15ms", "io 5ms", "cpu 5ms"), process("b", "cpu 40ms"), process("c", "cpu 40ms")]
    levels = {"quanta": ["10ms", "10ms"]}
    bumped = simulate(scenario(*jobs, policy="mlfq", parameters={**levels, "io_bump": True}))
    assert notes(bumped, "bumped") == [(40, "io", {"level": 1})]
    begun = [("io", 0, 10), ("b", 10, 20), ("c", 20, 30), ("io", 30, 35), ("b", 35, 45)]
    assert gantt(bumped)[:5] == [*begun[:4], ("b", 35, 40)]
    assert gantt(bumped)[5:7] == [("io", 40, 45), ("b", 45, 50)]
    plain = simulate(scenario(*jobs, policy="mlfq", parameters=levels))
    assert notes(plain, "bumped") == []
    assert gantt(plain)[:7] == [*begun, ("c", 45, 55), ("io", 55, 60)]


def test_fewer_levels_in_the_middle_of_a_run_leave_nobody_behind() -> None:
    from sandbox.model.commands import Tune

    jobs = [process("a", "cpu 100ms"), process("b", "cpu 40ms", "io 100ms", "cpu 40ms"), process("c", "cpu 100ms")]
    script = [("95ms", Tune("quanta", "5ms"))]
    events = simulate(scenario(*jobs, policy="mlfq", script=script, parameters={"quanta": ["10ms", "10ms", "10ms"]}))
    assert {end.status for end in exits(events).values()} == {0}
    later = [event for event in events if isinstance(event, Dispatched) and event.t_ns > 100 * MS]
    assert {event.slice_ns for event in later} == {5 * MS}


# Shares


def shared(policy: str, *jobs: ProcessSpec, seconds: int = 20, **parameters: Any) -> dict[str, float]:
    """Each process's share of the CPU time that all of them got in so many seconds."""
    used = used_ns(simulate(scenario(*jobs, policy=policy, parameters=parameters)), seconds * S)
    return {name: cpu_ns / sum(used.values()) for name, cpu_ns in used.items()}


@pytest.mark.parametrize("policy", ["fair", "eevdf"])
@pytest.mark.parametrize("nice", SHARES)
def test_shares_follow_linux_weights(policy: str, nice: int) -> None:
    shares = shared(policy, process("a", "cpu 20s"), process("b", "cpu 20s", nice=nice))
    assert shares["a"] == pytest.approx(SHARES[nice], abs=0.005 * SHARES[nice])


@pytest.mark.parametrize("policy", ["fair", "eevdf"])
@pytest.mark.parametrize("nice", SHARES)
def test_shares_follow_linux_weights_among_sleepers(policy: str, nice: int) -> None:
    """Sleepers take what they need, less than their share; the two that always want the CPU share the rest."""
    sleepers = [
        process("often", "cpu 1ms", "io 9ms", repeat=2000),
        process("seldom", "cpu 20ms", "io 700ms", repeat=28),
        process("once", "io 5s", "cpu 1s", arrive="3s"),
    ]
    used = shared(policy, process("a", "cpu 20s"), process("b", "cpu 20s", nice=nice), *sleepers)
    assert used["a"] / (used["a"] + used["b"]) == pytest.approx(SHARES[nice], abs=0.005 * SHARES[nice])
    assert used["often"] > 0.08


@pytest.mark.parametrize("policy", ["fair", "eevdf"])
def test_one_that_sleeps_but_wants_its_share_gets_it(policy: str) -> None:
    shares = shared(policy, process("hog", "cpu 20s"), process("sleeper", "cpu 30ms", "io 2ms", repeat=700))
    assert shares["sleeper"] > 0.45


@pytest.mark.parametrize("policy", ["fair", "eevdf", "stride"])
def test_who_slept_long_does_not_take_the_cpu_for_long(policy: str) -> None:
    """After five seconds of sleep, the other one gets its next turn within a fraction of a second."""
    jobs = [process("hog", "cpu 10s"), process("sleeper", "cpu 1ms", "io 5s", "cpu 5s")]
    events = simulate(scenario(*jobs, policy=policy))
    longest = max(end - start for name, start, end in gantt(events) if name == "sleeper")
    assert longest <= 50


@pytest.mark.parametrize("latency", [24, 40])
def test_who_slept_has_at_most_half_a_latency_of_credit(latency: int) -> None:
    """When the sleeper comes back after 500 ms, the other one, alone, was last picked after so many whole latencies; the
    sleeper begins half of one behind that, however little it has run before."""
    jobs = [process("sleeper", "cpu 10ms", "io 500ms", "cpu 50ms"), process("hog", "cpu 1s")]
    events = simulate(scenario(*jobs, policy="fair", parameters={"latency": f"{latency}ms"}))
    floor_ms = 500 // latency * latency
    (note,) = notes(events, "credit limited")
    assert note == (510, "sleeper", {"before_ns": 10 * MS, "after_ns": (floor_ms - latency // 2) * MS})
    assert ("sleeper", "least virtual runtime", {"vruntime_ns": note[2]["after_ns"]}) in whys(events)


@pytest.mark.parametrize("policy", ["fair", "eevdf"])
def test_shares_follow_linux_weights_on_two_cpus(policy: str) -> None:
    jobs = [process(name, "cpu 20s", nice=nice) for name, nice in (("a", 0), ("b", 0), ("c", 5), ("d", 5))]
    used = used_ns(simulate(scenario(*jobs, policy=policy, cpus=2)), 10 * S)
    assert used["a"] / (used["a"] + used["c"]) == pytest.approx(SHARES[5], abs=0.01)


def test_eevdf_grants_whole_requests_and_what_is_left_of_them() -> None:
    jobs = [process(f"nice {nice}", "cpu 200ms", nice=nice) for nice in (-7, 0, 3, 11)]
    events = simulate(scenario(*jobs, policy="eevdf"))
    assert {event.slice_ns for event in events if isinstance(event, Dispatched)} == {3 * MS}
    events = simulate(scenario(*jobs, process("io", "cpu 700us", "io 5ms", repeat=20), policy="eevdf"))
    left_ns: dict[int, int | None] = {}
    for event in events:
        if isinstance(event, Dispatched):
            assert event.slice_ns == left_ns.pop(event.pid, None) or event.slice_ns == 3 * MS
            granted_ns = event.slice_ns
        elif isinstance(event, Descheduled) and event.reason == "preempted" and granted_ns is not None:
            left_ns[event.pid] = granted_ns - event.ran_ns


@pytest.mark.parametrize(
    ("used_us", "left_us", "stopped", "wants_us"),
    [
        (2_900, 0, "expired", 3_000),  # others had the CPU in the meantime: the slice has ended all the same
        (3_100, 1, "preempted", 3_000),  # it ran on for a moment
        (3_000, 0, "blocked", 3_000),
        (1_000, 2_000, "preempted", 2_000),
    ],
)
def test_eevdf_asks_anew_when_a_request_is_met_or_its_slice_has_ended(
    used_us: int, left_us: int, stopped: DescheduledReason, wants_us: int
) -> None:
    policy, task = policies.find("eevdf")(), Task(1, "a")
    policy.enqueue(task, "admitted", 0)
    assert policy.pick(0, 0) is task
    assert policy.slice(task) == 3_000 * US
    task.cpu_ns, task.left_ns, task.stopped = used_us * US, left_us * US, stopped
    policy.stopping(task, used_us * US, 3_100 * US)
    policy.enqueue(task, "woke" if stopped == "blocked" else "preempted", 3_100 * US)
    assert policy.slice(task) == wants_us * US


def test_srtf_has_nothing_left_of_a_burst_that_is_longer_than_it_was_thought_to_be() -> None:
    policy, task = policies.find("srtf")({"knows": "estimate"}), Task(1, "a")
    task.estimate_ns, task.before_ns, task.cpu_ns = 5, 100, 103
    policy.enqueue(task, "preempted", 0)
    assert policy.why(task).figures["remaining_ns"] == 2
    task.cpu_ns = 110
    assert policy.why(task).figures["remaining_ns"] == 0


def test_eevdf_bounds_how_far_anybody_is_from_its_share() -> None:
    """Of three equals, none is ever more than a quantum or so ahead or behind."""
    events = simulate(scenario(*(process(name, "cpu 2s") for name in "abc"), policy="eevdf"))
    for at_ms in range(10, 5000, 250):
        used = used_ns(events, at_ms * MS)
        assert max(used.values()) - min(used.get(name, 0) for name in "abc") <= 6 * MS


def test_lottery_shares_follow_tickets_and_the_seed_repeats_them() -> None:
    jobs = [process("a", "cpu 10s", tickets=75), process("b", "cpu 10s", tickets=25)]
    for seed in range(5):
        events = simulate(scenario(*jobs, policy="lottery", seed=seed, parameters={"quantum": "1ms"}))
        used = used_ns(events, 10 * S)
        # Four standard deviations of ten thousand draws.
        assert used["a"] / (10 * S) == pytest.approx(0.75, abs=4 * (0.75 * 0.25 / 10_000) ** 0.5)


def test_lottery_repeats_itself_by_seed_only() -> None:
    jobs = [process(name, "cpu 500ms", tickets=tickets) for name, tickets in (("a", 1), ("b", 2), ("c", 3))]
    runs = [gantt(simulate(scenario(*jobs, policy="lottery", seed=seed))) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_who_is_drawn_holds_the_ticket() -> None:
    jobs = [process(name, "cpu 200ms", "io 15ms", repeat=3, tickets=3 + 4 * index) for index, name in enumerate("abcd")]
    events = simulate(scenario(*jobs, policy="lottery"))
    for name, _, figures in whys(events):
        assert figures["first"] <= figures["ticket"] <= figures["last"]
        assert figures["last"] - figures["first"] + 1 == 3 + 4 * "abcd".index(name)
    drawn = [figures for _, _, figures in notes(events, "drew")]
    assert [figures["ticket"] for figures in drawn] == [figures["ticket"] for _, _, figures in whys(events)]
    assert drawn[0]["total"] == 3 + 7 + 11 + 15
    assert all(0 <= figures["ticket"] < figures["total"] for figures in drawn)


def test_a_bag_of_tickets_is_a_list_of_holders_whatever_comes_and_goes() -> None:
    """Slots of those that left are given to those that come, and whoever holds a ticket is told with its first one."""
    dice, pool = Random(5), TicketPool()
    for number in range(1, 200):
        here = [*pool]
        if here and dice.random() < 0.45:
            pool.take(dice.choice(here))
        else:
            task = Task(number, str(number))
            task.tickets = dice.randint(1, 9)
            pool.put(task)
            assert task in [*pool]
        held = [(task, place) for task in pool for place in range(task.tickets)]
        assert pool.total == len(held)
        for ticket, (task, place) in enumerate(held):
            assert pool.holder(ticket) == (task, ticket - place)
    assert len(pool._tasks) < 60, "slots are used again"


def test_a_ranking_is_a_sorted_list_whatever_comes_and_goes() -> None:
    """By rank; of equal ones in the order in which they came, those that were let in at the head before all others; one
    that is moved keeps its place among equals. What was taken out leaves no more gaps behind than tasks."""
    dice, ranking = Random(3), Ranking()
    plain: list[tuple[int, int, Task]] = []
    for number in range(1, 2_000):
        deed = dice.random()
        if deed < 0.45:
            task, rank, head = Task(number, str(number)), dice.randint(0, 4), dice.random() < 0.3
            ranking.push(task, rank, head)
            plain.append((rank, -number if head else number, task))
        elif deed < 0.6 and plain:
            gone = plain.pop(dice.randrange(len(plain)))
            ranking.discard(gone[2])
            ranking.discard(gone[2])
        elif deed < 0.75 and plain:
            place = dice.randrange(len(plain))
            rank, order, task = plain[place]
            plain[place] = (rank + dice.randint(-2, 2), order, task)
            ranking.move(task, plain[place][0])
        elif deed < 0.8:
            plain = [(-rank, order, task) for rank, order, task in plain]
            ranking.rank_anew({task: rank for rank, _, task in plain}.__getitem__)
        else:
            best = min(plain, default=None)
            assert ranking.peek() is (best and best[2])
            assert ranking.pop() is (best and best[2])
            if best:
                plain.remove(best)
        assert [*ranking] == [task for _, _, task in sorted(plain)]
        assert len(ranking) == len(plain)
        assert all(task in ranking for _, _, task in plain)
        assert len(ranking._heap) <= 2 * len(plain) + 17
    assert Task(9_999, "x") not in ranking
    assert (Ranking().pop(), Ranking().peek(), len(Ranking())) == (None, None, 0)


def test_a_bag_of_tickets_knows_who_holds_each() -> None:
    bag, tasks = TicketPool(), [Task(pid, str(pid)) for pid in range(1, 21)]
    for task in tasks:
        task.tickets = task.pid * 3 % 7 + 1
        bag.put(task)
    for gone in (tasks[3], tasks[19], tasks[0]):
        bag.take(gone)
        bag.take(gone)
    bag.put(tasks[3])
    held = [task for task in bag for _ in range(task.tickets)]
    assert bag.total == len(held)
    assert [bag.holder(ticket)[0] for ticket in range(bag.total)] == held


def test_stride_gives_shares_exactly() -> None:
    jobs = [
        process("a", "cpu 10s", tickets=100),
        process("b", "cpu 10s", tickets=50),
        process("c", "cpu 10s", tickets=250),
    ]
    assert shared("stride", *jobs, seconds=8) == {"a": 0.25, "b": 0.125, "c": 0.625}


def test_stride_charges_for_what_was_used_only() -> None:
    """One that uses a tenth of its slices gets as many more of them."""
    jobs = [process("hog", "cpu 10s"), process("brief", "cpu 1ms", "io 1ms", repeat=2000)]
    used = used_ns(simulate(scenario(*jobs, policy="stride")), 2 * S)
    assert used["brief"] > 150 * MS


def test_virtual_time_stands_still_while_nobody_is_there_and_does_not_go_back() -> None:
    """Whoever comes into an empty machine begins at the average that was left, and asks for a quantum from there."""
    jobs = [process("a", "cpu 30ms"), process("b", "cpu 5ms", arrive="50ms")]
    events = simulate(scenario(*jobs, policy="eevdf"))
    assert whys(events)[0] == ("a", "earliest virtual deadline", {"deadline_ns": 3 * MS, "vruntime_ns": 0})
    at_50 = next(figures for name, _, figures in whys(events) if name == "b")
    assert at_50 == {"deadline_ns": 33 * MS, "vruntime_ns": 30 * MS}


def test_a_newcomer_of_stride_begins_with_the_pass_of_the_last_one_chosen() -> None:
    """100 tickets are a stride of 100: after three quanta of 10 ms the pass is 300, the last one chosen had 200."""
    jobs = [process("a", "cpu 100ms"), process("late", "cpu 20ms", arrive="25ms", tickets=50)]
    told = whys(simulate(scenario(*jobs, policy="stride")))
    assert told[:5] == [
        ("a", "lowest pass", {"pass": 0.0, "stride": 100.0}),
        ("a", "lowest pass", {"pass": 100.0, "stride": 100.0}),
        ("a", "lowest pass", {"pass": 200.0, "stride": 100.0}),
        ("late", "lowest pass", {"pass": 200.0, "stride": 200.0}),
        ("a", "lowest pass", {"pass": 300.0, "stride": 100.0}),
    ]


def test_who_slept_under_stride_catches_up_on_nothing() -> None:
    jobs = [process("hog", "cpu 100ms"), process("sleeper", "cpu 10ms", "io 45ms", "cpu 10ms")]
    events = simulate(scenario(*jobs, policy="stride"))
    assert notes(events, "caught up") == [(65, "sleeper", {"before": 100.0, "after": 500.0})]


# Deadlines


def task(name: str, cpu: int, period: int, jobs: int = 10, **more: Any) -> ProcessSpec:
    """A periodic process: so many ms of CPU time every so many ms."""
    return process(name, f"cpu {cpu}ms", period_ns=period * MS, repeat=jobs, **more)


def test_jobs_are_released_once_a_period() -> None:
    events = simulate(scenario(task("a", 10, 30, jobs=4, arrive="5ms"), policy="edf"))
    assert gantt(events) == [("a", 5, 15), ("a", 35, 45), ("a", 65, 75), ("a", 95, 105)]
    assert isinstance(events[-2], Exited)


def test_edf_meets_all_deadlines_where_rm_misses_some() -> None:
    """A textbook's set: utilisation 2/4 + 4/8 = 1, and 2/5 + 4/7 > 0.83 for the rate-monotonic bound."""
    jobs = [task("short", 20, 50, 14), task("long", 40, 70, 10)]
    assert notes(simulate(scenario(*jobs, policy="edf")), "missed its deadline") == []
    missed = notes(simulate(scenario(*jobs, policy="rm")), "missed its deadline")
    assert missed[0] == (70, "long", {"due_ns": 70 * MS})


def test_rm_prefers_the_short_period_and_edf_the_near_deadline() -> None:
    jobs = [task("fast", 20, 100, 1, arrive="10ms", deadline_ns=95 * MS), task("slow", 50, 200, 1, deadline_ns=60 * MS)]
    assert gantt(simulate(scenario(*jobs, policy="rm")))[:2] == [("slow", 0, 10), ("fast", 10, 30)]
    assert gantt(simulate(scenario(*jobs, policy="edf")))[:2] == [("slow", 0, 50), ("fast", 50, 70)]


def test_edf_admits_nobody_who_does_not_fit() -> None:
    jobs = [
        task("half", 10, 20, 5),
        task("most", 20, 50, 5),
        task("late", 10, 50, 3),
        task("last", 5, 50, arrive="110ms"),
    ]
    events = simulate(scenario(*jobs, policy="edf", parameters={"admission": True}))
    assert notes(events, "not admitted") == [(0, "late", {"share": 0.2, "left": 0.1})], "who has ended leaves its share"
    assert {name for _, name, _ in notes(events, "missed its deadline")} == {"late"}


def test_a_job_that_ends_at_its_deadline_is_in_time() -> None:
    assert notes(simulate(scenario(task("a", 10, 10, 5), policy="edf")), "missed its deadline") == []


def test_a_late_job_makes_the_next_begin_at_once_but_be_due_as_if_in_time() -> None:
    jobs = [task("a", 30, 20, 3)]
    events = simulate(scenario(*jobs, policy="edf"))
    assert gantt(events) == [("a", 0, 90)]
    assert [(at, figures["due_ns"] // MS) for at, _, figures in notes(events, "missed its deadline")] == [
        (20, 20),
        (40, 40),
        (60, 60),
    ]


def test_a_late_job_gives_way_to_one_that_is_due_earlier() -> None:
    jobs = [task("late", 30, 20, 2), process("other", "cpu 10ms", deadline_ns=35 * MS)]
    assert gantt(simulate(scenario(*jobs, policy="edf"))) == [("late", 0, 30), ("other", 30, 40), ("late", 40, 70)]


def test_what_has_no_deadline_runs_when_no_job_is_left() -> None:
    events = simulate(scenario(process("idle", "cpu 30ms"), task("a", 10, 20, 2), policy="edf"))
    assert gantt(events) == [("a", 0, 10), ("idle", 10, 20), ("a", 20, 30), ("idle", 30, 50)]
    assert ("idle", "no deadline is left", {}) in whys(events)


def test_io_within_a_job_does_not_end_it() -> None:
    job = process("a", "cpu 10ms", "io 20ms", "cpu 10ms", period_ns=50 * MS, deadline_ns=35 * MS, repeat=2)
    events = simulate(scenario(job, policy="edf"))
    assert gantt(events) == [("a", 0, 10), ("a", 30, 40), ("a", 50, 60), ("a", 80, 90)]
    assert [at for at, _, _ in notes(events, "missed its deadline")] == [35, 85]


def test_equal_priorities_take_turns_for_a_quantum() -> None:
    """Silberschatz, Galvin, Gagne: preemptive priorities, the larger number first, 10 units a turn among equals; who is
    preempted queues behind its equals."""
    jobs = [(0, 20, 40), (25, 25, 30), (30, 25, 30), (60, 15, 35), (100, 10, 5), (105, 10, 10)]
    processes = [
        process(f"p{number}", f"cpu {burst}ms", arrive=f"{arrive}ms", priority=priority)
        for number, (arrive, burst, priority) in enumerate(jobs, 1)
    ]
    events = simulate(scenario(*processes, policy="priority", quantum_ns=10 * MS, parameters={"larger": True}))
    assert gantt(events) == [
        ("p1", 0, 20), ("p2", 25, 35), ("p3", 35, 45), ("p2", 45, 55), ("p3", 55, 60), ("p4", 60, 75), ("p2", 75, 80),
        ("p3", 80, 90), ("p5", 100, 105), ("p6", 105, 115), ("p5", 115, 120),
    ]  # fmt: skip


def test_the_guide_lists_every_policy_with_its_parameters() -> None:
    table = section("docs/write-a-policy.md", "## The policies")
    rows = [
        [cell.split("`")[1::2] for cell in row.split("|")[1:4]] for row in re.findall(r"^\| `.*$", table, re.MULTILINE)
    ]
    listed = {name: parameters for [name], _, parameters in rows}
    assert [*listed] == [*policies.BUILT_IN]
    for name, parameters in listed.items():
        assert sorted(parameters) == sorted(parameter.name for parameter in policies.find(name).declared()), name


def test_who_is_preempted_goes_to_the_head_of_a_plain_queue_and_everybody_else_to_its_tail() -> None:
    policy, tasks = Policy(), [Task(pid, str(pid)) for pid in range(5)]
    reasons: tuple[ReadyReason, ...] = ("admitted", "woke", "preempted", "expired", "yielded")
    for task, reason in zip(tasks, reasons, strict=True):
        policy.enqueue(task, reason, 0)
    policy.remove(tasks[1])
    policy.remove(tasks[1])
    assert [policy.pick(0, 0) for _ in range(5)] == [tasks[2], tasks[0], tasks[3], tasks[4], None]
    assert (policy.name, policy.why(tasks[0]).rule) == ("", "head of the ready queue")


#: Each parameter that is a number, a time, or a list of these: its least and greatest values, and those beyond.
BOUNDS: list[tuple[str, str, Sequence[object], Sequence[object]]] = [
    ("mlfq", "quanta", [["100us"], ["60s"] * 64], [[], ["60s"] * 65, ["99us"], ["60001ms"]]),
    ("mlfq", "allotments", [[1], [1_000_000] * 64], [[], [1] * 65, [0], [1_000_001]]),
    ("mlfq", "boost", ["0ms", "1ms"], ["999us", "-1ms"]),
    ("feedback", "base", [1, 16], [0, 17]),
    ("fair", "latency", ["100us", "60s"], ["99us", "60001ms", "0ms"]),
    ("fair", "granularity", ["100us", "60s"], ["99us", "60001ms", "0ms"]),
    ("priority", "aging", ["0ms", "1ms"], ["999us"]),
    ("sjf", "alpha", [0, 1, 0.5], [-0.1, 1.1]),
    ("sjf", "guess", ["1us"], ["999ns", "0ms"]),
    *((name, "quantum", ["100us", "60s"], ["99us", "60001ms", "0ms"]) for name in ("rr", "feedback", "lottery", "stride", "eevdf")),
    *((name, "quantum", ["0ms", "100us", "60s"], ["99us", "60001ms"]) for name in ("priority", "manual", "scripted")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parameter", "good", "bad"), BOUNDS)
def test_a_parameter_has_bounds(name: str, parameter: str, good: Sequence[object], bad: Sequence[object]) -> None:
    policy = policies.find(name)()
    for value in good:
        policy.set(parameter, value)
    for value in bad:
        with pytest.raises(BadValue):
            policy.set(parameter, value)


@pytest.mark.parametrize("seed", range(8))
def test_of_those_who_have_had_no_more_than_their_share_the_earliest_deadline_is_next(seed: int) -> None:
    """By definition: those whose virtual runtime is at most the average of all who are ready or run, by weight. If there
    are none, the least runtime is next."""
    dice, policy = Random(seed), policies.find("eevdf")({"quantum": "3ms"})
    running: list[Task] = []
    ready: list[Task] = []
    away = [Task(pid, str(pid)) for pid in range(8)]
    for task in away:
        task.nice = dice.choice((-10, -3, 0, 5, 19))

    def come(task: Task, reason: ReadyReason) -> None:
        policy.enqueue(task, reason, 0)
        ready.append(task)

    def figure(task: Task, name: str) -> int:
        return whole(policy.figures(task)[name])

    for _ in range(300):
        everybody = [*ready, *running]
        load = sum(weight(task) for task in everybody)
        total = sum(weight(task) * figure(task, "vruntime_ns") for task in everybody)
        eligible = [task for task in ready if figure(task, "vruntime_ns") * load <= total]
        assert not {*policy.queues()[1].tasks} & {*eligible}
        deed = dice.random()
        if deed < 0.3 and away:
            task = away.pop(dice.randrange(len(away)))
            come(task, "admitted" if task.data is None else "woke")
        elif deed < 0.6 and ready and len(running) < 2:
            by = "deadline_ns" if eligible else "vruntime_ns"
            picked = policy.pick(0, 0)
            assert picked is not None
            assert picked in (eligible or ready)
            assert figure(picked, by) == min(figure(task, by) for task in eligible or ready)
            ready.remove(picked)
            running.append(picked)
        elif running:
            task = running.pop(dice.randrange(len(running)))
            ran_ns = dice.choice((1, 500 * US, 3 * MS, 9 * MS))
            task.cpu_ns, task.stopped = task.cpu_ns + ran_ns, dice.choice(("expired", "blocked", "preempted"))
            policy.stopping(task, ran_ns, 0)
            if task.stopped == "blocked":
                away.append(task)
            else:
                come(task, "expired")
