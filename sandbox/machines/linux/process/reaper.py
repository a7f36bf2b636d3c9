"""The statuses of children that have ended: every one exactly once, however many share one SIGCHLD."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import fcntl
import os
import signal
import struct
from typing import NamedTuple

from sandbox.machines.linux.procfs import read_exit_status
from sandbox.util import libc
from sandbox.util.units import S


class End(NamedTuple):
    """How a child ended: by its exit code, or by a signal."""

    os_pid: int
    code: int | None
    signal: int | None


class Reaper:
    """Notices through a signalfd that children have ended, and asks ``waitid`` until all are known.

    An ended child stays a zombie while it is looked at, so that its CPU time can still be read and its number
    cannot go to a stranger. ``stops``: the descriptor becomes readable at stops and continues, too; otherwise the
    system sends no signal for those, and each time slice costs us one turn of the loop less.
    """

    def __init__(self, stops: bool = False) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        libc.tell_of_stops(stops)
        self._fd = libc.signal_fd({signal.SIGCHLD})

    def fileno(self) -> int:
        return self._fd

    @staticmethod
    def hear_stops() -> None:
        """From now on the descriptor becomes readable at stops, too."""
        libc.tell_of_stops(True)

    def clear(self) -> None:
        """Take the signals that are pending; what they mean is asked with ``next_end`` and ``stopped``."""
        try:
            os.read(self._fd, _SIGNALFD_RECORD * 16)
        except BlockingIOError:
            pass

    @staticmethod
    def next_end() -> End | None:
        """A child that has ended, if there is one; it stays a zombie until ``take``."""
        try:
            seen = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return None
        if seen is None:
            return None
        exited = seen.si_code == os.CLD_EXITED
        return End(seen.si_pid, seen.si_status if exited else None, None if exited else seen.si_status)

    @staticmethod
    def take(os_pid: int) -> int:
        """Take the status of a child that has ended. Returns the CPU time in ns that it has used together with all
        children whose status it had taken itself."""
        _, _, usage = os.wait4(os_pid, os.WNOHANG)
        return round((usage.ru_utime + usage.ru_stime) * S)

    @staticmethod
    def stopped(os_pid: int) -> bool:
        """Whether this child has stopped since it was last asked."""
        try:
            return os.waitid(os.P_PID, os_pid, os.WSTOPPED | os.WNOHANG) is not None
        except ChildProcessError:  # it has ended, and that was not asked for
            return False

    def close(self) -> None:
        libc.tell_of_stops(True)
        os.close(self._fd)


_SIGNALFD_RECORD = 128  # bytes of a struct signalfd_siginfo
_PIDFD_GET_INFO = 0xC040FF0B  # _IOWR(0xFF, 11, struct pidfd_info), Linux 6.13 and later
_PIDFD_INFO_EXIT = 1 << 3
_PIDFD_INFO = struct.Struct("=QQ11Ii")  # mask, cgroup id, pid … fsgid, exit status


def exit_status(pidfd: int, stat_fd: int) -> tuple[int | None, int | None]:
    """(exit code, None) or (None, signal) of an ended process that is its parent's to wait for, not ours.

    Its zombie's ``/proc/PID/stat`` tells, and once its parent has taken the status the pidfd (Linux 6.15 and
    later); (None, None) where neither does.
    """
    status = read_exit_status(stat_fd)
    if status is None:
        info = bytearray(_PIDFD_INFO.pack(_PIDFD_INFO_EXIT, *[0] * 13))
        try:
            fcntl.ioctl(pidfd, _PIDFD_GET_INFO, info)
        except OSError:
            return None, None
        mask, *_, status = _PIDFD_INFO.unpack(info)
        if not mask & _PIDFD_INFO_EXIT:
            return None, None
    return code_or_signal(status)


def code_or_signal(status: int) -> tuple[int | None, int | None]:
    """(exit code, None) or (None, signal): what a wait status says."""
    return (None, os.WTERMSIG(status)) if os.WIFSIGNALED(status) else (os.WEXITSTATUS(status), None)
