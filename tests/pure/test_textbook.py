"""The textbooks' own tables, exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.model.commands import Look
from sandbox.model.events import Dispatched, Queues
from sandbox.views.metrics import fold, result
from tests.support.scenarios import UNIT, exits, gantt, process, scenario, simulate

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "vectors" / "textbook.json").read_text())[
    "cases"
]
TABLES = [case for case in CASES if "gantt" in case]
(STRIDE,) = [case for case in CASES if "gantt" not in case]


@pytest.mark.parametrize("case", TABLES, ids=[case["name"] for case in TABLES])
def test_textbook(case: dict[str, Any]) -> None:
    jobs = [
        process(
            f"job{index}", f"cpu {job[1] * 10}ms", arrive=f"{job[0] * 10}ms", priority=job[2] if len(job) > 2 else 0
        )
        for index, job in enumerate(case["jobs"])
    ]
    parameters = dict(case["params"])
    ties = parameters.pop("ties", None)
    if "quantum" in parameters:
        parameters["quantum"] = f"{parameters['quantum'] * 10}ms"
    events = simulate(scenario(*jobs, policy=case["policy"], parameters=parameters, ties=ties))
    ends = exits(events)
    assert [ends[f"job{index}"].t_ns // UNIT for index in range(len(jobs))] == case["finish"]
    assert gantt(events) == [(f"job{job}", start * 10.0, end * 10.0) for job, start, end in case["gantt"]]
    figures = result(fold(events))["metrics"]
    for name in ("wait", "turnaround", "response"):
        if f"avg_{name}" in case:
            key = "waiting_ns" if name == "wait" else f"{name}_ns"
            assert figures[key]["mean"] == pytest.approx(case[f"avg_{name}"] * UNIT, abs=1)


def test_the_textbook_on_stride() -> None:
    """The case gives the order of the slices and the passes after the last one."""
    slices = len(STRIDE["order"])
    jobs = [process(f"job{job}", "cpu 1s", tickets=tickets) for job, tickets in enumerate(STRIDE["params"]["tickets"])]
    look = [(f"{slices * 10}ms", Look())]
    events = simulate(scenario(*jobs, policy="stride", parameters={"quantum": "10ms"}, script=look))
    assert [event.pid - 1 for event in events if isinstance(event, Dispatched)][:slices] == STRIDE["order"]
    (seen,) = [event for event in events if isinstance(event, Queues)]
    passes = {task.pid - 1: task.figures["pass"] for task in seen.queues[0].tasks}
    assert [passes[job] for job in range(len(jobs))] == STRIDE["passes"]
