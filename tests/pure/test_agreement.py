"""How far a real run is from its virtual one: which slices are the same, and by how much they differ."""

from __future__ import annotations

from sandbox.analysis.comparison.agreement import Agreement, compare, summary
from sandbox.model.events import Admitted, Blocked, Booted, Clause, Descheduled, Dispatched, Event, Exited, Ready
from sandbox.util.units import MS
from sandbox.views.history import History
from sandbox.views.metrics import fold
from tests.support.scenarios import process, scenario, simulate

HEAD = Clause("head of the ready queue")
Told = tuple[str, float, float, float]  # who, from, to, CPU time used; in ms


def run(machine: str, slices: list[Told], cpus: int = 1) -> History:
    """A run that consists of these slices; everybody arrives at 0 and ends with the last of his."""
    names = sorted({name for name, *_ in slices})
    pids = {name: pid for pid, name in enumerate(names, 1)}
    events: list[Event] = [Booted(0, "virtual", cpus, "rr", {}, "arrival-first", "test")]
    for order, name in enumerate(names):
        events += [Admitted(0, pids[name], name, "cpu", order=order), Ready(0, pids[name], "admitted")]
    for index, (name, start, end, cpu) in enumerate(slices):
        pid = pids[name]
        last = all(later[0] != name for later in slices[index + 1 :])
        events.append(Dispatched(ns(start), pid, 0, None, HEAD))
        events.append(Descheduled(ns(end), pid, 0, ns(cpu), "exited" if last else "expired"))
        total = sum(ns(piece[3]) for piece in slices if piece[0] == name)
        events.append(Exited(ns(end), pid, 0, None, total, 0, 0) if last else Ready(ns(end), pid, "expired"))
    return fold(events)


def ns(ms: float) -> int:
    return round(ms * MS)


VIRTUAL: list[Told] = [("a", 0, 20, 20), ("b", 20, 40, 20), ("a", 40, 60, 20), ("b", 60, 70, 10)]


def agreement(real: list[Told]) -> Agreement:
    return compare(run("virtual", VIRTUAL), run("linux", real))


def test_equal_runs_agree_in_everything() -> None:
    found = agreement(VIRTUAL)
    assert [process.error for process in found.processes] == [0, 0]
    assert [(match.name, match.error, match.drift_ns) for match in found.matches] == [
        ("a", 0, 0), ("b", 0, 0), ("a", 0, 0), ("b", 0, 0),
    ]  # fmt: skip
    assert found.defects == []


def test_errors_are_of_turnaround_and_of_the_cpu_time_of_each_slice() -> None:
    found = agreement([("a", 0, 20.5, 20.1), ("b", 20.5, 41, 20.2), ("a", 41, 61, 19.9), ("b", 61, 71.4, 9.8)])
    assert [(process.name, round(process.error, 6)) for process in found.processes] == [("a", 0.016667), ("b", 0.02)]
    assert [round(match.error, 6) for match in found.matches] == [0.005, 0.01, 0.005, 0.02]
    assert [match.drift_ns for match in found.matches] == [0, ns(0.5), ns(1), ns(1)]
    assert found.defects == []


def test_a_crumb_at_the_end_of_a_burst_matches_nothing_and_spoils_nothing() -> None:
    crumbs: list[Told] = [
        ("a", 0, 20, 19.8),
        ("b", 20, 40, 20),
        ("a", 40, 60, 19.8),
        ("b", 60, 70, 10),
        ("a", 70, 70.4, 0.4),
    ]
    found = agreement(crumbs)
    assert len(found.matches) == 4
    assert [piece.cpu_ns for piece in found.only_real] == [ns(0.4)]
    assert found.only_virtual == []
    assert [defect.rule for defect in found.defects] == ["median error of turnaround", "slices do not match"]
    assert found.defects[0].figures["error"] == sum(process.error for process in found.processes) / 2 > 0.08
    assert found.defects[1].figures == {"only_virtual": 0, "only_real": 1, "matched": 4, "real_ns": ns(0.4)}


def test_what_a_process_needs_to_end_after_its_last_wait_is_no_slice_of_its_work() -> None:
    world = [process("a", "cpu 20ms", "io 10ms"), process("b", "cpu 20ms")]
    virtual = fold(simulate(scenario(*world, policy="fcfs")))
    real = run("linux", [("a", 0, 20, 19.9), ("b", 20, 40, 20), ("a", 40, 41, 0.8)])
    found = compare(virtual, real)
    assert [piece.cpu_ns for piece in found.endings] == [ns(0.8)]
    assert (len(found.matches), found.only_real, found.only_virtual) == (2, [], [])


def test_delays_before_a_first_wait_and_after_a_last_one_are_not_counted() -> None:
    world = [process("a", "io 10ms", "cpu 20ms", "io 10ms"), process("b", "cpu 10ms")]
    virtual = fold(simulate(scenario(*world, policy="rr")))
    events: list[Event] = [Booted(0, "virtual", 1, "rr", {}, "arrival-first", "test")]
    events += [Admitted(0, 1, "a", "cpu", order=0), Ready(0, 1, "admitted"), Dispatched(ns(5), 1, 0, None, HEAD)]
    for begin, cpu, end in ((5, 0, 15), (35, 20, 45)):
        events += [Descheduled(ns(begin), 1, 0, ns(cpu), "blocked"), Blocked(ns(begin), 1, Clause("sleep"))]
        events += [Ready(ns(end), 1, "woke"), Dispatched(ns(end), 1, 0, None, HEAD)]
    events += [Descheduled(ns(70), 1, 0, ns(0.1), "exited"), Exited(ns(70), 1, 0, None, ns(20.1), 0, 0)]
    [a] = compare(virtual, fold(events)).processes
    assert a.virtual_ns == ns(40)
    assert a.real_ns == ns(40), "5 ms until it could begin to wait and 25 ms until it could end are left out"


def test_slices_of_quite_another_length_do_not_match() -> None:
    found = agreement([("a", 0, 40, 40), ("b", 40, 70, 30)])
    assert [match.name for match in found.matches] == ["b"], "twenty of thirty milliseconds are more than half"
    assert len(found.only_virtual) == 3
    assert len(found.only_real) == 1


def test_another_order_is_told_though_every_slice_has_its_match() -> None:
    found = agreement([("b", 0, 20, 20), ("a", 20, 40, 20), ("a", 40, 60, 20), ("b", 60, 70, 10)])
    assert len(found.matches) == 4
    assert Clause("slices out of order", {"number": 1}) in found.defects


def test_a_process_that_did_not_end_is_named() -> None:
    real = run("linux", VIRTUAL)
    real.lives[2].exited = None
    found = compare(run("virtual", VIRTUAL), real)
    assert found.missing == ["b"]
    assert found.defects == [Clause("processes did not end", {"names": "b"})]


def test_nothing_agrees_with_nothing() -> None:
    found = compare(run("virtual", []), run("linux", []))
    assert (found.processes, found.matches, found.defects) == ([], [], [])
    assert summary([]) == {"median": None, "p95": None, "max": None}
