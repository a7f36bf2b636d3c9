"""A process that is sent on an errand: it ends with whoever sent it, and only its messages reach him."""

from __future__ import annotations

import os
import signal
import sys
from typing import BinaryIO


def begin() -> BinaryIO:
    """Arm this process, and give where its messages go. What policies print from now on goes nowhere."""
    if sys.platform == "linux":
        from sandbox import libc

        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    upward = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return upward
