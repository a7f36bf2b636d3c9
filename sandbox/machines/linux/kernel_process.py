"""Prepares the kernel process before it has children."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal

from sandbox.util import libc
from sandbox.util.timeout import ALARM


def prepare() -> None:
    """Continue this process when its parent dies, ignore the terminal's keys, and have a hanging policy end it."""
    if os.getpid() != 1:  # the first process of a pid namespace is killed with its parent, and so are all others
        # If this process is stopped when its parent dies, it has to continue to notice the closed link and clean up.
        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGCONT)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    libc.end_on(signal.SIGPROF)  # sent if a policy hangs in a way that nothing can interrupt
    ALARM.end_hanging_process()
