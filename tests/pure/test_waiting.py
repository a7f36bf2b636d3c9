"""After a pause those who wait are back in their calls before anybody else has the CPU: that is no wake."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sandbox.machines.linux.blocking import blocked
from sandbox.machines.linux.blocking.blocked import BlockedProcesses


class Waiter:
    """A process that waits; once it is let go, it can be seen to run so many times before it sleeps again."""

    def __init__(self, runs: int) -> None:
        self.all: tuple[Waiter, ...] = ()
        self.runs = runs
        self.held = True

    def resume(self) -> None:
        self.held = False

    def state(self) -> tuple[str, int]:
        assert not any(each.held for each in self.all), "all are let go before anybody is waited for"
        self.runs -= 1
        return "R" if self.runs >= 0 else "S", 1


def resumed(*waiters: Waiter) -> None:
    for waiter in waiters:
        waiter.all = waiters
    it: Any = BlockedProcesses({}, None, None)  # type: ignore[arg-type]
    it.by_pid = dict(enumerate(waiters, 1))
    it.resume()


def test_it_is_awaited_that_all_sleep_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocked, "_MAX_RETURN_NS", 10**10)
    waiters = [Waiter(0), Waiter(7), Waiter(3)]
    resumed(*waiters)
    assert [waiter.runs for waiter in waiters] == [-1, -1, -1]


def test_who_really_woke_is_not_waited_for_for_long() -> None:
    before_s = time.monotonic()
    resumed(Waiter(10**9))
    assert time.monotonic() - before_s < 5
