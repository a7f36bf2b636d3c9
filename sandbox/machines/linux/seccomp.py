"""A filter of system calls (seccomp(2)): what a process can do to others is forbidden, by the system, for good.

Everybody may have one, also where there are no namespaces. A call that is filtered fails as if it were not permitted.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
import errno
import os
import struct
from typing import NamedTuple

from sandbox.util import libc

_SET_SECCOMP, _MODE_FILTER = 22, 2
# Classic BPF: load a word, jump if equal, if at least, if a bit is set; return.
_LOAD, _IF_EQUAL, _IF_LEAST, _IF_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
#: Where struct seccomp_data has the call, the machine, and the lower halves of the first two arguments.
_CALL, _MACHINE, _FIRST, _SECOND = 0, 4, 16, 24
_CLONE_THREAD = 0x10000
#: Calls of another binary interface of x86_64 begin here.
_OTHER_INTERFACE = 0x40000000


class _Numbers(NamedTuple):
    """The calls of one kind of machine. ``denied``: starting programs and processes, reaching into processes, leaving
    namespaces, sockets, what stays in the system when its maker has ended (System V and POSIX queues, semaphores and
    memory), and io_uring, which can do most of these unseen."""

    machine: int
    #: To this very process only: kill, tkill, tgkill. 0 would be its whole group.
    signals: tuple[int, ...]
    #: Of this very process only: prlimit64, sched_setaffinity, _setscheduler, _setparam, _setattr. 0 is itself.
    settings: tuple[int, ...]
    #: By these a descriptor can be made to signal whoever one likes, or to type on a terminal: fcntl, ioctl.
    fcntl: int
    ioctl: int
    clone: int
    clone3: int
    denied: tuple[int, ...]


#: F_SETOWN, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX.
_FCNTL, _IOCTL = (8, 15), (0x8901, 0x8902, 0x5412, 0x541C)

_KINDS = {
    "x86_64": _Numbers(
        0xC000003E,
        (62, 200, 234),
        (302, 203, 144, 142, 314),
        72,
        16,
        56,
        435,
        # fork vfork execve execveat; ptrace process_vm_* rt_(tg)sigqueueinfo pidfd_* process_madvise, _mrelease;
        # socket connect; unshare setns mount pivot_root chroot; io_uring bpf perf keys userfaultfd; setpriority
        # ioprio_set; shm* sem* msg*; mq_open mq_unlink
        (
            *(57, 58, 59, 322, 101, 310, 311, 129, 297, 424, 438, 440, 448, 41, 42),
            *(272, 308, 165, 155, 161, 425, 426, 427, 321, 298, 248, 249, 250, 323, 141, 251),
            *(29, 30, 31, 64, 65, 66, 67, 68, 69, 70, 71, 220, 240, 241),
        ),
    ),
    "aarch64": _Numbers(
        0xC00000B7,
        (129, 130, 131),
        (261, 122, 119, 118, 274),
        25,
        29,
        220,
        435,
        (
            *(221, 281, 117, 270, 271, 138, 240, 424, 438, 440, 448, 198, 203),
            *(97, 268, 40, 41, 51, 425, 426, 427, 280, 241, 217, 218, 219, 282, 140, 30),
            *(194, 195, 196, 197, 190, 191, 192, 193, 186, 187, 188, 189, 180, 181),
        ),
    ),
}


def forbid_others() -> bool:
    """From now on this process and its threads are alone: no further processes, no signals but to themselves, no
    sockets. Returns whether this system can do that."""
    numbers = _KINDS.get(os.uname().machine)
    if numbers is None:
        return False
    program = _program(numbers, os.getpid())
    buffer = ctypes.create_string_buffer(program)

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    what = Filter(len(program) // 8, ctypes.addressof(buffer))
    try:
        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
        libc.call("prctl", _SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(what), 0, 0)
    except OSError:
        return False
    return True


def _program(numbers: _Numbers, os_pid: int) -> bytes:
    denied, unknown = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    steps = [
        *_return_unless(_MACHINE, numbers.machine, _KILL),
        (_LOAD, 0, 0, _CALL),
        (_IF_LEAST, 0, 1, _OTHER_INTERFACE),
        (_RETURN, 0, 0, denied),
        *_return_if(numbers.clone3, unknown),  # its arguments cannot be looked at: libc takes clone instead
    ]
    for number in numbers.denied:
        steps += _return_if(number, denied)
    # clone: threads only
    steps += [
        (_IF_EQUAL, 0, 4, numbers.clone),
        (_LOAD, 0, 0, _FIRST),
        (_IF_SET, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.EAGAIN),
    ]
    for number, requests in ((numbers.fcntl, _FCNTL), (numbers.ioctl, _IOCTL)):
        steps += [(_IF_EQUAL, 0, 2 * len(requests) + 2, number), (_LOAD, 0, 0, _SECOND)]
        for request in requests:
            steps += _return_if(request, denied)
        steps.append((_RETURN, 0, 0, _ALLOW))
    for number in (*numbers.signals, *numbers.settings):
        itself = [os_pid] if number in numbers.signals else [os_pid, 0]
        steps += [(_IF_EQUAL, 0, 2 * len(itself) + 2, number), (_LOAD, 0, 0, _FIRST)]
        for who in itself:
            steps += _return_if(who, _ALLOW)
        steps.append((_RETURN, 0, 0, denied))
    steps.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _return_if(call: int, what: int) -> list[tuple[int, int, int, int]]:
    return [(_IF_EQUAL, 0, 1, call), (_RETURN, 0, 0, what)]


def _return_unless(offset: int, value: int, what: int) -> list[tuple[int, int, int, int]]:
    return [(_LOAD, 0, 0, offset), (_IF_EQUAL, 1, 0, value), (_RETURN, 0, 0, what)]
