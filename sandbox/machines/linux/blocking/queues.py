"""Finds who can end a wait for a System V semaphore or queue, whose users the system does not list, or a POSIX queue,
which is an open file."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
from collections.abc import Container, Iterable

from sandbox.machines.linux import procfs, procfs_files
from sandbox.machines.linux.blocking.census import Census, Held
from sandbox.machines.linux.blocking.open_files import named
from sandbox.machines.linux.blocking.system_calls import Entered
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.model.rules import FOR_CHILD
from sandbox.util import libc

#: mq_timedsend, mq_timedreceive.
_POSIX_CALLS = (242, 243, 182, 183)
#: semctl(2): which process has last changed a semaphore; and of how many semaphores of a set that is asked at most.
_GETPID, _MAX_ASKED = 11, 32
#: struct sembuf, which begins with the number of the semaphore.
_SEMBUF_BYTES = 6
#: What identifies an open queue.
_SAME = ("mnt_id", "ino")


def queue_holders(census: Census, child: Child, entered: Entered) -> Held | None:
    """Return who can end the wait; None if unknown. In the case of System V, these are all processes that know the
    number, which may be any process of the board."""
    call, number = str(entered.call), entered.arguments[0]
    if entered.number in _POSIX_CALLS:
        target = procfs_files.descriptor_target(child.os_pid, number)
        others = _at_other_end(census, child, number, target, call == "send message")
        return census.any_of(named(target, "message queue"), others) if others else None
    what = f"{'semaphore' if call == 'semaphore' else 'message queue'} {number}"
    if call != "semaphore":
        _note_users(census, child, number)
    if not is_of_the_board(child, call, number, census.known):
        return Held(what, (), [], "unknown", any=True)
    likely = _users(census, child, entered) if call == "semaphore" else _correspondents(census, child, call, number)
    threads = frozenset().union(*map(census.threads, likely))
    return Held(what, (census.everybody,), [], "unknown", any=True, likely=threads)


def _users(census: Census, child: Child, entered: Entered) -> list[Child]:
    """Return the processes that may well use a set of semaphores: those that have last changed one of them, and the
    family, of which one may be about to. None, unless the semaphore that is waited for was last changed by another
    process: whoever will has yet to come."""
    number, operations, count = entered.arguments[:3]
    size = next((int(words[3]) for words in procfs.system_v("sem") if words[1:2] == [str(number)]), 0)
    last = _last_to_change(number, size)
    first = procfs.read_memory(child.os_pid, operations, _SEMBUF_BYTES)
    wanted = int.from_bytes(first[:2], "little")
    if count != 1 or not wanted < len(last) or last[wanted] == child.os_pid or last[wanted] not in census.known:
        return []
    return _with(census, _relatives(census, child), last)


def _note_users(census: Census, child: Child, number: int) -> None:
    """Note who uses queues of System V: the process that waits at this one, and the last sender and receiver of each,
    since the system forgets the ones before."""
    census.queue_users.setdefault(number, set()).add(child.os_pid)
    for words in procfs.system_v("msg"):
        census.queue_users.setdefault(int(words[1]), set()).update(map(int, words[5:7]))


def _correspondents(census: Census, child: Child, call: str, number: int) -> list[Child]:
    """Return the processes that may well use a queue: those that have, and the family, which knows its number. If none
    but the waiting one has been seen at its other end, whoever will has yet to come: that is one of the family, if the
    queue has no key by which others find it; otherwise none is returned."""
    family = _relatives(census, child)
    for words in procfs.system_v("msg"):
        if words[1] == str(number):
            last = int(words[5 if call == "receive message" else 6])
            if last != child.os_pid and last in census.known:
                return _with(census, family, census.queue_users[number])
            return family if words[0] == "0" and len(family) > 1 else []
    return []


def _relatives(census: Census, child: Child) -> list[Child]:
    """Return the family, without those who wait for the end of another member, which may do something before."""
    return [other for other in census.family(child) if not _awaits_child(other)]


def _awaits_child(child: Child) -> bool:
    return child.mode is Mode.BLOCKED and child.blocked_on is not None and child.blocked_on.rule == FOR_CHILD


def _with(census: Census, family: list[Child], os_pids: Iterable[int]) -> list[Child]:
    """Return the family and others of the board."""
    return [*family, *(census.known[os_pid] for os_pid in {*os_pids} if os_pid in census.known)]


def _at_other_end(census: Census, child: Child, descriptor: int, target: str, writes: bool) -> list[Child]:
    """Return the processes that have this POSIX queue open at its other end. ``writes``: whether the process itself
    sends."""
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
    """Whether a System V object is only used by the board, as far as is known: it has no key by which others could find
    it, or was last changed by a process of the board."""
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
    """Whether the process has the same namespace of System V objects as we."""
    try:
        return os.readlink(f"/proc/{os_pid}/ns/ipc") == os.readlink("/proc/self/ns/ipc")
    except OSError:
        return False
