"""For how long somebody else had a CPU: what is missing in turns, as far as the process waited for its CPU in it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.machines.linux.switching import stolen
from sandbox.machines.linux.switching.stolen import StolenTime
from sandbox.util.units import MS, US


class System:
    """One process and what the system says of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = self.queued_ns = self.now_ns = self.cpu_ns = 0
        self.child: Any = SimpleNamespace(
            os_pid=1, threads=1, turn_ns=None, turn_cpu_ns=0, started_ns=0, started_cpu_ns=0, missing_ns=0, queued_ns=0,
            cpu_ns=lambda: self.cpu_ns,
        )  # fmt: skip
        self.stolen = StolenTime()
        monkeypatch.setattr(stolen, "run_queue_wait_ns", self._ask)

    def _ask(self, os_pid: int, threads: int) -> int:
        self.asked += 1
        return self.queued_ns

    def turn(self, used_ns: int, queued_ns: int = 0, waited_ns: int = 0, last: bool = False) -> int:
        """It had the CPU, waited for it, and waited for something else."""
        self.child.started_ns, self.child.started_cpu_ns = self.now_ns, self.cpu_ns
        self.stolen.begin(self.child)
        self.now_ns += used_ns + queued_ns + waited_ns
        self.cpu_ns += used_ns
        self.queued_ns += queued_ns
        return self.stolen.end(self.child, self.now_ns, last)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    return System(monkeypatch)


def test_where_nobody_disturbs_nothing_is_asked(system: System) -> None:
    assert sum(system.turn(5 * MS, 20 * US) for _ in range(1_000)) == 0
    assert system.asked == 0


def test_what_others_took_is_told_once_it_is_much(system: System) -> None:
    told = [system.turn(1 * MS, 4 * MS) for _ in range(9)]
    assert told == [0, 0, 12 * MS] * 3
    assert system.asked == 3
    assert system.turn(1 * MS, 2 * MS, last=True) == 2 * MS, "the rest, before it is too late"


def test_waiting_for_something_else_is_nobodys_doing(system: System) -> None:
    assert system.turn(1 * MS, waited_ns=50 * MS) == 0
    assert system.asked == 1


def test_what_it_waited_outside_its_turns_does_not_count_beyond_what_is_missing(system: System) -> None:
    system.queued_ns = 500 * MS
    assert system.turn(1 * MS, 10 * MS) == 10 * MS


def test_a_long_turn_is_accounted_for_piece_by_piece(system: System) -> None:
    system.stolen.begin(system.child)
    system.now_ns, system.cpu_ns, system.queued_ns = 150 * MS, 100 * MS, 50 * MS
    assert system.stolen.end_piece(system.child, system.now_ns) == 50 * MS
    assert system.stolen.end_piece(system.child, system.now_ns + 1 * MS) == 0
    assert system.child.turn_ns == 150 * MS
