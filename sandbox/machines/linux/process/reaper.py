"""Reports the end of each child exactly once, even if several ends share one SIGCHLD."""

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
    """The end of a child: by an exit code, or by a signal. The other one is None."""

    os_pid: int
    code: int | None
    signal: int | None


class Reaper:
    """Learns through a signalfd that children have ended, and calls ``waitid`` until all of them are known.

    An ended child stays a zombie until ``take``, so that its CPU time can still be read and its number cannot be
    reused. ``stops``: the descriptor also becomes readable when children stop and continue. Otherwise the system sends
    no signal for those, which saves one iteration of the event loop per time slice.
    """

    def __init__(self, stops: bool = False) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        libc.tell_of_stops(stops)
        self._fd = libc.signal_fd({signal.SIGCHLD})

    def fileno(self) -> int:
        return self._fd

    @staticmethod
    def hear_stops() -> None:
        """Make the descriptor readable when children stop, too."""
        libc.tell_of_stops(True)

    def clear(self) -> None:
        """Discard the pending signals. What they mean is found out by ``next_end`` and ``stopped``."""
        try:
            os.read(self._fd, _SIGNALFD_RECORD * 16)
        except BlockingIOError:
            pass

    @staticmethod
    def next_end() -> End | None:
        """Return a child that has ended, or None if there is none. It stays a zombie until ``take``."""
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
        """Reap a child that has ended. Return the CPU time in ns of the child and of all children that it had
        reaped."""
        _, _, usage = os.wait4(os_pid, os.WNOHANG)
        return round((usage.ru_utime + usage.ru_stime) * S)

    @staticmethod
    def stopped(os_pid: int) -> bool:
        """Whether this child has stopped since the last call."""
        try:
            return os.waitid(os.P_PID, os_pid, os.WSTOPPED | os.WNOHANG) is not None
        except ChildProcessError:  # it has ended
            return False

    def close(self) -> None:
        libc.tell_of_stops(True)
        os.close(self._fd)


_SIGNALFD_RECORD = 128  # bytes of a struct signalfd_siginfo
_PIDFD_GET_INFO = 0xC040FF0B  # _IOWR(0xFF, 11, struct pidfd_info), Linux 6.13 and later
_PIDFD_INFO_EXIT = 1 << 3
_PIDFD_INFO = struct.Struct("=QQ11Ii")  # mask, cgroup id, pid … fsgid, exit status


def exit_status(pidfd: int, stat_fd: int) -> tuple[int | None, int | None]:
    """Return the exit status of an ended process that its parent has to reap, not we: (exit code, None) or (None,
    signal).

    The status is in the ``/proc/PID/stat`` of the zombie, or, after it was reaped, in the info of the pidfd (Linux 6.15
    and later). Returns (None, None) if it is in neither.
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
    """Convert a wait status to (exit code, None) or (None, signal)."""
    return (None, os.WTERMSIG(status)) if os.WIFSIGNALED(status) else (os.WEXITSTATUS(status), None)
