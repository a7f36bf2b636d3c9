"""The course: the built-in lessons in order, the concepts that they teach, and which of them are finished."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from sandbox.i18n import N_
from sandbox.scenario import built_in, built_in_folder
from sandbox.scenario.headlines import Headline, headline

#: The concepts that the course teaches, by the numbers that scenarios give under ``concepts``.
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
    """Return the built-in scenarios in the order of ``course.txt``; those that are not in it come last."""
    order = {name: place for place, name in enumerate(_course())}
    return sorted(built_in(), key=lambda path: (order.get(path.stem, len(order)), path.stem))


def _course() -> list[str]:
    lines = (built_in_folder() / "course.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines]


def after(name: str, finished: Collection[str]) -> str | None:
    """Return the lesson after the named one in the course; for a name that is not in the course, the first lesson that
    is not ``finished``. Return None if there is no such lesson."""
    names = _course()
    if name in names:
        return next(iter(names[names.index(name) + 1 :]), None)
    return next((each for each in names if each not in finished), None)


def lessons() -> list[Headline]:
    """Return the built-in scenarios that have a lesson and concepts, in order."""
    return [each for path in in_order() if (each := headline(path)).lesson is not None and each.concepts]


#: The most bytes read of the progress file; this program writes no longer one.
_MAX_BYTES = 1 << 16


def progress_file() -> Path:
    """Return the path of the file with the names of finished lessons, which need not exist."""
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "ossandbox" / "finished"


def finished() -> frozenset[str]:
    """Return the lines of the progress file: the names of finished lessons, and possibly other text."""
    try:
        with progress_file().open("rb") as file:
            lines = file.read(_MAX_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(line.strip() for line in lines)


def finish(name: str) -> None:
    """Record in the progress file that a lesson is finished; errors are ignored."""
    if name in finished():
        return
    path = progress_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            file.write(f"\n{name}\n".encode())  # the last line in the file may lack its newline
    except OSError:
        pass
