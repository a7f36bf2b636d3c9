"""Ends a hanging kernel process from the other end of its link."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import fcntl
import os
import signal
import termios
from contextlib import suppress

from sandbox.machines.linux.procfs import stats, withstands

#: The kernel process is ended after so many looks in a row that find it asleep with unread input.
_MIN_LOOKS = 8


class Watchdog:
    """Ends a kernel process that sleeps inside a policy, in a system call that C code restarts, where neither commands
    nor its own alarm interrupt it. One that computes endlessly is ended by that alarm (``sandbox.util.timeout``).

    ``session``: the session that is led by the kernel process, or by the process between it and the keeper.
    """

    def __init__(self, session: int) -> None:
        self._session = session
        #: How many looks in a row have found it asleep.
        self._looks = 0

    def look(self, link: int) -> None:
        """Check once. ``link``: our end of it, to which something was written just before."""
        asleep = self._asleep() if _has_unread(link) else []
        self._looks = self._looks + 1 if asleep else 0
        if self._looks >= _MIN_LOOKS:
            self._looks = 0
            for os_pid in asleep:
                _end_with_dump(os_pid)

    def _asleep(self) -> list[int]:
        """Return the processes of the session that sleep."""
        return [stat.os_pid for stat in stats() if stat.session == self._session and stat.state in "SD"]


def _has_unread(link: int) -> bool:
    """Whether the other end has not read all that was written."""
    return fcntl.ioctl(link, termios.TIOCOUTQ, bytes(4)) != bytes(4)


def _end_with_dump(os_pid: int) -> None:
    """End a process that dumps its stack first. It is prepared to do so while the time limit of a policy runs, which is
    when it handles SIGALRM."""
    with suppress(OSError):
        pidfd = os.pidfd_open(os_pid)
        try:
            if withstands(os_pid, signal.SIGALRM):
                signal.pidfd_send_signal(pidfd, signal.SIGPROF)
        finally:
            os.close(pidfd)
