"""The textbooks' own tables, exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox import policies
from sandbox.metrics import fold, result
from tests.worlds import UNIT, exits, gantt, process, scenario, simulate

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "vectors" / "textbook.json").read_text())[
    "cases"
]
KNOWN = [case for case in CASES if case["policy"] in policies.names() and "gantt" in case]


@pytest.mark.parametrize("case", KNOWN, ids=[case["name"] for case in KNOWN])
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
