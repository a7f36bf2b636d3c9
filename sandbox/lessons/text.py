"""The text of a lesson: Markdown in the folder of its scenario, with one part per step and placeholders for figures."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.i18n import spoken
from sandbox.model.claims import RUN_FIGURES, owner
from sandbox.scenario.texts import HasLesson, read_text

if TYPE_CHECKING:
    from sandbox.model.spec import Scenario

#: The name of the installed command.
COMMAND = "ossandbox"

#: Stands for a figure until it is known.
UNKNOWN = "…"

_PLACEHOLDER = re.compile(r"\{([^\W\d][\w./-]*)\}")


def lesson_text(scenario: HasLesson, language: str = "en") -> str | None:
    """Return the text of a scenario's lesson without figures, in English if there is none in ``language``; None if
    there is no lesson. Raises OSError and UnicodeDecodeError."""
    text = read_text(scenario, language)
    if text is None:
        text = read_text(scenario, "en")
    if text is None and scenario.lesson is not None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), scenario.lesson)
    return None if text is None else text.decode().replace("\r\n", "\n")


def title(scenario: HasLesson) -> str:
    """Return the scenario's title; in another language than English, the heading of its lesson if there is one."""
    text = "" if spoken() == "en" else lesson_text(scenario, spoken()) or ""
    return next(
        (line.removeprefix("# ").strip() for line in text.splitlines() if line.startswith("# ")), scenario.title
    )


def has_figures(text: str) -> bool:
    """Whether a text has placeholders for figures."""
    return _PLACEHOLDER.search(text) is not None


def fill_known(text: str, scenario: Scenario, known: Mapping[str, str]) -> str:
    """Fill in the figures of a part of the text, and leave out sentences and rows of tables with figures that are not
    known (yet). If nothing but headings would remain, show unknown figures as dashes instead."""
    blocks = [_without_unknown(block, scenario, known) for block in text.split("\n\n")]
    if all(not block or block.startswith("#") for block in blocks):
        return fill(text, scenario, known).replace(UNKNOWN, "–")
    return "\n\n".join(block for block in blocks if block)


def _without_unknown(block: str, scenario: Scenario, known: Mapping[str, str]) -> str:
    if UNKNOWN in block or not has_figures(block):  # an ellipsis of the text itself is no unknown figure
        return fill(block, scenario, known)
    if not block.startswith("|"):
        sentences = (fill(sentence, scenario, known) for sentence in _SENTENCE_ENDS.split(block))
        return "".join(sentence for sentence in sentences if UNKNOWN not in sentence).rstrip()
    filled = [fill(line, scenario, known) for line in block.split("\n")]
    rows = [line for line in filled if UNKNOWN not in line]
    return "\n".join(rows) if len(rows) > 2 or len(rows) == len(filled) else ""  # two: just the heading and its rule


#: The boundary between two sentences, after the blank that ends the first.
_SENTENCE_ENDS = re.compile(r"(?<=[.?!]\s)|(?<=[。？！])")
_CODE = re.compile(r"`([^`\n]+)`")


def with_keys(text: str, moved: Mapping[str, str]) -> str:
    """Replace the keys that the text names by the reader's own. ``moved``: the reader's keys, by those in the text."""
    return _CODE.sub(lambda code: f"`{moved.get(code[1], code[1])}`", text) if moved else text


def with_command(text: str, command: str) -> str:
    """Replace the program's name in the text by the command that the reader has to type."""
    return _CODE.sub(lambda code: f"`{re.sub(r'^ossandbox(?= )', lambda _: command, code[1])}`", text)


def typed_command() -> str:
    """Return the command with which the program can be started: its name if a shell finds it, else its path, as when it
    is run from a clone."""
    path = sys.argv[0]
    if shutil.which(COMMAND) is not None or os.path.basename(path) != COMMAND:
        return COMMAND
    near = os.path.relpath(path)
    return path if near.startswith(os.pardir) else os.path.join(os.curdir, near) if os.sep not in near else near


def fill(text: str, scenario: Scenario, known: Mapping[str, str]) -> str:
    """Fill in the figures of a text; those that are not known (yet) become ``UNKNOWN``."""
    heads = scenario.names

    def figure(match: re.Match[str]) -> str:
        name = match[1]
        if name in known:
            return known[name]
        return UNKNOWN if name in RUN_FIGURES or owner(name, heads) is not None else match[0]

    return _PLACEHOLDER.sub(figure, text)
