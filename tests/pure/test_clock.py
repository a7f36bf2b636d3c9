"""The machine's clock and the operator's watch."""

from __future__ import annotations

import time

import pytest

from sandbox.machines.clock import Clock


@pytest.mark.parametrize(("stands", "watch"), [(False, 9), (True, 4)])
def test_in_a_pause_the_clock_stands_and_the_watch_only_if_it_shall(
    stands: bool, watch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100]
    monkeypatch.setattr(time, "monotonic_ns", lambda: now[0])
    clock = Clock()
    clock.start()
    now[0] = 103
    clock.freeze(watch_stands=stands)
    now[0] = 108
    assert (clock.now_ns(), clock.watch_ns()) == (3, 3 if stands else 8)
    clock.thaw()
    now[0] = 109
    assert (clock.now_ns(), clock.watch_ns()) == (4, watch)
    assert clock.watch_monotonic_ns(clock.watch_ns()) == 109
