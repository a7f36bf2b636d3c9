"""The lessons on policies: what their texts say without asking the run comes true in virtual time."""

from __future__ import annotations

import msgspec

from sandbox.lessons.text import lesson_text
from sandbox.model.spec import Scenario
from sandbox.scenario import find, load
from sandbox.views.figures import figures
from sandbox.views.history import History
from sandbox.views.metrics import fold
from sandbox.views.tracker import LessonTracker
from tests.support.scenarios import simulate


def world(name: str, policy: str | None = None, scripted: bool = True) -> Scenario:
    """A built-in scenario; under another policy, or without its operator."""
    scenario = load(find(name))
    if policy is not None:
        scenario.machine = msgspec.structs.replace(scenario.machine, policy=policy, parameters={})
    if not scripted:
        scenario.script = []
    return scenario


def run(name: str, policy: str | None = None, scripted: bool = True) -> tuple[History, dict[str, str]]:
    events, story = simulate(world(name, policy, scripted)), LessonTracker()
    for event in events:
        story.add(event)
    history = fold(events)
    return history, {name: figure.shown for name, figure in figures(history, story).items()}


def finished_ms(history: History) -> dict[str, float]:
    """When each was done."""
    return {life.admitted.name: life.exited.t_ns / 1e6 for life in history.lives.values() if life.exited}


def says(name: str) -> str:
    return " ".join((lesson_text(load(find(name))) or "").split())


def test_mlfq_favours_the_shell_without_being_told() -> None:
    _, own = run("mlfq")
    _, under_rr = run("mlfq", "rr")
    assert (own["shell.waiting"], under_rr["shell.waiting"]) == ("20 ms", "330 ms")


def test_tickets_are_shares_on_average_by_lot_and_exactly_by_stride() -> None:
    history, _ = run("lottery")
    assert max(finished_ms(history).values()) - min(finished_ms(history).values()) > 100
    _, exact = run("lottery", "stride")
    gold, silver, bronze = (exact[f"{name}.turnaround"] for name in ("gold", "silver", "bronze"))
    assert f"{gold}, {silver} and {bronze}" in says("lottery")


def test_nice_deals_the_cpu_by_weight() -> None:
    fair, _ = run("nice")
    done = finished_ms(fair)
    assert max(done.values()) - min(done.values()) < 15
    rr, _ = run("nice", "rr")
    assert min(finished_ms(rr), key=finished_ms(rr).__getitem__) == "nice-10"
    eevdf, _ = run("nice", "eevdf")
    assert eevdf.switches < fair.switches


def test_earliest_deadline_first_is_in_time_where_rate_monotonic_is_not() -> None:
    assert run("deadlines")[1]["missed"] == "0"
    assert run("deadlines", "rm")[1]["missed"] == "2"
    assert "late twice" in says("deadlines")


def test_the_report_starves_until_it_ages() -> None:
    aged, starving = run("starvation")[1], run("starvation", scripted=False)[1]
    assert aged["report.response"] == "1.92 s"
    assert f"Without aging: after {starving['report.response']}" in says("starvation")
