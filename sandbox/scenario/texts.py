"""A lesson's text, beside its scenario."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Protocol

from sandbox.util.paths import LeadsOut, read_below

_PART_ENDS = re.compile(r"^---+\s*$", re.MULTILINE)


def parts(text: str) -> list[str]:
    """The parts of a lesson's text: one to read before its first step, one after each step. A line ``---`` stands
    between two parts."""
    return [part.strip() for part in _PART_ENDS.split(text)]


#: Bytes of a lesson's text.
_MAX_TEXT = 1 << 20


class HasLesson(Protocol):
    """A scenario, or what stands at its head: its title, the name of the file with its lesson, and where that lies."""

    @property
    def title(self) -> str: ...
    @property
    def lesson(self) -> str | None: ...
    @property
    def folder(self) -> str: ...


def read_text(scenario: HasLesson, language: str) -> bytes | None:
    """The lesson's text in a language: ``NAME.zh.md`` is the Chinese text beside ``NAME.md``. None where there is
    none. Raises OSError."""
    if scenario.lesson is None:
        return None
    path = PurePath(scenario.lesson)
    name = path if language == "en" else path.with_suffix(f".{language}{path.suffix}")
    try:
        return read_below(scenario.folder, str(name), _MAX_TEXT)
    except (FileNotFoundError, NotADirectoryError, LeadsOut):
        return None
