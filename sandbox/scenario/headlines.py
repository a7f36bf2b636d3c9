"""Fast reading of the head of built-in scenarios, for listing them. Reading a whole scenario, which checks it, takes a
hundred times as long."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from sandbox.scenario import load
from sandbox.util.text import clean_line

_MAX_TITLE = 120
_KEY = re.compile(r"(title|lesson|concepts)\s*=\s*(.*?)\s*")
#: TOML values that can be read as JSON.
_PLAIN = re.compile(r'"[^"\\]*"|\[[\d, ]*\]')


class Headline(NamedTuple):
    """The name of a scenario and the values at its head."""

    name: str
    title: str
    lesson: str | None
    concepts: list[int]
    folder: str


def headline(path: Path) -> Headline:
    """Return the headline of a built-in scenario. Raises BadInput."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):  # the first table ends the values of the scenario as a whole
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
