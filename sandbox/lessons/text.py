"""A lesson's text: Markdown beside its scenario, one part for each step, with figures in braces."""

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

#: What a shell knows us by, where we are installed.
COMMAND = "ossandbox"

#: Stands for a figure until it is known.
UNKNOWN = "…"

_PLACEHOLDER = re.compile(r"\{([^\W\d][\w./-]*)\}")


def lesson_text(scenario: HasLesson, language: str = "en") -> str | None:
    """The text of a scenario's lesson, figures not yet filled in; the English one where there is no other. None where
    there is no lesson. Raises OSError and UnicodeDecodeError."""
    text = read_text(scenario, language)
    if text is None:
        text = read_text(scenario, "en")
    if text is None and scenario.lesson is not None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), scenario.lesson)
    return None if text is None else text.decode().replace("\r\n", "\n")


def title(scenario: HasLesson) -> str:
    """The scenario's own; in another language the heading of its lesson's text, where there is one."""
    text = "" if spoken() == "en" else lesson_text(scenario, spoken()) or ""
    return next(
        (line.removeprefix("# ").strip() for line in text.splitlines() if line.startswith("# ")), scenario.title
    )


def has_figures(text: str) -> bool:
    """Whether there is anything to fill in."""
    return _PLACEHOLDER.search(text) is not None


def fill_known(text: str, scenario: Scenario, known: Mapping[str, str]) -> str:
    """A part of the text with its figures; what speaks of figures that are not known (yet) is left out: sentences, and
    rows of tables. A part that speaks of nothing else has a dash in their place."""
    blocks = [_without_unknown(block, scenario, known) for block in text.split("\n\n")]
    if all(not block or block.startswith("#") for block in blocks):
        return fill(text, scenario, known).replace(UNKNOWN, "–")
    return "\n\n".join(block for block in blocks if block)


def _without_unknown(block: str, scenario: Scenario, known: Mapping[str, str]) -> str:
    if UNKNOWN in block or not has_figures(block):  # the text's own dots tell nothing
        return fill(block, scenario, known)
    if not block.startswith("|"):
        sentences = (fill(sentence, scenario, known) for sentence in _SENTENCE_ENDS.split(block))
        return "".join(sentence for sentence in sentences if UNKNOWN not in sentence).rstrip()
    filled = [fill(line, scenario, known) for line in block.split("\n")]
    rows = [line for line in filled if UNKNOWN not in line]
    return "\n".join(rows) if len(rows) > 2 or len(rows) == len(filled) else ""  # a heading, and a line below it


#: Where one sentence ends and the next begins, blanks included in the former.
_SENTENCE_ENDS = re.compile(r"(?<=[.?!]\s)|(?<=[。？！])")
_CODE = re.compile(r"`([^`\n]+)`")


def with_keys(text: str, moved: Mapping[str, str]) -> str:
    """The text with the reader's own keys. ``moved``: them, by those that the text names."""
    return _CODE.sub(lambda code: f"`{moved.get(code[1], code[1])}`", text) if moved else text


def with_command(text: str, command: str) -> str:
    """The text with the command as its reader has to type it."""
    return _CODE.sub(lambda code: f"`{re.sub(r'^ossandbox(?= )', lambda _: command, code[1])}`", text)


def typed_command() -> str:
    """How our command is called: by its name where a shell finds it, else by its path, as whoever runs us from a clone
    has to."""
    path = sys.argv[0]
    if shutil.which(COMMAND) is not None or os.path.basename(path) != COMMAND:
        return COMMAND
    near = os.path.relpath(path)
    return path if near.startswith(os.pardir) else os.path.join(os.curdir, near) if os.sep not in near else near


def fill(text: str, scenario: Scenario, known: Mapping[str, str]) -> str:
    """The text with its figures; ``UNKNOWN`` for those of the scenario that are not known (yet)."""
    heads = scenario.names

    def figure(match: re.Match[str]) -> str:
        name = match[1]
        if name in known:
            return known[name]
        return UNKNOWN if name in RUN_FIGURES or owner(name, heads) is not None else match[0]

    return _PLACEHOLDER.sub(figure, text)
