"""The rooms in which a submission runs while it is judged, one after another if they end."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from sandbox import policies
from sandbox.analysis.conformance.bench import Bench, contents
from sandbox.analysis.conformance.examinee import Examinee
from sandbox.analysis.conformance.messages import Classes
from sandbox.analysis.conformance.room import Room
from sandbox.analysis.conformance.trial import Candidate, Native
from sandbox.analysis.grading.assignment import Assignment, Task
from sandbox.analysis.grading.marks import IMPORTS
from sandbox.analysis.grading.real import RealRuns, ours, strangers
from sandbox.model.clause import Clause
from sandbox.model.values import BadValue
from sandbox.policies import choice
from sandbox.policies.host import validate

#: Modules that may always be imported.
_OURS = ("sandbox.policies", "__future__")
_MAX_IMPORTS = 20
#: The time limit of reading a file without running it.
_LOOK_S = 60.0
#: The most classes of a file that are tried to find the first policy.
_MAX_CLASSES = 50


class Lodgings:
    """The rooms of one submission. Raises BadValue if it has no policy."""

    def __init__(self, what: str, assignment: Assignment, strict: bool) -> None:
        self._what, self._assignment = what, assignment
        self._bench = Bench(sum(map(assignment.limit_s, assignment.tasks)), strict)
        self._room: Room | None = None
        #: Why policies cannot be used. One that has ended its room is not tried again, because that may take long.
        self._lost: dict[str, BadValue] = {}
        self._contents = contents(what, self._living(_LOOK_S)) if what.endswith(".py") else Classes(0, [])

    def candidate(self, task: Task) -> Candidate:
        """Return the policy that a task judges, with its parameters. Raises BadValue."""
        limit_s = self._assignment.limit_s(task)
        names = self._names(task)
        for number, name in enumerate(names):
            try:
                found = self._introduced(name, self._assignment.parameters_of(task), limit_s)
            except BadValue as bad:
                if bad.what.rule != "not a policy" or number + 1 == len(names):
                    raise
            else:
                if not task.spec.real:
                    return found
                return RealRuns(found.name, strangers(partial(self._moved, name, task), limit_s))
        raise BadValue("no policy in the file", value=os.path.basename(self._what))

    def _moved(self, name: str, task: Task) -> Examinee:
        """Return the policy in a new room, which is not shared with other questions."""
        self._leave()
        return self._introduced(name, self._assignment.parameters_of(task), self._assignment.limit_s(task))

    def reference(self, text: str, task: Task) -> Candidate:
        """Return a policy of the teacher. Raises BadValue."""
        if not task.spec.real:
            return self._bench.reference(text)
        limit_s = self._assignment.limit_s(task)
        if text.partition(":")[0] in policies.BUILT_IN:
            return RealRuns(text, ours(Native(*choice.parse(text)), limit_s))
        return RealRuns(text, strangers(lambda: self._bench.examinee(text, self._bench.room(text), limit_s), limit_s))

    @property
    def tried(self) -> list[Clause]:
        """What the submission has tried to access, and unneeded imports. Complete once all rooms have ended."""
        tried = {(each.rule, each.text("path")): each for room in self._bench.rooms for each in room.tried}
        modules = [module for module in self._contents.imports if self._is_foreign(module)]
        imports = [Clause(IMPORTS, {"module": validate.line(module, 80)}) for module in modules[:_MAX_IMPORTS]]
        return [*imports, *tried.values()]

    def _is_foreign(self, module: str) -> bool:
        """Whether a module may not be imported; if the assignment has no list, internal modules of this package."""
        if module in _OURS:
            return False
        allowed = self._assignment.spec.imports
        return module.startswith("sandbox.") if allowed is None else module not in allowed

    def end(self) -> None:
        """End all rooms."""
        self._bench.end()

    def _living(self, limit_s: float) -> Room:
        """Return a room that is alive, with this time limit from now on."""
        if self._room is None or self._room.ended:
            self._leave()
            self._room = self._bench.room(self._what)
        self._room.begin(limit_s)
        return self._room

    def _leave(self) -> None:
        if self._room is not None:
            self._room.end()
            self._room = None

    def _names(self, task: Task) -> list[str]:
        """Return the policies that a task may refer to."""
        if not self._what.endswith(".py"):
            return [self._what]
        if (name := self._assignment.class_of(task)) is not None:
            return [f"{self._what}:{name}"]
        return [f"{self._what}:{name}" for name in self._contents.names if name.isidentifier()][:_MAX_CLASSES]

    def _introduced(self, name: str, parameters: dict[str, Any], limit_s: float) -> Examinee:
        """Return the policy with those of the parameters that it has. Raises BadValue."""
        wanted = {key: text for key, raw in parameters.items() if (text := _written(raw)) is not None}
        if name in self._lost:
            raise self._lost[name]
        while True:
            text = ":".join([name, *(f"{key}={value}" for key, value in wanted.items())])
            try:
                return self._bench.examinee(text, self._living(limit_s), limit_s, name=_shown(name))
            except BadValue as bad:
                unknown = bad.what.text("value") if bad.what.rule == "no such parameter" else None
                if unknown is None or unknown not in wanted:
                    self._lost[name] = bad
                    raise
                del wanted[unknown]


def _written(raw: object) -> str | None:
    """Return a parameter's value as it is written on a command line; None if that is impossible."""
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, list):
        return "/".join(map(str, raw))
    return str(raw) if isinstance(raw, (str, int, float)) and ":" not in str(raw) else None


def _shown(name: str) -> str:
    """Return a policy's name without the folder of its file."""
    file, colon, rest = name.partition(":")
    return f"{os.path.basename(file)}{colon}{rest}" if file.endswith(".py") else name
