"""Where rooms lie, and how those of killed runs are found: their names say who made them.

The keeper calls this, which has nothing but the standard library.
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


#: Files in memory are made and removed in a tenth of the time; a folder with fewer bytes left may be needed for more.
_MIN_BYTES = 256 << 20


def new_place() -> str:
    """The path of a folder of our own, which is not there yet."""
    name = f"{_PREFIX}{os.getpid()}-{start_time(os.getpid())}-{os.urandom(6).hex()}"
    with suppress(OSError):
        facts = os.statvfs(IN_MEMORY)
        if facts.f_bavail * facts.f_frsize >= _MIN_BYTES and os.access(IN_MEMORY, os.W_OK | os.X_OK):
            return os.path.join(IN_MEMORY, name)
    return os.path.join(next(_on_disk(), IN_MEMORY), name)


def sweep() -> None:
    """Remove what runs have left that were killed together with everything that clears up after them."""
    for folder in {IN_MEMORY, *_on_disk()}:
        with suppress(OSError):
            _sweep(folder)


def _on_disk() -> Iterator[str]:
    """The folder for files that do not last, if there is one in which we may write."""
    with suppress(OSError):
        yield tempfile.gettempdir()


def _sweep(folder: str) -> None:
    for name in os.listdir(folder):
        if name.startswith(_PREFIX):
            owner, began, *_ = [*name.removeprefix(_PREFIX).split("-"), ""]
            if owner.isdecimal() and began.isdecimal() and start_time(int(owner)) != int(began):
                shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
