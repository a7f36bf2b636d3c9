"""Which lessons of the course somebody has finished: kept from one run to the next, in ``ossandbox/finished`` in the
folder for what programs remember.

A line a lesson, and lines are only ever added, each in one piece: several apps at once do not lose each other's. Other
lines of the file are ignored; without a file, or a place for one, nothing is remembered.
"""

from __future__ import annotations

import os
from pathlib import Path

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
