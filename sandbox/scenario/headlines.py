"""What stands at the head of a built-in scenario: enough for a list of all of them, which takes no longer than to open
their files. To read a scenario as a whole is to check it, and takes a hundred times as long."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from sandbox.scenario import load
from sandbox.util.text import clean_line

_MAX_TITLE = 120
_KEY = re.compile(r"(title|lesson|concepts)\s*=\s*(.*?)\s*")
#: Values that JSON would write alike.
_PLAIN = re.compile(r'"[^"\\]*"|\[[\d, ]*\]')


class Headline(NamedTuple):
    """The scenario's name, and what it says of itself."""

    name: str
    title: str
    lesson: str | None
    concepts: list[int]
    folder: str


def headline(path: Path) -> Headline:
    """The headline of a scenario that comes with the program. Raises BadInput."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):  # the first table: what follows is not said of the scenario as a whole
            break
        if key := _KEY.fullmatch(line):
            if _PLAIN.fullmatch(key[2]) is None:
                return _whole(path)
            found[key[1]] = json.loads(key[2])
    title = clean_line(found.get("title", path.stem), _MAX_TITLE)
    return Headline(path.stem, title, found.get("lesson"), found.get("concepts", []), str(path.resolve().parent))


def _whole(path: Path) -> Headline:
    scenario = load(path)
    return Headline(scenario.name, scenario.title, scenario.lesson, scenario.concepts, scenario.folder)
