"""What the system's records tell of whole lives: their parsing, and the fold that keeps accounts."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from sandbox.machines.linux.perf_events import Record, _records
from sandbox.machines.linux.process.accounts import ChildrenAccounts
from sandbox.machines.linux.process.child import Death, Gone
from sandbox.machines.linux.process.lineage import Birth, Lineage
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS, US

SH, TRUE = 100, 101
LOST, COMM, EXIT, FORK, SWITCH = 2, 3, 4, 7, 14
OUT, PREEMPTED, EXEC = 1 << 13, 1 << 14, 1 << 13


def words(kind: int, flags: int, *body: int) -> list[int]:
    """A record as it stands in a ring."""
    return [kind | flags << 32 | 8 * (1 + len(body)) << 48, *body]


def pair(low: int, high: int) -> int:
    return low | high << 32


def named(text: bytes) -> list[int]:
    padded = text + bytes(8 - len(text) % 8)
    return [int.from_bytes(padded[at : at + 8], sys.byteorder) for at in range(0, len(padded), 8)]


def test_records_are_read_from_a_ring() -> None:
    task = pair(TRUE, TRUE)
    ring = [
        *words(FORK, 0, pair(TRUE, SH), pair(TRUE, SH), 1, task, 1),
        *words(SWITCH, 0, task, 2),
        *words(COMM, EXEC, task, *named(b"true"), task, 3),
        *words(COMM, 0, task, *named(b"a name of 15 b"), task, 4),
        *words(FORK, 0, pair(TRUE, TRUE), pair(102, TRUE), 5, task, 5),
        *words(SWITCH, OUT | PREEMPTED, task, 6),
        *words(SWITCH, OUT, task, 7),
        *words(LOST, 0, 0, 12, task, 8),
        *words(EXIT, 0, pair(TRUE, SH), pair(TRUE, SH), 9, task, 9),
        *words(99, 0, 1, 2, 3),  # of a kind that is not asked for
    ]
    assert _records(ring) == [
        Record("forked", TRUE, TRUE, 1, SH),
        Record("on", TRUE, TRUE, 2),
        Record("became", TRUE, TRUE, 3, name="true"),
        Record("named", TRUE, TRUE, 4, name="a name of 15 b"),
        Record("thread", TRUE, 102, 5, TRUE),
        Record("preempted", TRUE, TRUE, 6),
        Record("left", TRUE, TRUE, 7),
        Record("lost", 0, 0, 0),
        Record("ended", TRUE, TRUE, 9, SH),
    ]


def test_a_life_of_a_millisecond() -> None:
    """Its name and its CPU time are known, with what the system took to take it to pieces."""
    lineage = Lineage(1)
    lineage.forked(TRUE, SH, 1 * MS)
    lineage.came_on(0, TRUE, 2 * MS)
    lineage.went_off(TRUE, TRUE, 2 * MS + 200 * US)
    lineage.came_on(0, TRUE, 5 * MS)
    lineage.became(TRUE, "true")
    lineage.ended(0, TRUE, TRUE, 5 * MS + 300 * US)
    lineage.came_on(0, SH, 5 * MS + 350 * US)
    assert lineage.births() == [Birth(TRUE, SH, 1 * MS, "true")]
    assert not lineage.has_births
    assert lineage.death(TRUE) == (5 * MS + 300 * US, 550 * US)
    lineage.forget(TRUE)
    assert lineage.death(TRUE) is None
    assert lineage.name(TRUE) == ""


def test_before_its_exec_a_child_is_called_as_its_parent() -> None:
    lineage = Lineage(1)
    lineage.became(SH, "sh")
    lineage.forked(TRUE, SH, 1 * MS)
    assert [birth.name for birth in lineage.births()] == ["sh"]
    assert [*lineage.renamed()] == [SH]
    lineage.named(TRUE, 102, "a thread's")
    assert [*lineage.renamed()] == []


def test_a_process_ends_with_its_last_thread() -> None:
    lineage = Lineage(1)
    lineage.began_thread(SH)
    assert not lineage.is_proof(SH)
    lineage.ended(0, SH, SH, 5 * MS)  # pthread_exit in main
    assert lineage.death(SH) is None
    assert not lineage.is_proof(SH), "its other thread lives"
    lineage.ended(0, SH, 102, 9 * MS)
    assert lineage.death(SH) is not None


def test_a_number_that_is_given_out_again_is_another_process() -> None:
    lineage = Lineage(1)
    lineage.forked(TRUE, SH, 1 * MS)
    lineage.came_on(0, TRUE, 1 * MS)
    lineage.ended(0, TRUE, TRUE, 3 * MS)
    lineage.forked(TRUE, SH, 9 * MS)
    assert lineage.death(TRUE) is None
    lineage.ended(0, TRUE, TRUE, 10 * MS)
    death = lineage.death(TRUE)
    assert death is not None
    assert death.cpu_ns < 1 * MS, "what the other one used is not its own"


def test_what_is_missing_is_known_to_be() -> None:
    lineage = Lineage(1)
    assert lineage.whole
    lineage.lost()
    assert not lineage.whole


def gone(os_pid: int, cpu_ns: int, parent: Any = None) -> Gone:
    return Gone(os_pid, ProcessSpec("gone", command=["gone"]), parent, Death(0, 0, cpu_ns, 0, None))


def test_what_nobody_saw_is_the_rest_of_a_familys_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.machines.linux.process.accounts.zombie", lambda os_pid: None)
    accounts = ChildrenAccounts()
    parent = gone(SH, 10 * MS)
    accounts.ended(gone(TRUE, 5 * MS, parent))
    accounts.ended(parent)
    assert accounts.unseen_ns(parent, 18 * MS) == 3 * MS
    assert accounts.unseen_ns(parent, 15 * MS + 50 * US) == 0, "an error of the readings"


def test_grandchildren_are_in_the_account_of_whoever_took_their_parents_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.machines.linux.process.accounts.zombie", lambda os_pid: None)
    accounts = ChildrenAccounts()
    first = gone(SH, 10 * MS)
    second = gone(SH + 1, 4 * MS, first)
    accounts.ended(gone(TRUE, 5 * MS, second))
    accounts.ended(second)
    assert accounts.unseen_ns(first, 19 * MS) == 0
    assert accounts.unseen_ns(first, 25 * MS) == 6 * MS


def test_a_child_whose_status_came_to_us_is_not_in_its_parents_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.machines.linux.process.accounts.zombie", lambda os_pid: None)
    accounts = ChildrenAccounts()
    parent = gone(SH, 10 * MS)
    orphan = gone(TRUE, 5 * MS, parent)
    accounts.ended(orphan)
    assert accounts.unseen_ns(orphan, 5 * MS) == 0
    assert accounts.unseen_ns(parent, 10 * MS) == 0
