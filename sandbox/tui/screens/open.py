"""The scenarios: the built-in ones in a list, and a line for the path of any other file."""

from __future__ import annotations

import os

from sandbox import wording
from sandbox.i18n import _
from sandbox.lessons.course import finished, in_order
from sandbox.lessons.text import title
from sandbox.model.spec import Scenario
from sandbox.scenario import BadInput, Problem, find, load
from sandbox.tui.screens.dialogs import ChooseOrType, Offer


class Open(ChooseOrType):
    """Answers the path of a file that has been checked."""

    def __init__(self, present: str) -> None:
        paths, done = in_order(), finished()
        offers = [_offer(str(path), path.stem in done) for path in paths]
        number = sum(path.stem in done for path in paths)
        heading = _("Scenarios: {number} of {all} lessons finished").format(number=number, all=len(paths))
        super().__init__(heading, offers, present, _("or the path of a file, for example ~/mine.toml"))

    def accept(self, id: str) -> None:
        """Answer it, or say what is wrong with it."""
        try:
            read(id)
        except BadInput as bad:
            self.refuse("\n".join([f"{os.path.basename(bad.file)}:", *problems(bad)]))
        else:
            self.dismiss(id)


def read(name: str) -> Scenario:
    """The scenario of a file or of a built-in one's name, if this machine can run it. Raises BadInput."""
    from sandbox.machines.linux.capabilities import lacks

    scenario = load(find(name))
    lacking = lacks(scenario.machine.cpus)
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


def _offer(path: str, done: bool) -> Offer:
    name = os.path.basename(path).removesuffix(".toml")
    shown = f"{'✔' if done else ' '} {name}"
    try:
        return Offer(name, shown, title(load(path)))
    except BadInput:
        return Offer(name, shown, _("(has faults: choose it to see them)"))
