"""What a scenario says of its lesson fits together: whom it speaks of, what else it imagines, its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sandbox import policies
from sandbox.i18n import LANGUAGES
from sandbox.model.claims import OPERATOR, RUN_FIGURES, owner, spoken_of
from sandbox.model.commands import Spawn
from sandbox.model.events import Clause
from sandbox.model.spec import Scenario
from sandbox.model.values import Refused, nearest, shown
from sandbox.util.timeout import ALARM

#: Where in the file something is, and what is wrong with it.
Fault = tuple[tuple[str, ...], Clause]

_PART_ENDS = re.compile(r"^---+\s*$", re.MULTILINE)


def parts(text: str) -> list[str]:
    """What of a lesson is read before its first step is done, after each of them, and after the last; a line ``---``
    stands between two parts."""
    return [part.strip() for part in _PART_ENDS.split(text)]


def text_file(scenario: Scenario, language: str) -> Path | None:
    """The file of the lesson's text in a language, if there is a lesson; it may not exist: ``NAME.zh.md`` is the
    Chinese text beside ``NAME.md``."""
    if scenario.lesson is None:
        return None
    path = Path(scenario.folder, scenario.lesson)
    return path if language == "en" else path.with_suffix(f".{language}{path.suffix}")


def faults(scenario: Scenario) -> Iterator[Fault]:
    """All that is wrong."""
    yield from _people(scenario)
    yield from _settings(scenario)
    yield from _texts(scenario)


def _people(scenario: Scenario) -> Iterator[Fault]:
    """Claims and steps are about processes that there are."""
    if any(isinstance(at.do, Spawn) for at in scenario.script):
        return  # its name is found out when it is there
    names = sorted(scenario.names)
    for where, name in _spoken_of(scenario):
        if name not in (OPERATOR, *RUN_FIGURES) and owner(name, names) is None:
            figures = {"value": shown(name), "allowed": " | ".join(names[:20]), "hint": nearest(name, names)}
            yield where, Clause("no such process", {**figures})


def _spoken_of(scenario: Scenario) -> Iterator[tuple[tuple[str, ...], str]]:
    """Whom a lesson speaks of, and where."""
    for index, claim in enumerate(scenario.claims):
        for name in spoken_of(claim):
            yield ("claims", str(index)), name
    for index, step in enumerate(scenario.steps):
        yield ("step", str(index), "until"), step.until.who
        if step.process is not None:
            yield ("step", str(index), "process"), step.process


def _settings(scenario: Scenario) -> Iterator[Fault]:
    """Other settings can be had, and the scenario can be run with them in virtual time."""
    for index, whatif in enumerate(scenario.whatifs):
        where = ("whatif", str(index))
        try:
            policies.build(whatif.applied(scenario).machine, scenario.folder, ALARM)
        except Refused as refused:
            yield from ((where, clause) for _, clause in refused.faults)
        for process in scenario.processes:
            if process.work is None and process.estimate_ns is None:
                yield where, Clause("cannot be simulated", {"value": process.runs})


def _texts(scenario: Scenario) -> Iterator[Fault]:
    """Each text has a part for each step, and one for the end."""
    if not scenario.steps:
        return
    wanted = len(scenario.steps) + 1
    for language in LANGUAGES:
        path = text_file(scenario, language)
        if path is not None and path.is_file():
            found = len(parts(path.read_text(encoding="utf-8", errors="replace")))
            if found != wanted:
                yield (
                    ("step",),
                    Clause("text has the wrong parts", {"file": path.name, "found": found, "allowed": wanted}),
                )
