"""What a futex is that a thread waits at: a mutex, a condition, a semaphore, a barrier, the end of a thread.

The system knows an address only. What stands there and around it is what the C library has made of it: glibc's layouts
are looked for, as they have been since 2.25, each with all that has to be true of it while somebody waits. Where none
is recognised, and in programs with another library, it stays a futex.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import struct

from sandbox.machines.linux import procfs
from sandbox.model.events import Clause

#: <linux/futex.h>: what is asked for, and what may be added to it.
_WAIT, _LOCK_PI, _WAIT_BITSET, _WAIT_REQUEUE_PI, _LOCK_PI2 = 0, 6, 9, 11, 13
_PRIVATE, _REALTIME = 128, 256
#: In the word of a mutex that knows its owner: his tid, and that somebody waits.
_TID, _WAITERS = 0x3FFFFFFF, 0x80000000
#: A mutex that does not: somebody has it, and others wait.
_CONTENDED = 2
#: More threads do not wait at one place.
_MAX_WAITERS = 1 << 20
#: Of a lock for readers and a writer: a phase that is over or not, and that somebody waits for that.
_READ_WRITE = (2, 3)
#: Where in such a lock it is waited for the writer to leave, and for one's turn to write; where it keeps the tid of the
#: writer; in its first word: there is one.
_WAITED_AT, _WRITER_AT, _WRITE_LOCKED = (12, 8), 24, 2
#: Where a pthread_mutex_t tells of what kind it is; a lock of the library's own has something else there.
_KIND_AT, _MAX_KIND = 16, 1023
#: So many bytes before the word and after it are looked at.
_BEFORE, _AFTER = 48, 12


def futex(os_pid: int, arguments: list[int], is_python: bool) -> Clause:
    """What a thread of the process waits for. ``is_python``: its locks are semaphores, so that the one cannot be told
    from the other."""
    address, asked, value = arguments[0], arguments[1] & 0xFFFFFFFF, arguments[2] & 0xFFFFFFFF
    operation, shared = asked & ~(_PRIVATE | _REALTIME), not asked & _PRIVATE
    if operation in (_LOCK_PI, _LOCK_PI2):
        return Clause("mutex")
    if operation == _WAIT_REQUEUE_PI:
        return Clause("condition")
    if operation == _WAIT_BITSET and shared and value and procfs.has_thread(os_pid, value):
        return Clause("join", {"tid": value})
    if operation == _WAIT and (value == _CONTENDED or (value & _WAITERS and _is_owner(os_pid, value & _TID, shared))):
        return Clause("mutex")
    if operation not in (_WAIT, _WAIT_BITSET):
        return Clause("futex")
    around = procfs.read_memory(os_pid, address - _BEFORE, _BEFORE + 4 + _AFTER)
    if not around:  # its page is the first one of a mapping, and nothing stands before it
        around = bytes(_BEFORE) + procfs.read_memory(os_pid, address, 4 + _AFTER)
    rule = recognise(around, address, operation == _WAIT_BITSET, value)
    if rule == "semaphore" and is_python:
        return Clause("lock or semaphore" if shared else "futex")
    return Clause(rule)


def _is_owner(os_pid: int, tid: int, shared: bool) -> bool:
    """Whether this is a thread that may have a mutex for which another one of the process waits."""
    return procfs.has_thread(os_pid, tid) or (shared and procfs.has_thread(tid, tid))


def lends_priority(arguments: list[int]) -> bool:
    """Whether it is waited for a mutex whose owner has the priority of those who wait."""
    return arguments[1] & 0xFFFFFFFF & ~(_PRIVATE | _REALTIME) in (_LOCK_PI, _LOCK_PI2)


def owners(os_pid: int, arguments: list[int]) -> list[int]:
    """The tid of the thread that has the lock at which somebody waits, as the lock itself says: one of these, if any.
    A lock for readers and a writer knows the writer, and it is waited for at one of two places in it."""
    address, asked, value = arguments[0], arguments[1] & 0xFFFFFFFF, arguments[2] & 0xFFFFFFFF
    operation = asked & ~(_PRIVATE | _REALTIME)
    if operation == _WAIT_BITSET and value in _READ_WRITE:
        locks = (procfs.read_memory(os_pid, address - at, _WRITER_AT + 4) for at in _WAITED_AT)
        words = (struct.unpack(f"=I{_WRITER_AT - 4}xI", lock) for lock in locks if len(lock) == _WRITER_AT + 4)
        return [writer for state, writer in words if state & _WRITE_LOCKED and writer]
    memory = procfs.read_memory(os_pid, address, _KIND_AT + 4)
    if len(memory) < _KIND_AT + 4:
        return []
    word, _, owner, users, kind = struct.unpack("=IIIII", memory)
    if not word:
        return []  # it has just been let go
    if operation in (_LOCK_PI, _LOCK_PI2) or value > _TID:
        return [word & _TID]
    return [owner] if users and kind <= _MAX_KIND else []


def recognise(around: bytes, address: int, by_bitset: bool, value: int) -> str:
    """What stands in memory: 48 bytes before the address and 16 from there on. ``by_bitset``: how glibc waits, but for
    mutexes and barriers."""
    if len(around) < _BEFORE + 4 + _AFTER:
        return "futex"
    if not by_bitset:
        return "barrier" if _is_barrier(around, value) else "futex"
    if _is_condition(around, address):
        return "condition"
    if _is_semaphore(around, address, value):
        return "semaphore"
    return "mutex" if value in _READ_WRITE else "futex"


def _is_condition(around: bytes, address: int) -> bool:
    """Whether the word is one of a pthread_cond_t's two counters of signals. Before them stand, in 40 bytes, since
    glibc 2.41 in 32: how many have ever waited, and how many had when the first group began; …; how many wait."""
    for offset, waiters_at in ((40, 36), (32, 28)):
        start = _BEFORE - offset - address % 8
        ever, first = (number >> 1 for number in struct.unpack_from("=QQ", around, start))
        waiters = struct.unpack_from("=I", around, start + waiters_at)[0] >> 3
        if 1 <= waiters <= min(ever, _MAX_WAITERS) and first <= ever < 1 << 48:
            return True
    return False


def _is_semaphore(around: bytes, address: int, value: int) -> bool:
    """Whether a sem_t begins here: its value, how many wait; whether processes share it."""
    if address % 8 or value:
        return False
    present, waiters, shared = struct.unpack_from("=III", around, _BEFORE)
    return present == 0 and 1 <= waiters <= _MAX_WAITERS and shared in (0, _PRIVATE)


def _is_barrier(around: bytes, value: int) -> bool:
    """Whether the word is the second one of a pthread_barrier_t: how many have come; before this round; so many make a
    round; whether processes share it; how many have left."""
    come, before, number, shared = struct.unpack_from("=IIII", around, _BEFORE - 4)
    return before == value and 1 <= come - before <= number <= _MAX_WAITERS and shared in (0, _PRIVATE)
