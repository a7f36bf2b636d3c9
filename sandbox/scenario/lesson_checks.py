"""Checks of a lesson: the processes that it names, its other settings, its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sandbox import policies
from sandbox.i18n import LANGUAGES
from sandbox.model.claims import OPERATOR, RUN_FIGURES, owner, spoken_of
from sandbox.model.commands import Spawn
from sandbox.model.problems import Problems, Where
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue, nearest, shown
from sandbox.util.timeout import ALARM

_PART_ENDS = re.compile(r"^---+\s*$", re.MULTILINE)


def parts(text: str) -> list[str]:
    """The parts of a lesson's text: one to read before its first step, one after each step. A line ``---`` stands
    between two parts."""
    return [part.strip() for part in _PART_ENDS.split(text)]


def text_file(scenario: Scenario, language: str) -> Path | None:
    """The file of the lesson's text in a language, if there is a lesson; it may not exist: ``NAME.zh.md`` is the
    Chinese text beside ``NAME.md``."""
    if scenario.lesson is None:
        return None
    path = Path(scenario.folder, scenario.lesson)
    return path if language == "en" else path.with_suffix(f".{language}{path.suffix}")


def check_lesson(scenario: Scenario, problems: Problems) -> None:
    """What is wrong is added to the problems."""
    _check_names(scenario, problems)
    _check_settings(scenario, problems)
    _check_texts(scenario, problems)


def _check_names(scenario: Scenario, problems: Problems) -> None:
    """Claims and steps are about processes that there are."""
    if any(isinstance(at.do, Spawn) for at in scenario.script):
        return  # its name is found out when it is there
    names = sorted(scenario.names)
    for where, name in _spoken_of(scenario):
        if name not in (OPERATOR, *RUN_FIGURES) and owner(name, names) is None:
            allowed, hint = " | ".join(names[:20]), nearest(name, names)
            problems.add(where, "no such process", value=shown(name), allowed=allowed, hint=hint)


def _spoken_of(scenario: Scenario) -> Iterator[tuple[Where, str]]:
    """The names in claims and steps, each with its place."""
    for index, claim in enumerate(scenario.claims):
        for name in spoken_of(claim):
            yield ("claims", str(index)), name
    for index, step in enumerate(scenario.steps):
        yield ("step", str(index), "until"), step.until.who
        if step.process is not None:
            yield ("step", str(index), "process"), step.process


def _check_settings(scenario: Scenario, problems: Problems) -> None:
    """Other settings can be had, and the scenario can be run with them in virtual time."""
    for index, whatif in enumerate(scenario.whatifs):
        where = ("whatif", str(index))
        try:
            policies.build(whatif.applied(scenario).machine, scenario.folder, ALARM)
        except BadValue as bad:
            for _, what in bad.faults:
                problems.add_clause(where, what)
        for process in scenario.processes:
            if process.work is None and process.estimate_ns is None:
                problems.add(where, "cannot be simulated", value=process.runs)


def _check_texts(scenario: Scenario, problems: Problems) -> None:
    """Each text has a part for each step, and one for the end."""
    if not scenario.steps:
        return
    allowed = len(scenario.steps) + 1
    for language in LANGUAGES:
        path = text_file(scenario, language)
        if path is not None and path.is_file():
            found = len(parts(path.read_text(encoding="utf-8", errors="replace")))
            if found != allowed:
                problems.add(("step",), "text has the wrong parts", file=path.name, found=found, allowed=allowed)
