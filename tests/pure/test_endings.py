"""Who is denied what it needs is told of at once; a limit is no reason to wait when all have ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sandbox.machines.clock import Clock
from sandbox.machines.linux.process.privileges import Privileges
from sandbox.machines.reports import Reports
from sandbox.model.commands import Quit, Resume
from sandbox.model.events import Halted
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS, S
from sandbox.views.metrics import fold, metrics
from tests.support.scenarios import process, scenario, simulate


@pytest.mark.parametrize(("permitted", "mode", "told"), [(False, 0o4755, 1), (True, 0o4755, 0), (False, 0o755, 0)])
def test_who_gains_no_privileges_is_told_of_once(
    permitted: bool, mode: int, told: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "sudo"
    program.touch()
    program.chmod(mode)
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    out = Reports(Clock())
    privileges = Privileges(permitted, out)
    for _ in range(2):
        privileges.expect([ProcessSpec("sudo", command=[str(program), "ls"]), ProcessSpec("work", command=["true"])])
    reports: list[Any] = out.take(0).reports
    assert [report.event.what.rule for report in reports] == ["no new privileges"] * told


def test_a_limit_is_no_reason_to_wait_when_all_have_ended() -> None:
    *_, last = simulate(scenario(process("short", "cpu 10ms"), script=[("60s", Quit())]))
    assert isinstance(last, Halted)
    assert (last.t_ns, last.why.rule) == (10 * MS, "done")
    *_, last = simulate(scenario(process("short", "cpu 10ms"), script=[("5s", Resume()), ("60s", Quit())]))
    assert last.t_ns == 5 * S, "what is to be done before the end is waited for"


def test_what_is_not_known_is_not_zero() -> None:
    figures = metrics(fold(simulate(scenario(process("long", "cpu 10s"), script=[("1s", Quit())]))))
    assert (figures["makespan_ns"], figures["fairness_jain"]) == (None, None)
    assert figures["turnaround_ns"]["mean"] is None
    assert figures["cpu_utilisation"] == pytest.approx(1)
