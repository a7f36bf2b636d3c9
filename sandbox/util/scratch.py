"""Unnamed temporary files, by which our processes pass small amounts of data."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from typing import IO


def unnamed_file() -> IO[bytes]:
    """Return an empty file that vanishes when it is closed. It is in memory if the system supports that, so that
    neither a writable folder nor disk space is needed. Raises OSError."""
    if sys.platform == "linux":
        with suppress(OSError):  # not permitted everywhere
            return os.fdopen(os.memfd_create("ossandbox"), "w+b")
    return tempfile.TemporaryFile()
