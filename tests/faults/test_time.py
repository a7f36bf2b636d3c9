"""Clocks that jump, and a kernel process that gets no CPU."""

from __future__ import annotations

import ast
import os
import signal

import pytest

from sandbox.util.units import MS, S
from tests.support.real import watch
from tests.support.run import ROOT
from tests.support.scenarios import process, scenario, whole

_WALL_CLOCKS = {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.CLOCK_REALTIME", "datetime.now"}


def reads(tree: ast.Module) -> set[str]:
    """What is asked of the modules of the standard library that know the wall clock."""
    asked = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    imported = {
        f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    return asked | imported


def test_f26_nobody_reads_the_wall_clock() -> None:
    """What nobody reads may jump as it likes."""
    asked = {
        path.relative_to(ROOT).as_posix(): reads(ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted((ROOT / "sandbox").rglob("*.py"))
    }
    assert "time.monotonic_ns" in asked["sandbox/machines/clock.py"], "the lint is blind"
    assert {path: found for path, names in asked.items() if (found := names & _WALL_CLOCKS)} == {}


@pytest.mark.real
@pytest.mark.patient
@pytest.mark.usefixtures("leftcheck")
def test_f27_the_kernel_process_is_stopped_for_a_while() -> None:
    world = scenario(*(process(name, "cpu 200ms") for name in ("a", "b", "c")), quantum_ns=5 * MS)
    with watch(world, stay=False) as run:
        run.dispatched("c")
        os.kill(run.link.os_pid, signal.SIGSTOP)
        run.go_on(1.5)
        os.kill(run.link.os_pid, signal.SIGCONT)
        run.finish()
        for name in ("a", "b", "c"):
            assert run.ended(name).status == 0
            assert run.ended(name).cpu_ns == pytest.approx(200 * MS, rel=0.05)
        [gap] = run.faults("stood still")
        assert whole(gap.what.figures["for_ns"]) > 1 * S, "it is told how long nobody was scheduled"
