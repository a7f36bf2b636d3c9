"""The content of ``TASKS.toml`` after validation, in the form in which it is sent to the judges.

Each field has the kind that reads it from the file, so the keys, their units, ranges and defaults are defined here
only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from sandbox.analysis.conformance.verdicts import LAWS
from sandbox.analysis.grading.hidden import KINDS
from sandbox.model.claims import AnyClaim, parse_claim
from sandbox.model.ranges import wholes
from sandbox.model.spec import Scenario, Table
from sandbox.model.values import BadValue, Choice, Duration, Flag, Kind, ListOf, Parsed, Text, Whole, shown
from sandbox.util.units import S

T = TypeVar("T")

#: The most hidden workloads of a task, and the most points of all tasks together.
MAX_SEEDS, MAX_POINTS = 1_000, 100_000


class OneOrMore(Kind[list[T]]):
    """A value, or a list of them."""

    def __init__(self, item: Kind[T], most: int = 100) -> None:
        self._item, self._items = item, ListOf(item, 1, most)

    def read(self, raw: object) -> list[T]:
        return self._items.read(raw) if isinstance(raw, list) else [self._item.read(raw)]


class Moment(Kind[float]):
    """A date and time, in the given or the local time zone, as seconds since 1970."""

    def read(self, raw: object) -> float:
        if not isinstance(raw, datetime):
            raise BadValue("expected a moment", value=shown(raw), hint="2026-12-01T23:59:00Z")
        try:
            return raw.timestamp()
        except (OverflowError, ValueError, OSError):
            raise BadValue("expected a moment", value=shown(raw), hint="2026-12-01T23:59:00Z") from None


class Identifier(Kind[str]):
    """The name of a class."""

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or not raw.isidentifier() or len(raw) > 80:
            raise BadValue("not a class", value=shown(raw))
        return raw


class FileName(Kind[str]):
    """The name of a Python file, without a folder."""

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or not raw.endswith(".py") or "/" in raw or "\\" in raw or len(raw) > 80:
            raise BadValue("not a file for a policy", value=shown(raw))
        return raw


def _seeds(text: str) -> list[int]:
    found = wholes(text, Whole(0, 2**53))
    if len(found) > MAX_SEEDS:
        raise BadValue("too many values", value=shown(text), allowed=MAX_SEEDS)
    return [*found]


class TaskSpec(msgspec.Struct):
    """``[[task]]``: its points, and how it is judged: by ``law``, by likeness to a policy (``like``), or by each
    ``claim`` about a ``scenario`` or about hidden workloads of a kind (``workload``), one from each of the ``seeds``.

    ``beside``: policies whose figures claims may use, as in ``rr.response``; ``partial``: points for the parts that
    hold, instead of all or nothing; ``real``: the claims are about runs on real processes, so they should be about
    order and accounting; ``limit``: the time limit (None: that of the assignment)."""

    points: Annotated[int, Whole(1, MAX_POINTS)]
    name: Annotated[str, Text(80)] = ""
    law: Annotated[list[str], OneOrMore(Choice(*LAWS))] = []
    like: Annotated[str | None, Text(300)] = None
    claim: Annotated[list[AnyClaim], OneOrMore(Parsed(parse_claim))] = []
    scenario: Annotated[str | None, Text(300)] = None
    workload: Annotated[str | None, Choice(*KINDS)] = None
    seeds: Annotated[list[int], Parsed(_seeds)] = msgspec.field(default_factory=lambda: [1])
    beside: Annotated[list[str], OneOrMore(Text(300), 20)] = []
    class_name: Annotated[str | None, Identifier()] = None
    parameters: Annotated[dict[str, Any], Table()] = {}
    reference: Annotated[str | None, Text(300)] = None
    partial: Annotated[bool, Flag()] = False
    real: Annotated[bool, Flag()] = False
    limit_ns: Annotated[int | None, Duration("1s", "3600s")] = None

    @property
    def title(self) -> str:
        """The name, or a description if it has none."""
        return self.name or ", ".join(self.law) or (f"like {self.like}" if self.like else "claims")


class AssignmentSpec(msgspec.Struct):
    """The top level of the file. ``seed``: from which hidden workloads are drawn; ``workloads``: the number of random
    workloads for laws and likeness; ``file``: the name of the file in a student's folder; ``class_name``: the class in
    it (None: the first policy); ``reference``: a policy that solves the tasks, with which counterexamples are made
    small; ``due`` and ``late``: the deadline, and the percentage that is deducted for each day begun since;
    ``imports``: other modules that may be imported (None: not checked); ``limit``: the time limit of each task."""

    title: Annotated[str, Text(120)] = "assignment"
    seed: Annotated[int, Whole(0, 2**53)] = 1
    workloads: Annotated[int, Whole(1, 10_000)] = 100
    file: Annotated[str | None, FileName()] = None
    class_name: Annotated[str | None, Identifier()] = None
    reference: Annotated[str | None, Text(300)] = None
    parameters: Annotated[dict[str, Any], Table()] = {}
    due: Annotated[float | None, Moment()] = None
    late: Annotated[int, Whole(0, 100)] = 0
    imports: Annotated[list[str] | None, ListOf(Text(80), 0, 200)] = None
    limit_ns: Annotated[int, Duration("1s", "3600s")] = 60 * S


class Task(msgspec.Struct):
    """A task, and the scenario of its claims."""

    spec: TaskSpec
    scenario: Scenario | None = None


class Assignment(msgspec.Struct):
    """An assignment. ``tasks``: at least one."""

    spec: AssignmentSpec
    tasks: list[Task]

    @property
    def points(self) -> int:
        """The sum of the points of all tasks."""
        return sum(task.spec.points for task in self.tasks)

    def limit_s(self, task: Task) -> float:
        """Return the time limit of a task in seconds."""
        return (task.spec.limit_ns or self.spec.limit_ns) / S

    def class_of(self, task: Task) -> str | None:
        """Return the name of the class that a task judges; None: the first policy of the file."""
        return task.spec.class_name or self.spec.class_name

    def reference_of(self, task: Task) -> str | None:
        """Return the policy that solves a task, or None if none is known."""
        return task.spec.reference or self.spec.reference or task.spec.like

    def parameters_of(self, task: Task) -> dict[str, Any]:
        """Return the parameters to set, as far as a submission has them."""
        return {**self.spec.parameters, **task.spec.parameters}
