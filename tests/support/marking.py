"""Submissions that are judged in this process: only those that somebody has read."""

from __future__ import annotations

import msgspec

from sandbox import policies
from sandbox.analysis.conformance.trial import Candidate, Native
from sandbox.analysis.conformance.verdicts import IDLE, STARVED
from sandbox.analysis.grading.assignment import Assignment, Task
from sandbox.analysis.grading.judge import Judge
from sandbox.policies import choice


class AtHome:
    """A submission that lives here."""

    def __init__(self, file: str, assignment: Assignment) -> None:
        self._file, self._assignment = file, assignment

    def candidate(self, task: Task) -> Candidate:
        source = self._file if not self._file.endswith(".py") else f"{self._file}:{self._assignment.class_of(task)}"
        kind = policies.find(source)
        declared = {parameter.name for parameter in kind.declared()}
        wanted = self._assignment.parameters_of(task)
        parameters = {name: value for name, value in wanted.items() if name in declared}
        policy = kind(parameters)
        laws = [law for law, says in ((IDLE, policy.idles), (STARVED, policy.starves)) if says]
        return Native("mine", source, parameters, laws)

    def reference(self, text: str, task: Task) -> Candidate:
        return Native(*choice.parse(text))


def points(file: str, assignment: Assignment) -> list[float]:
    """What a submission gets for each task."""
    judge = Judge(assignment, AtHome(file, assignment))
    return [round(judge.mark(task).share * task.spec.points, 2) for task in assignment.tasks]


def smaller(assignment: Assignment, workloads: int) -> Assignment:
    """The same with fewer random workloads."""
    spec = msgspec.structs.replace(assignment.spec, workloads=workloads)
    return msgspec.structs.replace(assignment, spec=spec)
