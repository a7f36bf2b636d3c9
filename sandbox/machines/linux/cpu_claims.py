"""Distributes real CPUs over the runs on one computer by file locks, which the system releases in any case.

A CPU has a lock file for each concurrent run. A run takes the CPUs with the fewest other users, and holds the first
free lock of each until it ends.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import fcntl
import os
import stat
from typing import NamedTuple

from sandbox.machines.linux.procfs import flocked_files
from sandbox.util.cpus import usable_cpus
from sandbox.util.paths import TEMPORARY

#: The most runs that claim one CPU; further ones claim nothing.
_MAX_RUNS = 32
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class CpuClaim(NamedTuple):
    """``cpus``: the claimed real CPUs, empty if there are too few; ``shared``: those of them that other runs use, too;
    ``others``: all CPUs that other runs use; ``locks``: the descriptors of the locks."""

    cpus: list[int]
    shared: list[int]
    others: list[int]
    locks: list[int]

    def release(self) -> None:
        """Release the CPUs."""
        while self.locks:
            os.close(self.locks.pop())


def claim_cpus(number: int) -> CpuClaim:
    """Claim real CPUs that this process may use: those with the fewest users, and of these the last ones, because the
    first one serves most interrupts."""
    folder, free = _folder(), usable_cpus()[::-1]
    locked = flocked_files()
    users = {cpu: sum(_is_locked(_path(folder, cpu, run), locked) for run in range(_MAX_RUNS)) for cpu in free}
    claim = CpuClaim([], [], [cpu for cpu in free if users[cpu]], [])
    if number > len(free):
        return claim
    free.sort(key=lambda cpu: users[cpu])
    for run in range(_MAX_RUNS):
        for cpu in [*free]:
            if len(claim.cpus) < number and (lock := _lock(_path(folder, cpu, run))) is not None:
                free.remove(cpu)
                claim.cpus.append(cpu)
                claim.locks.append(lock)
                if run or users[cpu]:
                    claim.shared.append(cpu)
    if len(claim.cpus) < number:  # no files can be created: claim nothing
        claim.release()
        return CpuClaim([], [], claim.others, [])
    claim.cpus.sort()
    return claim


def _folder() -> str:
    """Return the folder of lock files: the user's runtime directory, or else the shared temporary folder."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    try:
        found = os.lstat(own)
    except OSError:
        return TEMPORARY  # safe, because files are not written to, and links not followed
    return own if os.path.isabs(own) and stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() else TEMPORARY


def _path(folder: str, cpu: int, run: int) -> str:
    return f"{folder}/ossandbox-cpu{cpu}-{run}.lock"


def _is_locked(path: str, locked: set[tuple[int, int, int]]) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return (os.major(found.st_dev), os.minor(found.st_dev), found.st_ino) in locked


def _lock(path: str) -> int | None:
    """Return a descriptor that holds this lock; None if it is taken or cannot be opened."""
    try:
        descriptor = _open(path)
    except OSError:
        return None
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _open(path: str) -> int:
    try:
        return os.open(path, _OPEN)
    except FileNotFoundError:
        descriptor = os.open(path, _OPEN | os.O_CREAT | os.O_EXCL, 0o644)
        os.fchmod(descriptor, 0o644)  # so that other users can lock it
        return descriptor
