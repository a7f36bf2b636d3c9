"""What the records of switches tell when they are read late."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from sandbox.machines.linux.blocking.sensors import perf
from sandbox.machines.linux.perf_events import Record, What
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS, US

ME = os.getpid()


@pytest.mark.parametrize(
    ("records", "blocked_ns", "woke"),
    [
        ([("left", 5 * MS), ("on", 6 * MS)], [5 * MS], True),
        ([("left", 5 * MS), ("on", 5 * MS + 50 * US)], [], False),  # a lock, or another thread
        ([("left", 5 * MS), ("on", 6 * MS), ("left", 7 * MS)], [7 * MS], False),
        ([("left", 5 * MS)], [5 * MS], False),
    ],
)
def test_a_wait_that_is_over_when_we_read_of_it_is_told(
    records: list[tuple[What, int]], blocked_ns: list[int], woke: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = Child(ME, ProcessSpec("it"), forked=False)
    child.mode, child.started_ns = Mode.RUNNING, 1 * MS
    ring = Mock(unread=True)
    ring.read = lambda: [Record(what, ME, ME, t_ns, 0, "") for what, t_ns in records]
    monkeypatch.setattr(perf, "PacedRing", lambda _: ring)
    ring.filenos = tuple
    context: Any = SimpleNamespace(
        cpus=SimpleNamespace(dedicated=True, mini=[0]),
        clock=SimpleNamespace(machine_ns=lambda t_ns: t_ns),
        poller=None,
        table=SimpleNamespace(by_os_pid={ME: child}),
    )
    sensor = perf.PerfSensor(context)
    seen = sensor.look(8 * MS, [child], last=False)
    assert [block.at_ns for block in seen.blocked] == blocked_ns
    assert seen.woke == ([child] if woke else [])
    child.close()
