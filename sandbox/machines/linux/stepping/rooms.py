"""Where rooms are, and how to find those of killed runs: their names contain the process that made them.

The keeper uses this module, so it imports the standard library only.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress

from sandbox.machines.linux.procfs import start_time
from sandbox.util.paths import IN_MEMORY

_PREFIX = "ossandbox-steps-"


#: Files in memory are made and removed in a tenth of the time. The minimum free space in bytes to use that folder: with
#: less it may be needed for other purposes.
_MIN_BYTES = 256 << 20


def new_place() -> str:
    """Return the path of a new folder for a room, which does not exist yet."""
    name = f"{_PREFIX}{os.getpid()}-{start_time(os.getpid())}-{os.urandom(6).hex()}"
    with suppress(OSError):
        facts = os.statvfs(IN_MEMORY)
        if facts.f_bavail * facts.f_frsize >= _MIN_BYTES and os.access(IN_MEMORY, os.W_OK | os.X_OK):
            return os.path.join(IN_MEMORY, name)
    return os.path.join(next(_on_disk(), IN_MEMORY), name)


def sweep() -> None:
    """Remove rooms that were left by runs that were killed together with their keepers."""
    for folder in {IN_MEMORY, *_on_disk()}:
        with suppress(OSError):
            _sweep(folder)


def _on_disk() -> Iterator[str]:
    """Yield the folder for temporary files, if there is one that is writable."""
    with suppress(OSError):
        yield tempfile.gettempdir()


def _sweep(folder: str) -> None:
    for name in os.listdir(folder):
        if name.startswith(_PREFIX):
            owner, began, *_ = [*name.removeprefix(_PREFIX).split("-"), ""]
            if owner.isdecimal() and began.isdecimal() and start_time(int(owner)) != int(began):
                shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
