"""Checks of a lesson: the processes that it names, its what-if settings, its text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from sandbox import policies
from sandbox.i18n import LANGUAGES
from sandbox.model.claims import OPERATOR, RUN_FIGURES, owner, spoken_of
from sandbox.model.commands import Spawn
from sandbox.model.problems import Problems, Where
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue, nearest, shown
from sandbox.scenario.texts import parts, read_text
from sandbox.util.timeout import ALARM


def check_lesson(scenario: Scenario, problems: Problems, runs: bool) -> None:
    """Check a lesson, and add its faults to the problems. ``runs``: policies' files may be run."""
    _check_names(scenario, problems)
    _check_settings(scenario, problems, runs)
    _check_texts(scenario, problems)


def _check_names(scenario: Scenario, problems: Problems) -> None:
    """Check that claims and steps name only existing processes."""
    if any(isinstance(at.do, Spawn) for at in scenario.script):
        return  # the names of spawned processes are not known yet
    names = sorted(scenario.names)
    for where, name in _spoken_of(scenario):
        if name not in (OPERATOR, *RUN_FIGURES) and owner(name, names) is None:
            allowed, hint = " | ".join(names[:20]), nearest(name, names)
            problems.add(where, "no such process", value=shown(name), allowed=allowed, hint=hint)


def _spoken_of(scenario: Scenario) -> Iterator[tuple[Where, str]]:
    """Yield the names in claims and steps, each with its place."""
    for index, claim in enumerate(scenario.claims):
        for name in spoken_of(claim):
            yield ("claims", str(index)), name
    for index, step in enumerate(scenario.steps):
        for name in step.until.names:
            yield ("step", str(index), "until"), name
        if step.process is not None:
            yield ("step", str(index), "process"), step.process


def _check_settings(scenario: Scenario, problems: Problems, runs: bool) -> None:
    """Check that the what-if settings are valid and that the scenario can be run with them in virtual time. They must
    not name policies' files: the user has agreed only to run the file of the scenario's own policy."""
    for index, whatif in enumerate(scenario.whatifs):
        where = ("whatif", str(index))
        if whatif.policy is not None and ":" in whatif.policy:
            problems.add((*where, "policy"), "policy by name only", value=shown(whatif.policy))
            continue
        try:
            if runs or ":" not in whatif.applied(scenario).machine.policy:
                policies.build(whatif.applied(scenario).machine, scenario.folder, ALARM)
        except BadValue as bad:
            for _, what in bad.faults:
                problems.add_clause(where, what)
        for process in scenario.processes:
            if process.work is None and process.estimate_ns is None:
                problems.add(where, "cannot be simulated", value=process.runs)


def _check_texts(scenario: Scenario, problems: Problems) -> None:
    """Check that the text in each language has one part more than there are steps."""
    if not scenario.steps:
        return
    allowed = len(scenario.steps) + 1
    for language in LANGUAGES:
        text = _text(scenario, language)
        if text is not None:
            found = len(parts(text.decode(errors="replace")))
            if found != allowed:
                file = PurePath(scenario.lesson or "").stem + ("" if language == "en" else f".{language}") + ".md"
                problems.add(("step",), "text has the wrong parts", file=file, found=found, allowed=allowed)


def _text(scenario: Scenario, language: str) -> bytes | None:
    try:
        return read_text(scenario, language)
    except OSError:
        return None
