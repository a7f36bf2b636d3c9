"""Where rooms lie, and how those of killed runs are found: their names say who made them.

The keeper calls this, which has nothing but the standard library.
"""

from __future__ import annotations

import os
import shutil
import tempfile

from sandbox.machines.linux.procfs import start_time

_PREFIX = "ossandbox-steps-"


def new_place() -> str:
    """A folder of our own. Raises OSError."""
    return tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-{start_time(os.getpid())}-")


def sweep() -> None:
    """Remove what runs have left that were killed together with everything that clears up after them."""
    folder = tempfile.gettempdir()
    for name in os.listdir(folder):
        if name.startswith(_PREFIX):
            owner, began, *_ = [*name.removeprefix(_PREFIX).split("-"), ""]
            if owner.isdecimal() and began.isdecimal() and start_time(int(owner)) != int(began):
                shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
