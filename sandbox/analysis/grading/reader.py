"""Reads ``TASKS.toml``. All problems are reported at once, with their places and what is allowed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from sandbox.analysis.conformance.messages import ExamineTask
from sandbox.analysis.conformance.run import run
from sandbox.analysis.grading.assignment import MAX_POINTS, Assignment, AssignmentSpec, Task, TaskSpec
from sandbox.analysis.grading.figures import MORE
from sandbox.machines.simulate import obstacles
from sandbox.model.claims import RUN_FIGURES, owner, spoken_of
from sandbox.model.problems import BadInput, Problems, Where
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue, nearest, shown
from sandbox.policies import choice
from sandbox.scenario import built_in, find, load
from sandbox.scenario.checks import lies_beside
from sandbox.scenario.reader import parse
from sandbox.scenario.tables import Tables, kinds

#: The most tasks of an assignment.
MAX_TASKS = 200
_HOW = ("law", "like", "claim")
#: The time limit of creating a policy, in seconds.
_TRY_S = 30.0
#: Keys that are allowed with claims only.
_CLAIMS_ONLY = ("scenario", "workload", "seeds", "beside", "real")


def read(path: str) -> Assignment:
    """Read the assignment of a file. Raises BadInput."""
    problems = Problems()
    table = parse(Path(path), problems)
    found = _Reader(path, problems).read(table) if table is not None else None
    if problems.found or found is None:
        raise BadInput(path, problems.found)
    return found


def figure_name(policy: str) -> str:
    """Return the prefix of another policy's figures in claims: ``rr`` for ``rr:quantum=1ms``, ``mine`` for
    ``mine.py:Mine``."""
    return os.path.basename(policy.partition(":")[0]).removesuffix(".py")


class _Reader:
    def __init__(self, path: str, problems: Problems) -> None:
        self._folder = os.path.dirname(os.path.abspath(path))
        self._problems = problems
        self._tables = Tables(problems)
        #: Policies in files of the assignment's folder, and the places that name them.
        self._in_files: dict[str, list[Where]] = {}

    def read(self, table: dict[str, Any]) -> Assignment | None:
        """Read the table. The result is valid only if there are no problems."""
        self._tables.refuse_unknown((), table, [*kinds(AssignmentSpec), "task"])
        own = {key: value for key, value in table.items() if key in kinds(AssignmentSpec)}
        spec = self._tables.struct((), AssignmentSpec, own)
        raws = self._tables.tables("task", table)
        if not raws:
            self._problems.add((), "is missing", key="[[task]]")
        if len(raws) > MAX_TASKS:
            self._problems.add(("task",), "too many tables", number=len(raws), allowed=MAX_TASKS)
        tasks = [task for index, raw in enumerate(raws[:MAX_TASKS]) if (task := self._task(index, raw)) is not None]
        if spec is not None:
            spec.reference = self._policy(("reference",), spec.reference)
        if sum(task.spec.points for task in tasks) > MAX_POINTS:
            self._problems.add(("task",), "too many points", allowed=MAX_POINTS)
        self._check_names(tasks)
        self._try_files()
        return None if spec is None else Assignment(spec, tasks)

    def _task(self, index: int, raw: dict[str, Any]) -> Task | None:
        where = ("task", str(index))
        spec = self._tables.struct(where, TaskSpec, raw)
        how = [key for key in _HOW if key in raw]
        if len(how) != 1:
            rule = "says nothing to judge" if not how else "says more than one thing to judge"
            self._problems.add(where, rule, found=" + ".join(how) or None, allowed=" | ".join(_HOW))
        if "claim" not in raw:
            for key in (key for key in _CLAIMS_ONLY if key in raw):
                self._problems.add((*where, key), "belongs to others only", owner="claim")
        elif ("scenario" in raw) == ("workload" in raw):
            rule = "says nothing to judge" if "scenario" not in raw else "says more than one thing to judge"
            found = "scenario + workload" if "scenario" in raw else None
            self._problems.add(where, rule, found=found, allowed="scenario | workload")
        if "scenario" in raw and "seeds" in raw:
            self._problems.add((*where, "seeds"), "belongs to others only", owner="workload")
        if spec is None:
            return None
        spec.like = self._policy((*where, "like"), spec.like)
        spec.reference = self._policy((*where, "reference"), spec.reference)
        spec.beside = [self._policy((*where, "beside"), each) or each for each in spec.beside]
        scenario = self._scenario((*where, "scenario"), spec.scenario, spec.real)
        self._check_claims(where, spec, scenario)
        return Task(spec, scenario)

    def _policy(self, where: Where, text: str | None) -> str | None:
        """Check the name of a policy, and return it with the path of its file, which has to be in our folder."""
        if text is None:
            return None
        head = text.partition(":")[0]
        try:
            if not head.endswith(".py"):
                choice.parse(text)
            elif lies_beside(self._problems, where, self._folder, head):
                if ":" not in text:
                    raise BadValue("which class", value=shown(head), allowed=f"{head}:Class")
                text = os.path.join(self._folder, text)
                self._in_files.setdefault(text, []).append(where)
        except BadValue as bad:
            self._problems.add_bad_value(where, bad)
        return text

    def _try_files(self) -> None:
        """Check the policies in files, in the same isolation in which they run when submissions are judged."""
        tasks = [ExamineTask(text, None, 1, 0, _TRY_S) for text in self._in_files]
        for task, (outcome, _) in zip(tasks, run(tasks) if tasks else (), strict=True):
            if isinstance(outcome, BadValue):
                policy = ":".join(task.what.split(":")[:2])
                bad = BadValue.all([(inside.removeprefix(policy), what) for inside, what in outcome.faults])
                for where in self._in_files[task.what]:
                    self._problems.add_bad_value(where, bad)

    def _scenario(self, where: Where, name: str | None, real: bool) -> Scenario | None:
        """Read a built-in scenario, or a file in our folder."""
        if name is None:
            return None
        try:
            path = Path(self._folder) / name
            if name in {file.stem for file in built_in()} or (path.suffix != ".toml" and not path.exists()):
                path = find(name)  # raises with a list of the scenarios
            elif not lies_beside(self._problems, where, self._folder, name):
                return None
            scenario = load(path, runs=False)
        except BadInput as bad:
            for problem in bad.problems:
                inside = " ".join(filter(None, (f"({bad.file}:{problem.line})" if problem.line else "", problem.place)))
                self._problems.add_clause(where, problem.what, f" {inside}" if inside else "")
            return None
        for problem in () if real else obstacles(scenario):
            self._problems.add_clause(where, problem.what, f" {problem.place}")
        if not scenario.processes:
            self._problems.add(where, "nothing to run")
        return msgspec.structs.replace(scenario, lesson=None, steps=[], claims=[], whatifs=[])

    def _check_claims(self, where: Where, spec: TaskSpec, scenario: Scenario | None) -> None:
        """Check that claims use existing figures and processes. Those of hidden workloads cannot be named."""
        heads = [*map(figure_name, spec.beside)]
        names = [process.name for process in scenario.processes] if scenario is not None else []
        if spec.scenario is not None and scenario is None:
            return
        for number, name in _spoken_of(spec):
            head = owner(name, heads)
            bare = name if head is None else name[len(head) + 1 :]
            if bare in (*RUN_FIGURES, *MORE) or owner(bare, names) is not None:
                continue
            allowed = [*names[:20], *heads, *RUN_FIGURES, *MORE]
            place = (*where, "claim", str(number)) if len(spec.claim) > 1 else (*where, "claim")
            said, hint = " | ".join(allowed), nearest(name, allowed)
            self._problems.add(place, "nothing to claim about", value=shown(name), allowed=said, hint=hint)

    def _check_names(self, tasks: list[Task]) -> None:
        """Check that names of tasks are unique, and number those without a name that would be equal."""
        seen: set[str] = set()
        for number, task in enumerate(tasks, 1):
            if task.spec.title in seen:
                if task.spec.name:
                    self._problems.add(("task", str(number - 1), "name"), "two tasks of one name", value=task.spec.name)
                task.spec.name = f"{task.spec.title} ({number})"
            elif not task.spec.name:
                task.spec.name = task.spec.title
            seen.add(task.spec.name)


def _spoken_of(spec: TaskSpec) -> Iterator[tuple[int, str]]:
    for number, claim in enumerate(spec.claim):
        for name in spoken_of(claim):
            yield number, name
