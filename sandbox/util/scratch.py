"""Files without a name, for the little that one process of ours tells another in one."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from typing import IO


def unnamed_file() -> IO[bytes]:
    """An empty one, gone when nobody has it any more. In memory where the system has that: then it needs no folder in
    which we may write, and no room on a disk. Raises OSError."""
    if sys.platform == "linux":
        with suppress(OSError):  # it may be forbidden
            return os.fdopen(os.memfd_create("ossandbox"), "w+b")
    return tempfile.TemporaryFile()
