"""Slices held against the record: which turns are compared, and what the errors are."""

from __future__ import annotations

from sandbox.analysis.measurement.verify import Verification
from sandbox.model.events import Clause, Descheduled, DescheduledReason, Dispatched, Event, Exited, Witnessed
from sandbox.util.units import MS, US

HEAD = Clause("head of the ready queue")


def on(t_ns: int, pid: int, slice_ns: int | None = 10 * MS, cpu: int = 0) -> Event:
    return Dispatched(t_ns, pid, cpu, slice_ns, HEAD)


def off(t_ns: int, pid: int, reason: DescheduledReason = "expired", cpu: int = 0) -> Event:
    return Descheduled(t_ns, pid, cpu, 0, reason)


def really(pid: int, from_ns: int, until_ns: int, cpu: int = 0) -> Event:
    return Witnessed(until_ns, pid, cpu, from_ns, until_ns)


def figures(*events: Event) -> dict[str, object]:
    verification = Verification()
    for event in events:
        verification.add(event)
    return verification.figures()


def test_a_slice_is_as_long_as_its_process_was_on_the_cpu() -> None:
    found = figures(
        on(0, 1), off(10 * MS, 1), on(10 * MS, 2), off(20 * MS, 2), on(20 * MS, 1),
        really(1, 20 * US, 10 * MS + 30 * US), really(2, 10 * MS + 38 * US, 20 * MS + 58 * US),
        really(1, 20 * MS + 70 * US, 20 * MS + 90 * US),
    )  # fmt: skip
    assert found["slice_error"] == {"count": 2, "p50": 10 * US, "p99": 20 * US, "max": 20 * US}
    assert found["dispatch_gap"] == {"count": 2, "p50": 8 * US, "p99": 12 * US, "max": 12 * US}
    assert found["block_to_dispatch"] == {"count": 0, "p50": None, "p99": None, "max": None}


def test_an_interruption_by_the_system_is_part_of_the_slice() -> None:
    found = figures(
        on(0, 1), off(10 * MS, 1), on(10 * MS, 2), off(12 * MS, 2, "exited"),
        really(1, 0, 4 * MS), really(1, 5 * MS, 10 * MS), really(2, 10 * MS, 12 * MS),
    )  # fmt: skip
    assert found["slice_error"] == {"count": 1, "p50": 0, "p99": 0, "max": 0}


def test_a_process_that_goes_on_alone_has_no_slice_to_compare() -> None:
    found = figures(on(0, 1), off(10 * MS, 1), on(10 * MS, 1), off(15 * MS, 1, "exited"), really(1, 0, 15 * MS))
    assert found["slice_error"] == {"count": 0, "p50": None, "p99": None, "max": None}
    assert found["undispatched_recorded_ns"] == 0


def test_from_a_block_to_the_next_dispatch() -> None:
    found = figures(
        on(0, 1), off(2 * MS, 1, "blocked"), on(2 * MS, 2), off(9 * MS, 2, "exited"),
        really(1, 0, 2 * MS - 90 * US), really(2, 2 * MS + 10 * US, 9 * MS),
    )  # fmt: skip
    assert found["block_to_dispatch"] == {"count": 1, "p50": 100 * US, "p99": 100 * US, "max": 100 * US}


def test_nothing_ready_is_no_gap() -> None:
    found = figures(
        on(0, 1), off(2 * MS, 1, "blocked"), on(8 * MS, 1), off(9 * MS, 1, "exited"),
        really(1, 0, 2 * MS), really(1, 8 * MS, 9 * MS),
    )  # fmt: skip
    assert found["block_to_dispatch"] == {"count": 0, "p50": None, "p99": None, "max": None}


def test_what_ran_outside_all_turns_is_told_beside_our_own_figure() -> None:
    found = figures(
        on(0, 1), off(10 * MS, 1), on(10 * MS, 2), off(20 * MS, 2, "exited"),
        really(1, 0, 10 * MS + 50 * US),  # its stop came late
        really(1, 15 * MS, 16 * MS),  # it ran, though nobody had let it
        really(2, 10 * MS + 50 * US, 15 * MS), really(2, 16 * MS, 20 * MS),
        Exited(21 * MS, 1, 0, None, 11 * MS + 60 * US, 0, 0, 1 * MS + 45 * US),
    )  # fmt: skip
    assert found["undispatched_recorded_ns"] == 1 * MS + 50 * US
    assert found["undispatched_ns"] == 1 * MS + 45 * US
    assert found["accounting_error"] == {"count": 1, "p50": 10 * US, "p99": 10 * US, "max": 10 * US}


def test_two_cpus_are_verified_each_by_itself() -> None:
    found = figures(
        on(0, 1, cpu=0), on(0, 2, cpu=1), off(10 * MS, 1, cpu=0), off(10 * MS, 2, cpu=1),
        on(10 * MS, 3, cpu=0), on(10 * MS, 4, cpu=1),
        really(1, 0, 10 * MS, cpu=0), really(2, 0, 10 * MS + 1 * US, cpu=1),
        really(3, 10 * MS + 5 * US, 12 * MS, cpu=0), really(4, 10 * MS + 8 * US, 12 * MS, cpu=1),
    )  # fmt: skip
    assert found["dispatch_gap"] == {"count": 2, "p50": 5 * US, "p99": 7 * US, "max": 7 * US}


def test_without_records_there_is_nothing_to_verify() -> None:
    verification = Verification()
    verification.add(on(0, 1))
    verification.add(off(1, 1))
    assert not verification.witnessed
    assert verification.figures()["slice_error"] == {"count": 0, "p50": None, "p99": None, "max": None}
