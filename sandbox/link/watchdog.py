"""Watching over the kernel process from the other end of its link."""

from __future__ import annotations

import fcntl
import os
import signal
import termios
from contextlib import suppress

from sandbox.machines.linux.procfs import stats, withstands

#: So often in a row it has to be found deaf and asleep.
_LOOKS = 8


class Watchdog:
    """Ends a kernel process that sleeps in the midst of a policy, where neither our words nor its own alarm reach it:
    in a system call that code written in C repeats. One that computes there ends by itself.

    ``session``: that which the kernel process leads, or whatever stands between it and us.
    """

    def __init__(self, session: int) -> None:
        self._session = session
        self._deaf = 0

    def look(self, link: int) -> None:
        """Look, now and then. ``link``: our end, with something written to it just before the last look."""
        asleep = self._asleep() if _unread(link) else []
        self._deaf = self._deaf + 1 if asleep else 0
        if self._deaf >= _LOOKS:
            self._deaf = 0
            for os_pid in asleep:
                _end_with_dump(os_pid)

    def _asleep(self) -> list[int]:
        """Those who sleep: not stopped, and not waiting for a CPU."""
        return [stat.os_pid for stat in stats() if stat.session == self._session and stat.state in "SD"]


def _unread(link: int) -> bool:
    """Whether some of what we have written has not been read at the other end."""
    return fcntl.ioctl(link, termios.TIOCOUTQ, bytes(4)) != bytes(4)


def _end_with_dump(os_pid: int) -> None:
    """End a process that is prepared to say where it is; it is while the clock of a policy ticks, and only then."""
    with suppress(OSError):
        pidfd = os.pidfd_open(os_pid)
        try:
            if withstands(os_pid, signal.SIGALRM):  # which that clock has a handler for
                signal.pidfd_send_signal(pidfd, signal.SIGPROF)
        finally:
            os.close(pidfd)
