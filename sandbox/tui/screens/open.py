"""The dialog to open a scenario: a list of the built-in ones, and a line for the path of any other file."""

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
    """A dialog whose result is the name or path of a valid scenario."""

    def __init__(self, present: str) -> None:
        done, taught = finished(), [lesson.name for lesson in lessons()]
        offers = [_offer(path, path.stem in done) for path in in_order()]
        number = sum(name in done for name in taught)
        heading = _("Scenarios: {number} of {all} lessons finished").format(number=number, all=len(taught))
        super().__init__(heading, offers, present, _("or the path of a file, for example ~/mine.toml"))

    def accept(self, id: str) -> None:
        """Close with this scenario, or show what is wrong with it. The user is asked first whether to run policy code
        that it brings."""
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
    """Return the policies of a scenario that are defined in files of its own."""
    named = [scenario.machine.policy, *(at.do.policy for at in scenario.script if isinstance(at.do, UsePolicy))]
    return sorted({policy for policy in named if ":" in policy})


def read(name: str, runs: bool = True) -> Scenario:
    """Return the scenario of a file or of a built-in name, if this machine can run it. ``runs``: try its own policy by
    running it. Raises BadInput."""
    scenario = load(find(name), runs)
    if sys.platform != "linux":
        return scenario
    from sandbox.machines.linux import capabilities

    lacking = capabilities.lacks(scenario.machine.cpus)
    if lacking is not None:
        raise BadInput(name, [Problem(0, *lacking)])
    return scenario


def problems(bad: BadInput) -> list[str]:
    """Return what is wrong with a file, one line per problem."""
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
