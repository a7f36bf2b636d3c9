"""The result document and its figures."""

from __future__ import annotations

import json

import pytest

from sandbox import wording
from sandbox.model.events import (
    Admitted,
    Blocked,
    Booted,
    Clause,
    Descheduled,
    DescheduledReason,
    Dispatched,
    Event,
    Exited,
    Fault,
    Ready,
    Unseen,
)
from sandbox.util.stats import percentile
from sandbox.util.units import MS
from sandbox.views.history import MAX_FAULTS, History
from sandbox.views.metrics import fold, jain, metrics, one_after_another, result
from tests.support.scenarios import process, scenario, simulate

WORLD = scenario(
    process("long", "cpu 30ms", "io 20ms", "cpu 10ms"), process("short", "cpu 5ms", arrive="10ms"), quantum_ns=20 * MS
)


def test_faults_are_in_the_document_the_first_thousand_of_them() -> None:
    fault = Fault(7, Clause("could not be started", {"name": "a", "reason": "no"}), None)
    history = fold([*simulate(WORLD), *[fault] * (MAX_FAULTS + 2)])
    document = result(history)
    assert len(document["faults"]) == MAX_FAULTS
    assert document["more_faults"] == 2
    assert document["faults"][0] == {"t_ns": 7, "pid": None, "rule": fault.what.rule, "figures": fault.what.figures}
    wording.add_sentences(document)
    assert document["faults"][0]["text"] == "a could not be started: no"


def test_the_document_has_the_form_that_is_promised() -> None:
    document = json.loads(json.dumps(result(fold(simulate(WORLD)))))
    assert list(document) == ["scenario", "machine", "policy", "processes", "slices", "metrics", "faults"]
    assert document["machine"] == {"kind": "virtual", "cpus": 1, "sensor": None}
    assert document["policy"] == {"name": "rr", "parameters": {"quantum_ns": 20 * MS}}
    assert document["processes"][1] == {
        "pid": 2, "os_pid": None, "parent": None, "name": "short", "arrived_ns": 10 * MS, "first_run_ns": 20 * MS,
        "finished_ns": 25 * MS, "cpu_ns": 5 * MS, "waiting_ns": 10 * MS, "blocked_ns": 0, "turnaround_ns": 15 * MS,
        "response_ns": 10 * MS, "switches": 1, "switching_ns": 0, "missed_deadlines": 0,
        "family_cpu_ns": 5 * MS, "exit": 0,
    }  # fmt: skip
    assert document["slices"][0] == {
        "pid": 1, "cpu": 0, "start_ns": 0, "end_ns": 20 * MS, "cpu_ns": 20 * MS, "reason": "expired",
    }  # fmt: skip
    assert set(document["metrics"]) == {
        "makespan_ns", "cpu_utilisation", "throughput_per_s", "switches", "switching_ns", "missed_deadlines",
        "undispatched_ns", "stolen_ns", "unseen_ns", "turnaround_ns", "waiting_ns", "response_ns", "fairness_jain",
    }  # fmt: skip
    assert set(document["metrics"]["waiting_ns"]) == {"mean", "p50", "p95", "max"}


def test_the_figures() -> None:
    figures = metrics(fold(simulate(WORLD)))
    assert figures["makespan_ns"] == 65 * MS
    assert figures["cpu_utilisation"] == pytest.approx(45 / 65)
    assert figures["throughput_per_s"] == pytest.approx(2 / 0.065)
    assert figures["switches"] == 3  # nobody → long → short → long; alone it goes on without one
    assert figures["turnaround_ns"] == {"mean": 40 * MS, "p50": 15 * MS, "p95": 65 * MS, "max": 65 * MS}


def test_fairness_is_of_the_shares_of_the_time_in_which_each_wanted_the_cpu() -> None:
    """The long one had it for 40 of 45 ms, the short one for 5 of 15."""
    shares = [40 / 45, 5 / 15]
    expected = sum(shares) ** 2 / (2 * sum(share**2 for share in shares))
    assert metrics(fold(simulate(WORLD)))["fairness_jain"] == pytest.approx(expected)


def test_figures_of_some_processes_are_over_these_and_of_a_run_in_progress_up_to_now() -> None:
    """At 30 ms only the short one has ended: means are of it alone, and utilisation is of all so far."""
    history = History()
    for event in simulate(WORLD):
        if event.t_ns <= 30 * MS:
            history.add(event)
    history.now_ns = 30 * MS
    figures = metrics(history)
    assert (figures["makespan_ns"], figures["turnaround_ns"]["max"], figures["response_ns"]["mean"]) == (
        25 * MS, 15 * MS, 10 * MS,
    )  # fmt: skip
    assert figures["throughput_per_s"] == pytest.approx(1 / 0.03)
    assert figures["cpu_utilisation"] == pytest.approx(25 / 30), "what is used of a slice is known when that is over"
    rows = {row["name"]: row for row in result(history)["processes"]}
    assert (rows["long"]["finished_ns"], rows["long"]["turnaround_ns"], rows["long"]["exit"]) == (None, None, None)
    assert (rows["long"]["waiting_ns"], rows["long"]["response_ns"], rows["long"]["switches"]) == (5 * MS, 0, 2)
    assert result(history)["slices"][-1] == {
        "pid": 1, "cpu": 0, "start_ns": 25 * MS, "end_ns": 30 * MS, "cpu_ns": 0, "reason": "",
    }  # fmt: skip
    whole = fold(simulate(WORLD))
    assert metrics(whole, [1])["turnaround_ns"]["mean"] == 65 * MS
    assert metrics(whole, [2])["waiting_ns"] == {"mean": 10 * MS, "p50": 10 * MS, "p95": 10 * MS, "max": 10 * MS}
    assert metrics(whole, [2])["makespan_ns"] == 25 * MS


def test_who_has_not_run_yet_has_no_response_and_waits_up_to_now() -> None:
    assert (History().now_ns, metrics(History())["makespan_ns"], metrics(History())["switches"]) == (0, None, 0)
    history = History()
    for event in simulate(
        scenario(process("long", "cpu 30ms"), process("late", "cpu 5ms", arrive="10ms"), policy="fcfs")
    ):
        if event.t_ns <= 10 * MS:
            history.add(event)
    history.now_ns = 17 * MS
    (_, row) = result(history)["processes"]
    assert (row["first_run_ns"], row["response_ns"], row["waiting_ns"], row["cpu_ns"]) == (None, None, 7 * MS, 0)
    assert metrics(history)["response_ns"]["mean"] is None


def test_a_switch_costs_when_it_is_counted_and_the_sum_is_exact() -> None:
    alone = process("alone", "cpu 10ms", "io 10ms", "cpu 10ms", "io 10ms", "cpu 10ms")
    figures = metrics(fold(simulate(scenario(alone, policy="fcfs", switch_cost_ns=MS))))
    assert (figures["makespan_ns"], figures["switches"], figures["switching_ns"]) == (51 * MS, 1, MS)
    crowd = [process(f"p{index}", "cpu 7ms", "io 3ms", "cpu 9ms") for index in range(3)]
    document = result(fold(simulate(scenario(*crowd, quantum_ns=5 * MS, switch_cost_ns=MS))))
    for row in document["processes"]:
        parts = row["cpu_ns"] + row["waiting_ns"] + row["blocked_ns"] + row["switching_ns"]
        assert parts == row["turnaround_ns"]
        assert row["switching_ns"] == row["switches"] * MS
    assert document["metrics"]["switching_ns"] == document["metrics"]["switches"] * MS


def test_a_process_responds_when_it_first_computes() -> None:
    first, nothing = process("first", "cpu 20ms"), process("nothing", "cpu 0ms", "io 5ms", "cpu 1ms")
    (_, row) = result(fold(simulate(scenario(first, nothing, policy="fcfs"))))["processes"]
    assert (row["first_run_ns"], row["response_ns"]) == (25 * MS, 25 * MS)


def test_missed_deadlines_are_counted_under_every_policy() -> None:
    tasks = [
        process("a", "cpu 20ms", period_ns=50 * MS, repeat=6),
        process("b", "cpu 45ms", period_ns=60 * MS, repeat=6),
    ]
    late = {}
    for policy in ("edf", "rm", "rr"):
        document = result(fold(simulate(scenario(*tasks, policy=policy))))
        late[policy] = document["metrics"]["missed_deadlines"]
        assert late[policy] == sum(row["missed_deadlines"] for row in document["processes"])
    assert late["edf"] > 0
    assert late["rr"] > 0


def test_what_others_took_and_what_nobody_saw_are_figures_of_real_runs_only() -> None:
    """The latter counts for the family, and as use of the CPU."""
    events: list[Event] = [
        Booted(0, "linux", 1, "rr", {}, "arrival-first", "seen"),
        born(1, order=0),
        Ready(0, 1, "admitted"),
        Dispatched(0, 1, 0, None, Clause("any")),
        Descheduled(40 * MS, 1, 0, 10 * MS, "exited", stolen_ns=25 * MS),
        Exited(40 * MS, 1, 0, None, 10 * MS, 0, 0),
        Unseen(40 * MS, 1, 2 * MS),
        Unseen(40 * MS, 1, 3 * MS),
    ]
    history = fold(events)
    figures = metrics(history)
    assert (figures["stolen_ns"], figures["unseen_ns"]) == (25 * MS, 5 * MS)
    assert figures["cpu_utilisation"] == pytest.approx(15 / 40)
    (row,) = result(history)["processes"]
    assert (row["cpu_ns"], row["family_cpu_ns"]) == (10 * MS, 15 * MS)
    virtual = metrics(fold(simulate(WORLD)))
    assert (virtual["stolen_ns"], virtual["unseen_ns"]) == (None, None)


def born(pid: int, parent: int | None = None, order: int | None = None) -> Admitted:
    return Admitted(0, pid, f"p{pid}", "", parent=parent, order=order)


def family() -> list[Event]:
    """A shell that waits 60 ms for a child, which computes for 20 ms and sleeps for 10; its child computes for 30."""
    events: list[Event] = [Booted(0, "linux", 1, "rr", {}, "arrival-first", "family"), born(1, order=0)]
    turns = [
        (1, 0, 10, "wait for child"),
        (2, 10, 30, "sleep"),
        (3, 30, 60, None),
        (2, 60, 60, None),
        (1, 70, 75, None),
    ]
    events += [Ready(0, 1, "admitted")]
    for pid, start, end, waits in turns:
        if pid > 1 and waits == "sleep":
            events += [
                born(2, parent=1),
                Ready(start * MS, 2, "admitted"),
                born(3, parent=2),
                Ready(start * MS, 3, "admitted"),
            ]
        elif start in (60, 70):
            events.append(Ready(start * MS, pid, "woke"))
        events.append(Dispatched(start * MS, pid, 0, None, Clause("any")))
        reason: DescheduledReason = "blocked" if waits else "exited"
        events.append(Descheduled(end * MS, pid, 0, (end - start) * MS, reason))
        cpu_ns = {1: 15, 2: 20, 3: 30}[pid] * MS
        events.append(Blocked(end * MS, pid, Clause(waits)) if waits else Exited(end * MS, pid, 0, None, cpu_ns, 0, 0))
    return events


def test_a_family_has_the_cpu_time_of_all_its_members() -> None:
    rows = {row["pid"]: row for row in result(fold(family()))["processes"]}
    assert {pid: row["family_cpu_ns"] // MS for pid, row in rows.items()} == {1: 65, 2: 50, 3: 30}
    assert {pid: row["cpu_ns"] // MS for pid, row in rows.items()} == {1: 15, 2: 20, 3: 30}


def test_a_child_may_be_heard_of_before_its_parent() -> None:
    events = family()
    second, third = (next(event for event in events if event == born(pid, pid - 1)) for pid in (2, 3))
    at = events.index(second)
    events.remove(third)
    events[at:at] = [third]
    rows = {row["pid"]: row for row in result(fold(events))["processes"]}
    assert {pid: row["family_cpu_ns"] // MS for pid, row in rows.items()} == {1: 65, 2: 50, 3: 30}


def test_means_are_over_processes_that_the_scenario_names() -> None:
    figures = metrics(fold(family()))
    assert figures["turnaround_ns"] == dict.fromkeys(("mean", "p50", "p95", "max"), 75 * MS)


def test_to_wait_for_ones_own_children_is_no_wait_of_the_scenario() -> None:
    assert one_after_another(fold(family()))["makespan_ns"] == 65 * MS


def test_one_after_another_is_what_each_used_and_waited() -> None:
    serial = one_after_another(fold(simulate(WORLD)))
    assert serial["makespan_ns"] == 65 * MS
    assert serial["cpu_utilisation"] == pytest.approx(45 / 65)


def test_an_empty_run_has_figures_too() -> None:
    figures = metrics(fold(simulate(scenario())))
    assert (figures["makespan_ns"], figures["cpu_utilisation"], figures["fairness_jain"]) == (None, None, None)
    assert figures["waiting_ns"]["mean"] is None


def test_percentiles_are_nearest_rank() -> None:
    values = list(range(1, 101))
    assert [percentile(values, share) for share in (0.5, 0.95, 1.0)] == [50, 95, 100]
    assert percentile([7], 0.95) == 7


def test_fairness() -> None:
    assert jain([1, 1, 1, 1]) == pytest.approx(1)
    assert jain([1, 0, 0, 0]) == pytest.approx(0.25)


def test_slices_of_who_is_no_longer_remembered_are_dropped_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there are more than a certain number, and then not again before they have doubled."""
    monkeypatch.setattr("sandbox.views.history._MIN_SLICES", 10)
    history = History()
    history.add(Booted(0, "linux", 1, "rr", {}, "arrival-first", "test", kept=2))
    history.add_all([Admitted(0, 1, "shell", "sh", order=0), Ready(0, 1, "admitted")])

    def turn(at_ns: int, pid: int) -> int:
        why = Clause("head of the ready queue")
        history.add_all([Dispatched(at_ns, pid, 0, None, why), Descheduled(at_ns + 5, pid, 0, 5, "exited")])
        return len(history.slices)

    def child(at_ns: int) -> int:
        pid = at_ns // MS
        history.add_all([Admitted(at_ns, pid, "cat", "cat", parent=1), Ready(at_ns, pid, "admitted")])
        turn(at_ns, pid)
        history.add(Exited(at_ns + 5, pid, 0, None, 5, 0, 0))
        return len(history.slices)

    assert [child(number * MS) for number in range(2, 14)] == [*range(1, 11), 2, 3], "more than ten, two are kept"
    for number in range(20, 28):
        turn(number * MS, 1)
    assert child(30 * MS) == 10, "eight turns of the shell, and the two that are kept"
    numbers = [child(number * MS) for number in range(31, 50)]
    assert numbers == [*range(11, 21), 10, *range(11, 19)]
