"""System calls that Python does not offer, called through libc: prctl, signalfd, and any call by number."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_SET_TIMERSLACK = 29
PR_GET_TIMERSLACK = 30
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

_SA_NOCLDSTOP = 1
_PIDFD_GETFD = 438  # the same number on every architecture
_CLONE_PARENT = 0x8000
#: The number of clone(2) by architecture, for those where its first argument is the flags.
_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}

#: None on Windows, where there is no libc, so that this module can be imported anywhere.
_libc: Any = ctypes.CDLL(None, use_errno=True) if sys.platform != "win32" else None


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option: int, value: int) -> None:
    """Set a property of this process with prctl(2); PR_SET_PDEATHSIG applies to this thread. Raises OSError."""
    _checked(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def let_nobody_in() -> None:
    """Deny other processes of the same user, unless root, access to this one's memory and environment. Programs that it
    starts by ``exec`` are as accessible as any."""
    try:
        prctl(PR_SET_DUMPABLE, 0)
    except OSError:  # forbidden, as it may be in a room, which has other protection
        pass


def inherited_timer_slack_ns() -> int:
    """Return the timer slack (ns) with which this process began, whatever it has set since."""
    own_ns = _libc.prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)
    prctl(PR_SET_TIMERSLACK, 0)
    inherited_ns = _libc.prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)
    prctl(PR_SET_TIMERSLACK, own_ns)
    return int(inherited_ns)


def end_with_parent(parent: int) -> bool:
    """Have the system kill this process when its parent ends. Return False if ``parent`` has already ended."""
    if sys.platform == "win32":
        raise NotImplementedError
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent


def end_with_reader(descriptor: int) -> None:
    """Have the system kill this process when its parent ends, which reads from this pipe or socket. The parent's pid is
    unknown here, so whether it has ended already is told by whether the other end is still open."""
    if sys.platform == "win32":
        raise NotImplementedError
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    ends = select.poll()
    ends.register(descriptor, 0)
    if ends.poll(0):
        os._exit(1)


def fork_sibling() -> int:
    """Fork as ``os.fork`` does, but make the new process a child of this process's parent. Only for a single-threaded
    process that soon calls ``exec``, as neither Python nor libc notices the fork. Raises OSError, also for an unknown
    architecture."""
    if sys.platform == "win32":
        raise NotImplementedError
    number = _CLONE.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return syscall(number, *map(ctypes.c_ulong, (_CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)))


def syscall(number: int, *arguments: object) -> int:
    """Make a system call by number, for which libc has no function. Raises OSError."""
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments))


def call(name: str, *arguments: object) -> int:
    """Call a function of libc that returns -1 and sets errno if it fails. Raises OSError."""
    return _checked(getattr(_libc, name)(*arguments))


def borrow_descriptor(pidfd: int, descriptor: int) -> int:
    """Return a new descriptor for the file that a descriptor of another process refers to (pidfd_getfd, Linux 5.6).
    Raises OSError if that descriptor does not exist or access is denied."""
    return syscall(_PIDFD_GETFD, pidfd, descriptor, 0)


def set_name(name: str) -> None:
    """Set the name of this process that ``ps`` and ``top`` show: the short name and the command line.

    The command line is a part of this process's memory of fixed size, so a long name is cut.
    """
    encoded = name.encode()
    _libc.prctl(PR_SET_NAME, ctypes.c_char_p(encoded[:15]), 0, 0, 0)
    with open("/proc/self/stat", "rb") as stat:
        fields = stat.read().rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end, proc(5) fields 48 and 49
    if 0 < start < end:
        ctypes.memset(start, 0, end - start)
        ctypes.memmove(start, encoded, min(len(encoded), end - start - 1))


class _Sigaction(ctypes.Structure):
    """The struct of glibc and musl on the known architectures."""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_char * 128),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


def tell_of_stops(tell: bool) -> None:
    """Choose whether the system sends this process SIGCHLD when a child stops or continues (SA_NOCLDSTOP)."""
    if sys.platform == "win32":
        raise NotImplementedError
    action = _Sigaction()
    _checked(_libc.sigaction(signal.SIGCHLD, None, ctypes.byref(action)))
    action.flags = action.flags & ~_SA_NOCLDSTOP if tell else action.flags | _SA_NOCLDSTOP
    _checked(_libc.sigaction(signal.SIGCHLD, ctypes.byref(action), None))


def end_on(number: signal.Signals) -> None:
    """Make a signal end this process with its number as exit status. This works even for the init process of a pid
    namespace, which default actions do not end."""
    _libc.signal(number, _libc._exit)


def signal_fd(signals: set[signal.Signals]) -> int:
    """Return a descriptor that becomes readable when one of the given signals, which must be blocked, is pending."""
    if sys.platform == "win32":
        raise NotImplementedError
    mask = bytearray(128)  # sigset_t of glibc and musl: one bit per signal, in words of native byte order
    for number in signals:
        bit = number - 1
        index = bit // 8
        if sys.byteorder == "big":
            index = index // 8 * 8 + 7 - index % 8
        mask[index] |= 1 << bit % 8
    buffer = (ctypes.c_char * len(mask)).from_buffer(mask)
    return _checked(_libc.signalfd(-1, buffer, os.O_NONBLOCK | os.O_CLOEXEC))
