"""A filter of system calls (seccomp(2)) that keeps a process, for good, from affecting other processes.

It needs no privileges, and works without namespaces. A filtered call fails as if it were not permitted.
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
# Classic BPF: load a word; jump if equal, if greater or equal, if a bit is set; return.
_LOAD, _IF_EQUAL, _IF_LEAST, _IF_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
#: The offsets in struct seccomp_data of the call number, the architecture, and the lower halves of the first three
#: arguments.
_CALL, _MACHINE, _ARGUMENTS = 0, 4, (16, 24, 32)
_FIRST, _SECOND, _THIRD = range(3)
#: Flags of open(2) with which a file is changed or created.
_CHANGES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CLONE_THREAD = 0x10000
#: The first call number of x32, the other ABI of x86_64.
_OTHER_INTERFACE = 0x40000000
#: An instruction: the opcode, how many instructions are skipped if the condition is true and if it is false, the
#: operand.
_Step = tuple[int, int, int, int]


class _Numbers(NamedTuple):
    """The system calls of one architecture.

    ``denied``: starting programs and processes, accessing processes, leaving namespaces, sockets, objects that outlive
    their creator (System V and POSIX queues, semaphores and shared memory), io_uring, which can do most of these
    unseen, and changes of files that are not open: length, owner, permissions, times, extended attributes. (The first
    version of Landlock does not cover those.)
    """

    machine: int
    #: Permitted for this process only: kill, tkill, tgkill. (0 would be its whole group.)
    signals: tuple[int, ...]
    #: Permitted for this process only: prlimit64, sched_setaffinity, _setscheduler, _setparam, _setattr. (0 is itself.)
    settings: tuple[int, ...]
    #: These can make a descriptor send signals to any process, or type on a terminal: fcntl, ioctl.
    fcntl: int
    ioctl: int
    clone: int
    clone3: int
    denied: tuple[int, ...]
    #: Calls that open a file, and which argument has the flags; openat2, whose arguments cannot be examined; calls that
    #: create, remove and rename files.
    opens: tuple[tuple[int, int], ...]
    openat2: int
    changes: tuple[int, ...]


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
        # ioprio_set; shm* sem* msg*; mq_open mq_unlink; truncate *chmod* *chown* *utime* *setxattr* *removexattr*
        # file_setattr; open_by_handle_at migrate_pages move_pages
        (
            *(57, 58, 59, 322, 101, 310, 311, 129, 297, 424, 438, 440, 448, 41, 42),
            *(272, 308, 165, 155, 161, 425, 426, 427, 321, 298, 248, 249, 250, 323, 141, 251),
            *(29, 30, 31, 64, 65, 66, 67, 68, 69, 70, 71, 220, 240, 241),
            *(76, 90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280, 188, 189, 190, 463, 197, 198, 199, 466),
            *(469, 304, 256, 279),
        ),
        ((2, _SECOND), (257, _THIRD)),
        437,
        # creat; unlink* rename* mkdir* rmdir link* symlink* mknod*
        (85, 87, 263, 82, 264, 316, 83, 258, 84, 86, 265, 88, 266, 133, 259),
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
            *(45, 52, 53, 452, 54, 55, 88, 5, 6, 7, 463, 14, 15, 16, 466, 469, 265, 238, 239),
        ),
        ((56, _THIRD),),
        437,
        (35, 38, 276, 34, 37, 36, 33),
    ),
}


def forbid_others(writing: bool = False) -> bool:
    """Filter the calls of this process and its threads: no new processes, no signals except to itself, no sockets.
    ``writing``: also, no changes of files that are not already open. Returns whether this system supports that."""
    numbers = _KINDS.get(os.uname().machine)
    if numbers is None:
        return False
    program = _program(numbers, os.getpid(), writing)
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


def _program(numbers: _Numbers, os_pid: int, writing: bool) -> bytes:
    denied, unknown = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    steps = [
        *_return_unless(_MACHINE, numbers.machine, _KILL),
        (_LOAD, 0, 0, _CALL),
        (_IF_LEAST, 0, 1, _OTHER_INTERFACE),
        (_RETURN, 0, 0, denied),
        *_return_if(numbers.clone3, unknown),  # its arguments cannot be examined; libc falls back to clone
    ]
    for number in numbers.denied:
        steps += _return_if(number, denied)
    if writing:
        steps += _no_writing(numbers)
    threads = [*_looking_at(_FIRST), (_IF_SET, 0, 1, _CLONE_THREAD), (_RETURN, 0, 0, _ALLOW)]
    steps += _call(numbers.clone, [*threads, (_RETURN, 0, 0, _ERRNO | errno.EAGAIN)])
    for number, requests in ((numbers.fcntl, _FCNTL), (numbers.ioctl, _IOCTL)):
        refused = [step for request in requests for step in _return_if(request, denied)]
        steps += _call(number, [*_looking_at(_SECOND), *refused, (_RETURN, 0, 0, _ALLOW)])
    for number in (*numbers.signals, *numbers.settings):
        itself = [os_pid] if number in numbers.signals else [os_pid, 0]
        allowed = [step for who in itself for step in _return_if(who, _ALLOW)]
        steps += _call(number, [*_looking_at(_FIRST), *allowed, (_RETURN, 0, 0, denied)])
    steps.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _no_writing(numbers: _Numbers) -> list[_Step]:
    """Return the instructions that only let files be opened for reading."""
    refused = (_RETURN, 0, 0, _ERRNO | errno.EACCES)
    steps = [*_return_if(numbers.openat2, _ERRNO | errno.ENOSYS)]
    for number in numbers.changes:
        steps += _return_if(number, refused[-1])
    for number, flags in numbers.opens:
        steps += _call(number, [*_looking_at(flags), (_IF_SET, 0, 1, _CHANGES), refused, (_RETURN, 0, 0, _ALLOW)])
    return steps


def _call(number: int, steps: list[_Step]) -> list[_Step]:
    """Return the instructions for one call; each path through ``steps`` ends with a return."""
    return [(_IF_EQUAL, 0, len(steps), number), *steps]


def _looking_at(argument: int) -> list[_Step]:
    return [(_LOAD, 0, 0, _ARGUMENTS[argument])]


def _return_if(call: int, what: int) -> list[_Step]:
    return [(_IF_EQUAL, 0, 1, call), (_RETURN, 0, 0, what)]


def _return_unless(offset: int, value: int, what: int) -> list[_Step]:
    return [(_LOAD, 0, 0, offset), (_IF_EQUAL, 1, 0, value), (_RETURN, 0, 0, what)]
