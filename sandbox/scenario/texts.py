"""The text of a lesson, which is stored in the folder of its scenario."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Protocol

from sandbox.util.paths import LeadsOut, read_below

_PART_ENDS = re.compile(r"^---+\s*$", re.MULTILINE)


def parts(text: str) -> list[str]:
    """Return the parts of a lesson's text, which are separated by lines ``---``: one to read before the first step, and
    one after each step."""
    return [part.strip() for part in _PART_ENDS.split(text)]


#: The most bytes of a lesson's text.
_MAX_TEXT = 1 << 20


class HasLesson(Protocol):
    """A scenario or its headline: the title, the file name of its lesson, and the folder of that file."""

    @property
    def title(self) -> str: ...
    @property
    def lesson(self) -> str | None: ...
    @property
    def folder(self) -> str: ...


def read_text(scenario: HasLesson, language: str) -> bytes | None:
    """Return the lesson's text in a language, or None if there is none. The Chinese text of ``NAME.md`` is in
    ``NAME.zh.md``. Raises OSError if it cannot be read."""
    if scenario.lesson is None:
        return None
    path = PurePath(scenario.lesson)
    name = path if language == "en" else path.with_suffix(f".{language}{path.suffix}")
    try:
        return read_below(scenario.folder, str(name), _MAX_TEXT)
    except (FileNotFoundError, NotADirectoryError, LeadsOut):
        return None
