"""Statuses of children: every one exactly once, however many share one SIGCHLD."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
from collections.abc import Iterator
from typing import NamedTuple

from sandbox.machines.linux import libc


class Change(NamedTuple):
    """What ``waitid`` says of one child. ``code``: CLD_EXITED, CLD_KILLED, CLD_DUMPED, CLD_STOPPED, CLD_CONTINUED."""

    os_pid: int
    code: int
    status: int

    @property
    def ended(self) -> bool:
        return self.code in (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED)


#: So many changes in one turn: two programs that stop and continue each other without end shall not hold us.
_MOST_AT_ONCE = 200


class Reaper:
    """Notices children's changes through a signalfd, and reads them with ``waitid`` until there are none.

    An ended child stays a zombie while it is looked at, so that its CPU time can still be read and its number
    cannot go to a stranger.
    """

    def __init__(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        self._fd = libc.signal_fd({signal.SIGCHLD})

    def fileno(self) -> int:
        return self._fd

    def hush(self) -> None:
        """Take note of the signals; what they mean is asked with ``changes``."""
        try:
            os.read(self._fd, 128 * 16)
        except BlockingIOError:
            pass

    def changes(self) -> Iterator[Change]:
        """The changes that nobody has taken yet; an ended child is let go when the next one is asked for."""
        everything = os.WEXITED | os.WSTOPPED | os.WCONTINUED
        for _ in range(_MOST_AT_ONCE):
            try:
                seen = os.waitid(os.P_ALL, 0, everything | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if seen is None:
                return
            change = Change(seen.si_pid, seen.si_code, seen.si_status)
            if not change.ended and not self._take(change.os_pid, os.WSTOPPED | os.WCONTINUED):
                continue  # it has ended since
            yield change
            if change.ended:
                os.waitid(os.P_PID, change.os_pid, os.WEXITED | os.WNOHANG)
        os.kill(os.getpid(), signal.SIGCHLD)  # the others in the next turn

    def stopped(self, os_pid: int) -> bool:
        """Whether this child has stopped since it was last asked."""
        return self._take(os_pid, os.WSTOPPED)

    @staticmethod
    def _take(os_pid: int, kinds: int) -> bool:
        """Take a change of one of these kinds, if there is one."""
        try:
            return os.waitid(os.P_PID, os_pid, kinds | os.WNOHANG) is not None
        except ChildProcessError:  # it has ended, and that was not asked for
            return False

    def close(self) -> None:
        os.close(self._fd)


_PIDFD_GET_INFO = 0xC040FF0B  # _IOWR(0xFF, 11, struct pidfd_info), Linux 6.13 and later
_PIDFD_INFO_EXIT = 1 << 3
_INFO = struct.Struct("=QQ11Ii")  # mask, cgroup id, pid … fsgid, exit status


def exit_status(pidfd: int, stat_fd: int) -> tuple[int | None, int | None]:
    """(exit code, None) or (None, signal) of an ended process that is its parent's to wait for, not ours.

    Its zombie's ``/proc/PID/stat`` tells, and once its parent has taken the status the pidfd (Linux 6.15 and
    later); (None, None) where neither does.
    """
    try:
        status = int(os.pread(stat_fd, 1_024, 0).split()[-1])
    except (OSError, IndexError):
        info = bytearray(_INFO.pack(_PIDFD_INFO_EXIT, *[0] * 13))
        try:
            fcntl.ioctl(pidfd, _PIDFD_GET_INFO, info)
        except OSError:
            return None, None
        mask, *_, status = _INFO.unpack(info)
        if not mask & _PIDFD_INFO_EXIT:
            return None, None
    return (None, os.WTERMSIG(status)) if os.WIFSIGNALED(status) else (os.WEXITSTATUS(status), None)
