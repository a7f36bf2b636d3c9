"""Exam problems and textbooks' questions: their answers, exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.model.events import Admitted, Dispatched, Event, PolicyNote
from sandbox.model.spec import ProcessSpec, Scenario
from sandbox.util.units import parse_duration
from sandbox.views.metrics import fold, result
from tests.support.scenarios import gantt, process, scenario, simulate

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors" / "exams.json").read_text("utf-8"))[
    "cases"
]
_FIGURES = ("priority", "repeat")


def times(number: str | float, unit: str) -> str:
    """So many units, as people write it: ``times("3", "10ms")`` is ``30ms``."""
    return f"{float(number) * parse_duration(unit) / 1_000_000:g}ms"


def spec(row: dict[str, Any], unit: str) -> ProcessSpec:
    work = [f"{kind} {times(number, unit)}" for kind, number in (stretch.split() for stretch in row["work"])]
    more: dict[str, Any] = {key: row[key] for key in _FIGURES if key in row}
    if "period" in row:
        more["period_ns"] = parse_duration(times(row["period"], unit))
    return process(row["name"], *work, arrive=times(row["arrive"], unit), **more)


def problem(case: dict[str, Any]) -> Scenario:
    unit = case["unit"]
    parameters = dict(case.get("parameters", {}))
    if "quantum" in parameters:
        parameters["quantum"] = times(parameters["quantum"], unit)
    cost_ns = parse_duration(times(case.get("switch_cost", 0), unit))
    specs = [spec(row, unit) for row in case["processes"]]
    return scenario(*specs, policy=case["policy"], parameters=parameters, switch_cost_ns=cost_ns)


def answers(case: dict[str, Any], events: list[Event]) -> dict[str, Any]:
    """All that a problem may ask for, in its units."""
    unit_ns = parse_duration(case["unit"])
    document = result(fold(events))
    rows, figures = {row["name"]: row for row in document["processes"]}, document["metrics"]
    pieces = [
        [name, start * 1_000_000 / unit_ns, end * 1_000_000 / unit_ns]
        for name, start, end in gantt(events)
        if end > start
    ]
    names = {event.pid: event.name for event in events if isinstance(event, Admitted)}
    begins: dict[str, list[int]] = {name: [] for name in rows}
    for event in events:
        if isinstance(event, Dispatched):
            begins[names[event.pid]].append(event.t_ns)
    missed = [event for event in events if isinstance(event, PolicyNote) and event.note.rule == "missed its deadline"]
    first = missed[0] if missed else None
    used_ns = sum(row["cpu_ns"] for row in rows.values())
    count = len(rows)
    return {
        "gantt": pieces,
        "finish": {name: row["finished_ns"] / unit_ns for name, row in rows.items()},
        "response": {
            name: None if row["response_ns"] is None else row["response_ns"] / unit_ns for name, row in rows.items()
        },
        "again": {name: (at[1] - at[0]) / unit_ns for name, at in begins.items() if len(at) > 1},
        "idle": (figures["makespan_ns"] - used_ns - figures["switching_ns"]) / unit_ns,
        "switches": figures["switches"],
        "switching": figures["switching_ns"] / unit_ns,
        "missed": figures["missed_deadlines"],
        "missed_by": {name: row["missed_deadlines"] for name, row in rows.items()},
        "first_missed": None if first is None else [names[first.pid or 0], first.t_ns / unit_ns],
        "mean_turnaround": sum(row["turnaround_ns"] for row in rows.values()) / count / unit_ns,
        "mean_waiting": sum(row["waiting_ns"] for row in rows.values()) / count / unit_ns,
    }


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_exam_problem_has_the_answer_that_it_should_have(case: dict[str, Any]) -> None:
    found = answers(case, simulate(problem(case)))
    for asked, right in case["answers"].items():
        if isinstance(right, dict):
            assert {key: found[asked][key] for key in right} == right, asked
        elif isinstance(right, float):
            assert found[asked] == pytest.approx(right), asked
        else:
            assert found[asked] == right, asked
