"""The system calls in which a process may wait, by their numbers on each architecture."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import struct
from typing import Literal, NamedTuple

from sandbox.machines.linux import procfs
from sandbox.machines.linux.process.child import Child

#: What a process does in a call, with the numbers on x86-64, and those that newer architectures share (aarch64,
#: riscv64). A call whose arguments tell more has a name of its own.
_NUMBERS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "read": ((0, 17, 19, 295, 327), (63, 65, 67, 69, 286)),
    "write": ((1, 18, 20, 278, 296, 328), (64, 66, 68, 70, 75, 287)),
    "recv": ((45, 47, 299), (207, 212, 243)),
    "send": ((44, 46, 307), (206, 211, 269)),
    "accept": ((43, 288), (202, 242)),
    "connect": ((42,), (203,)),
    "splice": ((275,), (76,)),
    "tee": ((276,), (77,)),
    "sendfile": ((40,), (71,)),
    "copy_file_range": ((326,), (285,)),
    "open": ((2,), ()),
    "creat": ((85,), ()),
    "openat": ((257,), (56,)),
    "openat2": ((437,), (437,)),
    "close": ((3,), (57,)),
    "device": ((16,), (29,)),  # ioctl
    "nanosleep": ((35,), (101,)),
    "clock_nanosleep": ((230,), (115,)),
    "poll": ((7,), ()),
    "ppoll": ((271,), (73,)),
    "select": ((23,), ()),
    "pselect": ((270,), (72,)),
    "epoll": ((232, 281), (22,)),
    "epoll_pwait2": ((441,), (441,)),
    "wait4": ((61,), (260,)),
    "waitid": ((247,), (95,)),
    "start": ((56, 57, 58, 435), (220, 435)),  # clone, fork, vfork, clone3
    "futex": ((202,), (98,)),
    "futexes": ((449, 455), (449, 455)),  # futex_waitv, futex_wait
    "signal": ((34, 128, 130), (133, 137)),  # pause, rt_sigtimedwait, rt_sigsuspend
    "semaphore": ((65, 220), (192, 193)),
    "lock": ((72, 73), (25, 32)),  # fcntl, flock
    "receive message": ((70, 243), (183, 188)),
    "send message": ((69, 242), (182, 189)),
    "io": ((208, 333, 426), (4, 292, 426)),  # io_getevents, io_pgetevents, io_uring_enter
    "random": ((318,), (278,)),
    "memory": ((9, 10, 11, 12, 25, 28), (214, 215, 216, 222, 226, 233)),  # mmap, mprotect, munmap, brk, mremap, madvise
    "end": ((60, 231), (93, 94)),  # exit, exit_group
    # Calls that write to disk, above all fsync; change lengths of files or names of files; look up files; execve.
    "disk": (
        (4, 6, 21, 26, 59, 74, 75, 76, 77, 78, 80, 82, 83, 84, 86, 87, 88, 89, 162, 187, 217, 262, 263, 264, 267, 269,
         277, 285, 306, 316, 332, 439),
        (34, 35, 36, 37, 38, 45, 46, 47, 48, 49, 61, 78, 79, 81, 82, 83, 84, 213, 221, 227, 267, 276, 291, 439),
    ),
    "restart_syscall": ((219,), (128,)),
}  # fmt: skip
_COLUMN = {"x86_64": 0, "aarch64": 1, "riscv64": 1, "loongarch64": 1}
#: The index of the time-out in the arguments of semtimedop, mq_timedsend and mq_timedreceive.
_LIMIT_AT = {220: 3, 192: 3, 242: 4, 243: 4, 182: 4, 183: 4}
#: The index of the signal in the arguments of kill, tkill and tgkill.
_SIGNAL_AT = ({62: 1, 200: 1, 234: 2}, {129: 1, 130: 1, 131: 2})
#: The beginnings of the paths of terminals.
TERMINALS = ("/dev/pts/", "/dev/tty")
#: A stack below this address belongs to a 32-bit program, which has other call numbers.
_4_GIB = 1 << 32


def table(machine: str) -> dict[int, str]:
    """Return what a process does, by the number of its call; empty for an unknown architecture."""
    column = _COLUMN.get(machine)
    if column is None:
        return {}
    return {number: call for call, columns in _NUMBERS.items() for number in columns[column]}


_MACHINE = os.uname().machine
_CALLS = table(_MACHINE)


def name_of_call(number: int) -> str:
    """Return what a process does in the call with this number on this machine; "" if it has no name."""
    return _CALLS.get(number, "")


class Entered(NamedTuple):
    """A call that a process is in.

    ``call``: what it does there (None: it has no name); ``number``: None for a 32-bit program; ``stack``: the stack
    pointer.
    """

    call: str | None
    number: int | None
    arguments: list[int]
    stack: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether a wait for a semaphore or a message has a time-out."""
        at = _LIMIT_AT.get(self.number or 0)
        return at is not None and bool(self.arguments[at])


def sent_signal(entered: Entered) -> int:
    """Return the signal that a process sends in this call; 0 if it sends none."""
    column = _COLUMN.get(_MACHINE)
    at = None if column is None else _SIGNAL_AT[column].get(entered.number or 0)
    return 0 if at is None else entered.arguments[at]


def entered_call(child: Child, tid: int) -> Entered | Literal["running"] | None:
    """Return the call that a thread of a process is in; None if it is in none, or must not be seen."""
    found = procfs.system_call(child.os_pid, tid)
    if found is None or found == "running":
        return found
    if found.stack < _4_GIB:
        return Entered(None, None, found.arguments)
    number = found.number
    if _CALLS.get(number) == "restart_syscall":
        number = _restarted(child, found)
    if tid == child.os_pid:
        child.last_call = (number, found.arguments)
    return Entered(_CALLS.get(number), number, found.arguments, found.stack)


def _restarted(child: Child, found: procfs.SystemCall) -> int:
    """Return the number of the call that the system restarts after a stop: the one in which the process was last seen,
    if the arguments are the same; otherwise the one whose number its code loads right before; otherwise
    ``restart_syscall``."""
    if child.last_call is not None and child.last_call[1] == found.arguments:
        return child.last_call[0]
    number = _loaded_number(procfs.read_memory(child.os_pid, found.at - 8, 8), _MACHINE)
    return found.number if number is None else number


def _loaded_number(code: bytes, machine: str) -> int | None:
    """Return the number of a call from the code that ends with it; None if it is not recognised."""
    if len(code) == 8 and machine == "x86_64" and code[1] == 0xB8 and code[6:] == b"\x0f\x05":
        return int.from_bytes(code[2:6], "little")  # mov $NUMBER, %eax; syscall
    if len(code) == 8 and machine == "aarch64":
        load, call = struct.unpack("<II", code)
        if call == 0xD4000001 and load & 0xFFE0001F == 0xD2800008:  # mov x8, #NUMBER; svc #0
            return int(load) >> 5 & 0xFFFF
    return None
