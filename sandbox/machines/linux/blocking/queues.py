"""Semaphores and queues of System V, of which the system keeps no list of who has them, and queues of POSIX, which are
open files: who could end a wait for one."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
from collections.abc import Container

from sandbox.machines.linux import procfs, procfs_files
from sandbox.machines.linux.blocking.census import Census, Held
from sandbox.machines.linux.blocking.open_files import named
from sandbox.machines.linux.blocking.system_calls import Entered
from sandbox.machines.linux.process.child import Child
from sandbox.util import libc

#: mq_timedsend, mq_timedreceive.
_POSIX_CALLS = (242, 243, 182, 183)
#: semctl(2): who has changed a semaphore last. Of a set no more than so many are asked.
_GETPID, _MAX_ASKED = 11, 32
#: What tells one open queue from another.
_SAME = ("mnt_id", "ino")


def queue_holders(census: Census, child: Child, entered: Entered) -> Held | None:
    """Whoever could end it: of a thing of System V all that know its number, which on the board may be anybody."""
    call, number = str(entered.call), entered.arguments[0]
    if entered.number in _POSIX_CALLS:
        target = procfs_files.descriptor_target(child.os_pid, number)
        others = _at_other_end(census, child, number, target, call == "send message")
        return census.any_of(named(target, "message queue"), others) if others else None
    what = f"{'semaphore' if call == 'semaphore' else 'message queue'} {number}"
    shared = is_of_the_board(child, call, number, census.known)
    return Held(what, (census.everybody,) if shared else (), [], "unknown", any=True)


def _at_other_end(census: Census, child: Child, descriptor: int, target: str, writes: bool) -> list[Child]:
    """Who has this queue of POSIX open at its other end; ``writes``: the process itself sends."""
    own = _identity(child, descriptor)
    may = procfs_files.may_read if writes else procfs_files.may_write
    return [
        other
        for other in census.openers(target)
        if any(
            to == target and may(other.os_pid, at) and _identity(other, at) == own for at, to in census.files_of(other)
        )
    ]


def _identity(child: Child, descriptor: int) -> list[str | None]:
    facts = procfs_files.descriptor_facts(child.os_pid, descriptor)
    return [facts.get(name) for name in _SAME]


def is_of_the_board(child: Child, call: str, number: int, known: Container[int]) -> bool:
    """Whether nobody else is known to use a thing of System V: it has no key by which others could find it, or a
    process of the board was the last to change it."""
    if not _shares_numbers(child.os_pid):
        return False
    kind = "sem" if call == "semaphore" else "msg"
    for words in procfs.system_v(kind):
        if len(words) > 6 and words[1] == str(number):
            last = words[5:7] if kind == "msg" else _last_to_change(number, int(words[3]))
            return words[0] == "0" or any(int(os_pid) in known for os_pid in last)
    return False


def _last_to_change(number: int, count: int) -> list[int]:
    try:
        return [libc.call("semctl", number, at, _GETPID) for at in range(min(count, _MAX_ASKED))]
    except OSError:
        return []


def _shares_numbers(os_pid: int) -> bool:
    """Whether its things of System V have the numbers that ours have."""
    try:
        return os.readlink(f"/proc/{os_pid}/ns/ipc") == os.readlink("/proc/self/ns/ipc")
    except OSError:
        return False
