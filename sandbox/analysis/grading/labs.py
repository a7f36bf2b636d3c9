"""Ready assignments, each with a handout in every language, a file to start from, and the tasks."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sandbox.i18n import LANGUAGES, spoken
from sandbox.model.problems import BadInput
from sandbox.model.values import nearest, shown
from sandbox.scenario.library import data_folder

TASKS = "TASKS.toml"
_ORDER = ("round-robin", "mlfq", "shares", "deadlines")
_SEED = re.compile(r"^seed = \d+", re.MULTILINE)


def names() -> list[str]:
    """Return the names of the assignments in the order of a course."""
    return [*_ORDER]


def folder(name: str) -> Path:
    """Return the folder of an assignment. Raises BadInput."""
    if name not in _ORDER:
        allowed, hint = " | ".join(_ORDER), nearest(name, _ORDER)
        raise BadInput.because(name, "no such lab", value=shown(name), allowed=allowed, hint=hint)
    return data_folder("scenarios") / "labs" / name


def handout(language: str) -> str:
    """Return the name of the handout's file."""
    return "HANDOUT.md" if language == "en" else f"HANDOUT.{language}.md"


def title(name: str) -> str:
    """Return the title of an assignment, which is the heading of its handout."""
    lines = (folder(name) / handout(spoken())).read_text("utf-8").splitlines()
    return next(line.removeprefix("# ") for line in lines if line.startswith("# "))


def write(name: str, into: str, seed: int | None) -> list[str]:
    """Write the files for students, and return their names. ``seed``: the seed of workloads, in place of the public
    one. Raises BadInput and OSError."""
    source, target = folder(name), Path(into)
    files = [*map(handout, LANGUAGES), *sorted(path.name for path in source.glob("*.py")), TASKS]
    try:
        os.makedirs(target)
    except FileExistsError:
        raise BadInput.because(into, "folder is there") from None
    for file in files:
        text = (source / file).read_text("utf-8")
        if file == TASKS and seed is not None:
            text = _SEED.sub(f"seed = {seed}", text)
        (target / file).write_text(text, "utf-8")
    return files
