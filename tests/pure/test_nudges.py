"""Schedules that hang on ties, and such that do not."""

from __future__ import annotations

from sandbox.analysis.comparison.sensitivity import sensitivity
from sandbox.model.spec import Scenario
from sandbox.scenario import find, load
from sandbox.views.metrics import fold
from tests.support.scenarios import process, scenario, simulate


def share(world: Scenario) -> float:
    return sensitivity(world, fold(simulate(world))).share


def test_a_tie_between_remaining_times_decides_who_is_last() -> None:
    tie = scenario(process("a", "cpu 100ms"), process("b", "cpu 50ms", arrive="50ms"), policy="srtf")
    clear = scenario(process("a", "cpu 100ms"), process("b", "cpu 40ms", arrive="50ms"), policy="srtf")
    assert share(tie) > 0.4
    assert share(clear) < 0.02


def test_the_textbooks_table_hangs_on_one_but_not_under_every_policy() -> None:
    world = load(find("arrivals"))
    world.machine.policy = "srtf"
    found = sensitivity(world, fold(simulate(world)))
    assert found.name in ("B", "D"), "both have 500 ms left when E ends"
    assert found.share > 0.3
    world.machine.policy = "fcfs"
    assert share(world) < 0.02
