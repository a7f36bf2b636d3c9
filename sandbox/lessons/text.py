"""A lesson's text: Markdown beside its scenario, one part for each step, with figures in braces."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping

from sandbox.i18n import spoken
from sandbox.model.claims import RUN_FIGURES, owner
from sandbox.model.spec import Scenario
from sandbox.scenario.lesson_checks import read_text

#: Stands for a figure until it is known.
UNKNOWN = "…"

_PLACEHOLDER = re.compile(r"\{([^\W\d][\w./-]*)\}")


def lesson_text(scenario: Scenario, language: str = "en") -> str | None:
    """The text of a scenario's lesson, figures not yet filled in; the English one where there is no other. None where
    there is no lesson. Raises OSError and UnicodeDecodeError."""
    text = read_text(scenario, language)
    if text is None:
        text = read_text(scenario, "en")
    if text is None and scenario.lesson is not None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), scenario.lesson)
    return None if text is None else text.decode().replace("\r\n", "\n")


def title(scenario: Scenario) -> str:
    """The scenario's own; in another language the heading of its lesson's text, where there is one."""
    text = "" if spoken() == "en" else lesson_text(scenario, spoken()) or ""
    return next(
        (line.removeprefix("# ").strip() for line in text.splitlines() if line.startswith("# ")), scenario.title
    )


def fill(text: str, scenario: Scenario, known: Mapping[str, str]) -> str:
    """The text with its figures; ``UNKNOWN`` for those of the scenario that are not known (yet)."""
    heads = scenario.names

    def figure(match: re.Match[str]) -> str:
        name = match[1]
        if name in known:
            return known[name]
        return UNKNOWN if name in RUN_FIGURES or owner(name, heads) is not None else match[0]

    return _PLACEHOLDER.sub(figure, text)
