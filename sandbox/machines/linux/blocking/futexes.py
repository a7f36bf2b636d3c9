"""Recognises what a futex is part of: a mutex, a condition variable, a semaphore, a barrier, or the end of a thread.

The system only knows an address. What is stored there and around it depends on the C library. The layouts of glibc
since 2.25 are tested, each by all conditions that hold while a thread waits. If none matches, or the program uses
another library, it is reported as a futex.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import struct

from sandbox.machines.linux import procfs
from sandbox.model.events import Clause

#: <linux/futex.h>: operations, and flags that may be added.
_WAIT, _LOCK_PI, _WAIT_BITSET, _WAIT_REQUEUE_PI, _LOCK_PI2 = 0, 6, 9, 11, 13
_PRIVATE, _REALTIME = 128, 256
#: The word of a mutex that stores its owner: the tid, and whether other threads wait.
_TID, _WAITERS = 0x3FFFFFFF, 0x80000000
#: The word of a mutex that does not: it is locked, and other threads wait.
_CONTENDED = 2
#: More threads than these do not wait at one place.
_MAX_WAITERS = 1 << 20
#: Nor have more ever waited at a condition. An address, as it stands in much other memory, is greater.
_MAX_WAITS = 1 << 40
#: The values of the futexes of a pthread_rwlock_t while a thread waits: the current phase is over or not.
_READ_WRITE = (2, 3)
#: The offsets in a pthread_rwlock_t at which a thread waits for the writer to leave, and for its turn to write; the
#: offset of the tid of the writer; the bit in the first word that tells that there is one.
_WAITED_AT, _WRITER_AT, _WRITE_LOCKED = (12, 8), 24, 2
#: The offset of the kind in a pthread_mutex_t, and its maximum. The internal locks of the library have something else
#: there.
_KIND_AT, _MAX_KIND = 16, 1023
#: The number of bytes before the word and after it that are read.
_BEFORE, _AFTER = 48, 12


def futex(os_pid: int, arguments: list[int], is_python: bool) -> Clause:
    """Return what a thread of the process waits for. ``is_python``: the locks of Python are semaphores, so that these
    two cannot be distinguished."""
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
    if not around:  # its page is the first one of a mapping, with nothing before it
        around = bytes(_BEFORE) + procfs.read_memory(os_pid, address, 4 + _AFTER)
    rule = recognise(around, address, operation == _WAIT_BITSET, value)
    if rule == "semaphore" and is_python:
        return Clause("lock or semaphore" if shared else "futex")
    return Clause(rule)


def _is_owner(os_pid: int, tid: int, shared: bool) -> bool:
    """Whether this thread may own a mutex for which another thread of the process waits."""
    return procfs.has_thread(os_pid, tid) or (shared and procfs.has_thread(tid, tid))


def lends_priority(arguments: list[int]) -> bool:
    """Whether the wait is for a mutex with priority inheritance."""
    return arguments[1] & 0xFFFFFFFF & ~(_PRIVATE | _REALTIME) in (_LOCK_PI, _LOCK_PI2)


def owners(os_pid: int, arguments: list[int]) -> list[int]:
    """Return the possible tids of the owner of the lock for which a thread waits, as stored in the lock. In a lock for
    readers and a writer, a thread waits at one of two places, and the writer is stored."""
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
        return []  # it has just been released
    if operation in (_LOCK_PI, _LOCK_PI2) or value > _TID:
        return [word & _TID]
    return [owner] if users and kind <= _MAX_KIND else []


def recognise(around: bytes, address: int, by_bitset: bool, value: int) -> str:
    """Return what the memory contains: 48 bytes before the address and 16 from there on. ``by_bitset``: the operation
    that glibc uses for all but mutexes and barriers."""
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
    """Whether the word is one of the two signal counters of a pthread_cond_t. In the 40 bytes (32 since glibc 2.41)
    before them are: the number of threads that have ever waited, that number when the first group began, …, and the
    number of threads that wait."""
    for offset, waiters_at in ((40, 36), (32, 28)):
        start = _BEFORE - offset - address % 8
        ever, first = (number >> 1 for number in struct.unpack_from("=QQ", around, start))
        waiters = struct.unpack_from("=I", around, start + waiters_at)[0] >> 3
        if 1 <= waiters <= min(ever, _MAX_WAITERS) and first <= ever < _MAX_WAITS:
            return True
    return False


def _is_semaphore(around: bytes, address: int, value: int) -> bool:
    """Whether a sem_t begins here: its value, the number of waiting threads, whether it is shared by processes."""
    if address % 8 or value:
        return False
    present, waiters, shared = struct.unpack_from("=III", around, _BEFORE)
    return present == 0 and 1 <= waiters <= _MAX_WAITERS and shared in (0, _PRIVATE)


def _is_barrier(around: bytes, value: int) -> bool:
    """Whether the word is the second one of a pthread_barrier_t: the number of threads that have arrived; that number
    before this round; the threads of a round; whether it is shared by processes; the number of threads that have
    left."""
    come, before, number, shared = struct.unpack_from("=IIII", around, _BEFORE - 4)
    return before == value and 1 <= come - before <= number <= _MAX_WAITERS and shared in (0, _PRIVATE)
