"""Who has the CPU for very long while others wait is told of, once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sandbox.machines.clock import Clock
from sandbox.machines.linux.monopoly import Monopoly
from sandbox.machines.linux.process.child import Mode
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.reports import Reports
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import S


def test_it_is_told_once_and_only_if_somebody_waits() -> None:
    table, out = ProcessTable(), Reports(Clock())
    hog, other = (
        SimpleNamespace(os_pid=number, pid=0, mode=Mode.RUNNING, started_ns=S, spec=ProcessSpec(name))
        for number, name in ((1, "hog"), (2, "other"))
    )
    for child in (hog, other):
        table.admit(child)  # type: ignore[arg-type]
    table.running[hog.pid] = hog  # type: ignore[assignment]
    monopoly = Monopoly(table, out)

    def told(now_ns: int) -> list[Any]:
        monopoly.check(now_ns)
        reports: list[Any] = out.take(0).reports
        return [report.event.what.figures for report in reports]

    assert told(12 * S) == [], "the other one runs, too"
    other.mode = Mode.STOPPED
    assert told(10 * S) == []
    assert told(12 * S) == [{"for_ns": 11 * S, "waiting": "other"}]
    assert told(30 * S) == []
