"""The course: the built-in lessons in the order in which one takes them, and the concepts that they teach."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from sandbox.i18n import N_
from sandbox.scenario import built_in, built_in_folder
from sandbox.scenario.headlines import Headline, headline

#: What the course teaches, by the numbers that scenarios give under ``concepts``.
CONCEPTS = {
    1: N_("multiprogramming"),
    2: N_("data isolation"),
    3: N_("programs in one memory"),
    4: N_("time sharing"),
    5: N_("process"),
    6: N_("thread"),
    7: N_("parallel and concurrent"),
    8: N_("synchronous, asynchronous, blocking, non-blocking"),
    9: N_("non-blocking socket"),
    10: N_("three states"),
    11: N_("scheduling"),
    12: N_("parent and child"),
    13: N_("fork and spawn"),
    14: N_("what a child is given and gives back"),
    15: N_("start and join"),
    16: N_("joining well"),
    17: N_("forking server"),
    18: N_("client"),
    19: N_("one server, many clients"),
}


def in_order() -> list[Path]:
    """The built-in scenarios in the order of ``course.txt``; those that it leaves out come last."""
    order = {name: place for place, name in enumerate(_course())}
    return sorted(built_in(), key=lambda path: (order.get(path.stem, len(order)), path.stem))


def _course() -> list[str]:
    lines = (built_in_folder() / "course.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines]


def after(name: str, finished: Collection[str]) -> str | None:
    """The lesson that comes after one of the course, else the first that is not ``finished``; None at the end."""
    names = _course()
    if name in names:
        return next(iter(names[names.index(name) + 1 :]), None)
    return next((each for each in names if each not in finished), None)


def lessons() -> list[Headline]:
    """The built-in scenarios that teach something, in order."""
    return [each for path in in_order() if (each := headline(path)).lesson is not None and each.concepts]


#: Of a longer file, which this program has not written, only so many bytes are read.
_MAX_BYTES = 1 << 16


def progress_file() -> Path:
    """Where the file is, or would be."""
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "ossandbox" / "finished"


def finished() -> frozenset[str]:
    """The lines of the file: the names of lessons that have been finished, and perhaps others."""
    try:
        with progress_file().open("rb") as file:
            lines = file.read(_MAX_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(line.strip() for line in lines)


def finish(name: str) -> None:
    """Remember a lesson, if that is possible."""
    if name in finished():
        return
    path = progress_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            file.write(f"\n{name}\n".encode())  # what stands before may lack its end
    except OSError:
        pass
