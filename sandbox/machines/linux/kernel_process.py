"""What becomes of the process in which kernel and linux machine live, before it has any children."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal

from sandbox.util import libc
from sandbox.util.timeout import ALARM


def prepare() -> None:
    """It goes on when its parent has died, hears nothing of the terminal's keys, and a policy that hangs ends it."""
    if os.getpid() != 1:  # as the first process of a pid namespace we are killed instead, and all the others with us
        # If we are stopped when the terminal's process dies, go on, so as to see the closed link and clear up.
        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGCONT)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    libc.end_on(signal.SIGPROF)  # which tells of a policy that nothing can interrupt
    ALARM.end_hanging_process()
