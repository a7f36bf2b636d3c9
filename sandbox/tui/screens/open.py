"""The scenarios: the built-in ones in a list, and a line for the path of any other file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sandbox import wording
from sandbox.i18n import _
from sandbox.lessons.course import finished, in_order, lessons
from sandbox.lessons.text import title
from sandbox.model.commands import UsePolicy
from sandbox.model.spec import Scenario
from sandbox.scenario import BadInput, Problem, built_in, find, load
from sandbox.scenario.headlines import headline
from sandbox.tui.interaction import permitted
from sandbox.tui.screens.dialogs import ChooseOrType, Offer, Tell


class Open(ChooseOrType):
    """Answers the path of a file that has been checked."""

    def __init__(self, present: str) -> None:
        done, taught = finished(), [lesson.name for lesson in lessons()]
        offers = [_offer(path, path.stem in done) for path in in_order()]
        number = sum(name in done for name in taught)
        heading = _("Scenarios: {number} of {all} lessons finished").format(number=number, all=len(taught))
        super().__init__(heading, offers, present, _("or the path of a file, for example ~/mine.toml"))

    def accept(self, id: str) -> None:
        """Answer it, or say what is wrong with it. Whether a policy that it brings is run is asked before."""
        if id not in {path.stem for path in built_in()} and not permitted(self):
            return
        try:
            scenario = read(id, runs=False)
        except BadInput as bad:
            self._refuse(bad)
            return
        if brought := policies_of_its_own(scenario):
            self._ask(id, brought)
        else:
            self._try(id)

    def _ask(self, id: str, brought: list[str]) -> None:
        said = _("This scenario schedules by code of its own, which runs with your rights: {files}")
        dialog = Tell(_("Whom do you trust?"), said.format(files=", ".join(brought)), _("run it"))
        self.app.push_screen(dialog, lambda yes: self._try(id) if yes else None)

    def _try(self, id: str) -> None:
        try:
            read(id)
        except BadInput as bad:
            self._refuse(bad)
        else:
            self.dismiss(id)

    def _refuse(self, bad: BadInput) -> None:
        self.refuse("\n".join([f"{os.path.basename(bad.file)}:", *problems(bad)]))


def policies_of_its_own(scenario: Scenario) -> list[str]:
    """The policies that lie in files beside a scenario."""
    named = [scenario.machine.policy, *(at.do.policy for at in scenario.script if isinstance(at.do, UsePolicy))]
    return sorted({policy for policy in named if ":" in policy})


def read(name: str, runs: bool = True) -> Scenario:
    """The scenario of a file or of a built-in one's name, if this machine can run it. ``runs``: a policy of its own is
    run, to try it. Raises BadInput."""
    scenario = load(find(name), runs)
    if sys.platform != "linux":
        return scenario
    from sandbox.machines.linux import capabilities

    lacking = capabilities.lacks(scenario.machine.cpus)
    if lacking is not None:
        raise BadInput(name, [Problem(0, *lacking)])
    return scenario


def problems(bad: BadInput) -> list[str]:
    """What is wrong with a file, a line each."""
    lines = []
    for problem in bad.problems:
        where = problem.place
        if problem.line:
            where = _("line {line}, {place}") if where else _("line {line}")
            where = where.format(line=problem.line, place=problem.place)
        lines.append(f"{where}: {wording.problem(problem.what)}" if where else wording.problem(problem.what))
    return lines


def _offer(path: Path, done: bool) -> Offer:
    name = path.stem
    shown = f"{'✔' if done else ' '} {name}"
    try:
        return Offer(name, shown, title(headline(path)))
    except BadInput:
        return Offer(name, shown, _("(has faults: choose it to see them)"))
