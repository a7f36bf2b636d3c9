"""Finds the holders of a file lock, or of a lock on a part of a file, for which a thread waits."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import struct

from sandbox.machines.linux import procfs, procfs_files, procfs_shared
from sandbox.machines.linux.blocking.census import Census, Held
from sandbox.machines.linux.blocking.open_files import named
from sandbox.machines.linux.blocking.system_calls import Entered
from sandbox.machines.linux.process.child import Child

#: Constants of fcntl(2) and flock(2).
_LOCK_SHARED, _LOCK_NOT_BLOCKING, _SET_LOCK_WAIT, _SET_OPEN_FILE_LOCK_WAIT = 1, 4, 7, 38
_READ_LOCK, _SEEK_SET, _SEEK_CUR, _END = 0, 0, 1, 1 << 63
_FLOCK_CALLS = (73, 32)


def lock_holders(census: Census, child: Child, entered: Entered) -> Held | None:
    """Return who holds a lock that conflicts with the wanted one; None if no process of the board does."""
    wanted = _wanted_lock(child, entered)
    if wanted is None:
        return None
    file, kind, writes, start, end = wanted
    groups: dict[tuple[str, int, int], list[Child]] = {}
    for other in census.children:
        for descriptor, target in census.files_of(other):
            if not target.startswith("/") or target.startswith(("/dev/pts/", "/dev/tty", "/dev/null")):
                continue
            for lock in procfs_shared.file_locks(other.os_pid, descriptor):
                hers = other is child and lock.kind == "POSIX" == kind
                if lock.file.rpartition(":")[2] == file and lock.hinders(kind, writes, start, end) and not hers:
                    groups.setdefault((lock.kind, lock.by, lock.start), []).append(other)
    if not groups:
        return None  # a process outside has it, or it has just been released
    holders = {other.os_pid for group in groups.values() for other in group}
    name = named(procfs_files.descriptor_target(child.os_pid, entered.arguments[0]), "file")
    # Any process that shares the open file can release its lock. Several locks must all be released.
    whole = tuple(frozenset().union(*map(census.threads, group)) for group in groups.values())
    return Held(name, whole, sorted(holders), any=len(groups) == 1 and len(holders) > 1)


def _wanted_lock(child: Child, entered: Entered) -> tuple[str, str, bool, int, int] | None:
    """Return the wanted lock: the inode of the file, the kind, whether for writing, the start and the end. None if
    unknown."""
    descriptor, asked, at = entered.arguments[:3]
    facts = procfs_files.descriptor_facts(child.os_pid, descriptor)
    inode = facts.get("ino", "")
    if not inode:
        return None
    if entered.number in _FLOCK_CALLS:
        return inode, "FLOCK", asked & ~_LOCK_NOT_BLOCKING != _LOCK_SHARED, 0, _END
    if asked not in (_SET_LOCK_WAIT, _SET_OPEN_FILE_LOCK_WAIT):
        return None
    memory = procfs.read_memory(child.os_pid, at, 24)
    if len(memory) < 24:
        return None
    access, whence, start, length = struct.unpack("hh4xqq", memory)
    if whence not in (_SEEK_SET, _SEEK_CUR) or length < 0:
        return None
    start += int(facts.get("pos", "0")) if whence == _SEEK_CUR else 0
    kind = "POSIX" if asked == _SET_LOCK_WAIT else "OFDLCK"
    return inode, kind, access != _READ_LOCK, start, start + length if length else _END
