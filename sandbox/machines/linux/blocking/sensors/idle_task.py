"""The idle task of a mini CPU: what an operating system runs when nothing else can run.

A child of ours in SCHED_IDLE on the mini CPU. When it gets to run, the CPU has nothing else to do: it says so with
one byte, and sleeps until it is armed again. Linux gives it a sliver of a busy CPU, too (its weight is 3 against
1024), so an alarm is a reason to look, not the truth.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import NoReturn

from sandbox.util import libc

_BYTE = b"."


class IdleTask:
    """The idle task of one real CPU. ``lost``: it is no more. Raises OSError where it cannot be had."""

    def __init__(self, cpu: int) -> None:
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        self.lost = False
        #: Whether it will say when it gets to run.
        self.armed = False
        parent = os.getpid()
        self.os_pid = os.fork()
        if self.os_pid == 0:
            _become_idle(parent, cpu, theirs.fileno())
        self._pidfd = os.pidfd_open(self.os_pid)
        theirs.close()

    def fileno(self) -> int:
        return self._ours.fileno()

    def arm(self) -> None:
        """Have it say once when it gets to run."""
        if not self.armed and not self.lost:
            self.armed = True
            try:
                self._ours.send(_BYTE)
            except OSError:
                self.lost = True

    def rang(self) -> bool:
        """Whether it has got to run since it was armed."""
        try:
            heard = self._ours.recv(16)
        except BlockingIOError:
            return False
        except OSError:
            heard = b""
        self.lost = not heard
        self.armed = False
        return not self.lost

    def close(self) -> None:
        """End it."""
        self._ours.close()
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED)
        except (ProcessLookupError, ChildProcessError):
            pass  # it has ended, and somebody has taken its status
        os.close(self._pidfd)


def _become_idle(parent: int, cpu: int, descriptor: int) -> NoReturn:
    try:
        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.sched_setaffinity(0, {cpu})
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            libc.set_name(f"idle-{cpu}")
            os.closerange(3, descriptor)
            os.closerange(descriptor + 1, 1 << 20)
            while os.read(descriptor, 1):
                os.write(descriptor, _BYTE)
    finally:
        os._exit(0)
