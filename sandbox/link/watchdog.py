"""Ends a kernel process that hangs, from the other end of its link."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import fcntl
import os
import signal
import termios
from contextlib import suppress

from sandbox.machines.linux.procfs import stats, withstands

#: So many looks in a row have to find the kernel process asleep with something unread before it is ended.
_MIN_LOOKS = 8


class Watchdog:
    """Ends a kernel process that hangs asleep inside a policy: in a system call that code in C repeats, where neither
    our commands nor its own alarm reach it. One that hangs computing is ended by that alarm (``sandbox.util.timeout``).

    ``session``: the one that the kernel process leads, or whatever stands between it and us.
    """

    def __init__(self, session: int) -> None:
        self._session = session
        #: How many looks in a row have found it so.
        self._looks = 0

    def look(self, link: int) -> None:
        """To be called now and then. ``link``: our end of it, to which something was written just before."""
        asleep = self._asleep() if _has_unread(link) else []
        self._looks = self._looks + 1 if asleep else 0
        if self._looks >= _MIN_LOOKS:
            self._looks = 0
            for os_pid in asleep:
                _end_with_dump(os_pid)

    def _asleep(self) -> list[int]:
        """Processes of the session that are neither stopped nor on a CPU, nor wait for one."""
        return [stat.os_pid for stat in stats() if stat.session == self._session and stat.state in "SD"]


def _has_unread(link: int) -> bool:
    """Whether some of what we have written has not been read at the other end."""
    return fcntl.ioctl(link, termios.TIOCOUTQ, bytes(4)) != bytes(4)


def _end_with_dump(os_pid: int) -> None:
    """End a process that is prepared to write its stack first: it is while the time limit of a policy runs, and
    only then does it handle SIGALRM."""
    with suppress(OSError):
        pidfd = os.pidfd_open(os_pid)
        try:
            if withstands(os_pid, signal.SIGALRM):
                signal.pidfd_send_signal(pidfd, signal.SIGPROF)
        finally:
            os.close(pidfd)
