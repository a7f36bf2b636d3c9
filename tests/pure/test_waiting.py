"""After a pause those who wait are back in their calls before anybody else has the CPU: that is no wake."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sandbox.machines.linux.blocking import blocked
from sandbox.machines.linux.blocking.blocked import BlockedProcesses
from sandbox.util.units import MS, US, S


class Waiter:
    """A process that waits; once it is let go, it can be seen to run so many times before it sleeps again, and uses so
    much CPU time each time."""

    def __init__(self, runs: int, each_ns: int = 0) -> None:
        self.all: tuple[Waiter, ...] = ()
        self.runs = runs
        self.each_ns = each_ns
        self.used_ns = 0
        self.held = True

    def resume(self) -> None:
        self.held = False

    def state(self) -> tuple[str, int]:
        assert not any(each.held for each in self.all), "all are let go before anybody is waited for"
        self.runs -= 1
        self.used_ns += self.each_ns
        return "R" if self.runs >= 0 else "S", 1

    def cpu_ns(self) -> int:
        return self.used_ns


def resumed(*waiters: Waiter) -> None:
    for waiter in waiters:
        waiter.all = waiters
    it: Any = BlockedProcesses({}, None, None)  # type: ignore[arg-type]
    it.by_pid = dict(enumerate(waiters, 1))
    it.resume()


def test_it_is_awaited_that_all_sleep_again() -> None:
    waiters = [Waiter(0), Waiter(7), Waiter(3)]
    resumed(*waiters)
    assert [waiter.runs for waiter in waiters] == [-1, -1, -1]


def test_who_has_to_wait_for_a_cpu_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, that takes longer than the way back itself."""
    monkeypatch.setattr(blocked, "_MAX_RETURN_DELAY_NS", 10 * S)
    waiter = Waiter(200, each_ns=10 * US)
    resumed(waiter)
    assert waiter.runs == -1


def test_who_really_woke_is_not_waited_for() -> None:
    waiters = [Waiter(10**9, each_ns=MS), Waiter(10**9)]
    resumed(*waiters)
    assert waiters[0].used_ns < 5 * MS


def test_who_gets_no_cpu_is_not_waited_for_for_long() -> None:
    before_s = time.monotonic()
    resumed(Waiter(10**9))
    assert time.monotonic() - before_s < 5
