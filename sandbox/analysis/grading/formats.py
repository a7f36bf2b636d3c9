"""Reports for programs: course platforms, CI servers, spreadsheets. Always in English."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from sandbox import wording
from sandbox.analysis.conformance.junit import Case, Suite, junit
from sandbox.analysis.grading import report
from sandbox.analysis.grading.assignment import Assignment, Task
from sandbox.analysis.grading.marks import Graded, Mark, points, total
from sandbox.model.schemas import GRADE, stamped
from sandbox.wording import grading as words

#: The columns of a page.
_WIDTH = 80
#: The most characters of a page.
_MAX_PAGE = 20_000
CLASSROOM50 = "classroom50/result/v1"


def page(graded: Graded, assignment: Assignment) -> str:
    """Return the page for a student as plain text."""
    lines = ("".join(text for text, _ in line).rstrip() for line in report.page(graded, assignment, _WIDTH))
    return "\n".join(lines)[:_MAX_PAGE]


def gradescope(graded: Graded, assignment: Assignment) -> dict[str, Any]:
    """Return ``results/results.json`` of Gradescope."""
    tests = [
        {
            "name": task.spec.name,
            "score": points(mark.share, task.spec.points),
            "max_score": task.spec.points,
            "status": "passed" if mark.share == 1 else "failed",
            "output": _says(graded, mark),
            "visibility": "visible",
        }
        for task, mark in zip(assignment.tasks, graded.marks, strict=True)
    ]
    return {
        "score": total(graded, report.most(assignment), assignment.spec.late),
        "output": page(graded, assignment),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "execution_time": round(graded.seconds, 3),
        "tests": tests,
        "leaderboard": [],
    }


def classroom50(graded: Graded, assignment: Assignment) -> dict[str, Any]:
    """Return ``result.json`` of Classroom 50, with points rounded down to integers."""
    tests = [
        {
            "test-name": task.spec.name,
            "passed": mark.share == 1,
            "score": int(points(mark.share, task.spec.points)),
            "max-score": task.spec.points,
            "output": _says(graded, mark),
        }
        for task, mark in zip(assignment.tasks, graded.marks, strict=True)
    ]
    return {
        "schema": CLASSROOM50,
        "score": int(total(graded, report.most(assignment), assignment.spec.late)),
        "max-score": assignment.points,
        "tests": tests,
    }


def document(graded: Graded, assignment: Assignment) -> dict[str, Any]:
    """Return the complete JSON document; times in ns."""
    body = {
        "student": graded.name,
        "file": graded.file,
        "assignment": assignment.spec.title,
        "status": graded.status,
        "points": total(graded, report.most(assignment), assignment.spec.late),
        "most": assignment.points,
        "late_days": graded.late_days,
        "problems": [_clause(clause, wording.problem) for clause in graded.fault],
        "tried": [_clause(clause, words.tried) for clause in graded.tried],
        "tasks": [_task(task, mark) for task, mark in zip(assignment.tasks, graded.marks, strict=True)],
    }
    return stamped(GRADE, body, assignment.spec.seed)


def _clause(clause: Any, says: Callable[[Any], str]) -> dict[str, Any]:
    return {"rule": clause.rule, "figures": clause.figures, "says": says(clause)}


def _task(task: Task, mark: Mark) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": task.spec.name,
        "points": points(mark.share, task.spec.points),
        "most": task.spec.points,
        "says": "" if mark.says is None else words.shortcoming(mark.says, mark.lost),
        "parts": [
            {
                "name": part.name,
                "held": part.held,
                "seed": part.seed,
                "says": "" if part.says is None else words.shortcoming(part.says),
            }
            for part in mark.parts
        ],
    }
    if mark.example is not None:
        world = mark.example.scenario
        found["workload"] = {
            "machine": msgspec.to_builtins(world.machine),
            "processes": msgspec.to_builtins(world.processes),
            "script": msgspec.to_builtins(world.script),
        }
        found["t_ns"] = mark.example.violation.t_ns
    return found


def _says(graded: Graded, mark: Mark) -> str:
    if mark.says is not None:
        return words.shortcoming(mark.says, mark.lost)
    if graded.fault:
        return "; ".join(map(wording.problem, graded.fault))
    return "" if mark.share == 1 else words.status(graded.status)


def as_junit(everyone: Sequence[Graded], assignment: Assignment) -> bytes:
    """Return JUnit XML with a suite for each student and a case for each task. The first failure contains the page."""
    return junit([_suite(graded, assignment) for graded in everyone])


def _suite(graded: Graded, assignment: Assignment) -> Suite:
    cases = []
    told = False
    for task, mark in zip(assignment.tasks, graded.marks, strict=True):
        outcome = "passed" if mark.share == 1 else "failed" if graded.status == "graded" else "error"
        details = "" if mark.share == 1 or told else page(graded, assignment)
        told = told or bool(details)
        got = f"{report.shown(points(mark.share, task.spec.points))} of {task.spec.points}"
        cases.append(Case(task.spec.name, outcome, f"{got}: {_says(graded, mark)}".removesuffix(": "), details))
    return Suite(graded.name, cases, graded.seconds)


def as_csv(everyone: Sequence[Graded], assignment: Assignment) -> str:
    """Return CSV with a row for each student."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(
        [
            "student",
            "file",
            "status",
            "points",
            "most",
            "late_days",
            *(task.spec.name for task in assignment.tasks),
            "tried",
        ]
    )
    for graded in everyone:
        marks = [
            report.shown(points(mark.share, task.spec.points))
            for task, mark in zip(assignment.tasks, graded.marks, strict=True)
        ]
        earned = report.shown(total(graded, report.most(assignment), assignment.spec.late))
        head = [_harmless(graded.name), _harmless(graded.file), graded.status, earned, assignment.points]
        rows.writerow([*head, graded.late_days, *marks, _harmless("; ".join(map(words.tried, graded.tried)))])
    return file.getvalue()


def _harmless(cell: str) -> str:
    """Escape a cell that a spreadsheet would take for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
