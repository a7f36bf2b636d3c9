"""What the machine has to tell comes in an order that the kernel can follow."""

from __future__ import annotations

from sandbox.kernel.machine import Arrived, Ended, Woke
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.reports import Reports
from sandbox.model.spec import ProcessSpec


def test_an_end_is_told_after_the_arrival_and_not_at_once_with_it() -> None:
    out = Reports(Clock())
    arrived, ended = Arrived(2, ProcessSpec("child"), None, 102, 1), [Ended(pid, 0, 0, None) for pid in (1, 2)]
    out.add(arrived, *ended, Woke(3))
    assert out.take(0).reports == [arrived, ended[0]]
    assert out
    assert out.take(0).reports == [ended[1], Woke(3)]
    assert not out
