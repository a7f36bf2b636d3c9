"""The few system calls that Python does not offer: prctl, signalfd and those by number, through libc."""

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
_PIDFD_GETFD = 438  # on every machine
_CLONE_PARENT = 0x8000
#: The number of clone(2), on machines where flags are its first argument.
_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}

#: None where there is no libc: this module can be imported anywhere.
_libc: Any = ctypes.CDLL(None, use_errno=True) if sys.platform != "win32" else None


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option: int, value: int) -> None:
    """Set one property of this process (of this thread, for PR_SET_PDEATHSIG). Raises OSError."""
    _checked(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def let_nobody_in() -> None:
    """No other process of the same user, who is not root, may look into this one any more: its memory, its environment.
    What it starts by ``exec`` is as open as any."""
    try:
        prctl(PR_SET_DUMPABLE, 0)
    except OSError:  # it is forbidden: whoever is in a room has other walls around
        pass


def inherited_timer_slack_ns() -> int:
    """How much later a wait may end in this process, whatever it has set for itself since it began."""
    own_ns = _libc.prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)
    prctl(PR_SET_TIMERSLACK, 0)
    inherited_ns = _libc.prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)
    prctl(PR_SET_TIMERSLACK, own_ns)
    return int(inherited_ns)


def end_with_parent(parent: int) -> bool:
    """Have the system kill this process when its parent ends; False: it has ended already."""
    if sys.platform == "win32":
        raise NotImplementedError
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent


def end_with_reader(descriptor: int) -> None:
    """Have the system kill this process when its parent ends, who reads what we write to this pipe or socket. Nobody
    has told us that parent's number, so what tells whether it has ended before we could ask is that nobody reads."""
    if sys.platform == "win32":
        raise NotImplementedError
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    ends = select.poll()
    ends.register(descriptor, 0)
    if ends.poll(0):
        os._exit(1)


def fork_sibling() -> int:
    """Fork as ``os.fork`` does, but the new process's parent is this one's own. Only for a process with a single thread
    that becomes another program soon: neither Python nor libc is told. Raises OSError, also where this kind of machine
    is not known."""
    if sys.platform == "win32":
        raise NotImplementedError
    number = _CLONE.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return syscall(number, *map(ctypes.c_ulong, (_CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)))


def syscall(number: int, *arguments: object) -> int:
    """A system call that libc has no function for. Raises OSError."""
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments))


def call(name: str, *arguments: object) -> int:
    """One of libc's functions that says -1 and sets errno where it fails. Raises OSError."""
    return _checked(getattr(_libc, name)(*arguments))


def borrow_descriptor(pidfd: int, descriptor: int) -> int:
    """A descriptor of ours for what a descriptor of another process leads to (pidfd_getfd, Linux 5.6). Raises OSError
    where it has none or we may not."""
    return syscall(_PIDFD_GETFD, pidfd, descriptor, 0)


def set_name(name: str) -> None:
    """Name this process as ``ps`` and ``top`` show it: the short name, and the command line in full.

    The command line is a stretch of this process's own memory; what does not fit is cut.
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
    """As glibc and musl have it on the machines that we know."""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_char * 128),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


def tell_of_stops(tell: bool) -> None:
    """Whether the system sends this process SIGCHLD when a child stops or goes on (SA_NOCLDSTOP)."""
    if sys.platform == "win32":
        raise NotImplementedError
    action = _Sigaction()
    _checked(_libc.sigaction(signal.SIGCHLD, None, ctypes.byref(action)))
    action.flags = action.flags & ~_SA_NOCLDSTOP if tell else action.flags | _SA_NOCLDSTOP
    _checked(_libc.sigaction(signal.SIGCHLD, ctypes.byref(action), None))


def end_on(number: signal.Signals) -> None:
    """Have a signal end this process (exit status: its number), also as the first one of a pid namespace, whom no
    default action ends."""
    _libc.signal(number, _libc._exit)


def signal_fd(signals: set[signal.Signals]) -> int:
    """A descriptor that becomes readable when one of these (blocked) signals is pending."""
    if sys.platform == "win32":
        raise NotImplementedError
    mask = bytearray(128)  # sigset_t of glibc and musl: one bit a signal, in words of the machine's order
    for number in signals:
        bit = number - 1
        index = bit // 8
        if sys.byteorder == "big":
            index = index // 8 * 8 + 7 - index % 8
        mask[index] |= 1 << bit % 8
    buffer = (ctypes.c_char * len(mask)).from_buffer(mask)
    return _checked(_libc.signalfd(-1, buffer, os.O_NONBLOCK | os.O_CLOEXEC))
