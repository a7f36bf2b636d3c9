"""Sharing out real CPUs between the runs on one machine, by lock files: the system releases them at any death.

A CPU has a file for each run that may use it at once. A run takes the CPUs that the fewest others use; the first free
file of each is its own for as long as the run lasts.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import fcntl
import os
import stat
from typing import NamedTuple

from sandbox.machines.linux.procfs import flocked_files
from sandbox.util.paths import TEMPORARY

#: So many runs of one CPU are told from each other; what comes later claims nothing.
_MAX_RUNS = 32
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class CpuClaim(NamedTuple):
    """``cpus``: the real CPUs that were claimed, none where there are too few; ``shared``: those of them that others
    use, too; ``others``: all that others use. ``locks``: the descriptors that hold them."""

    cpus: list[int]
    shared: list[int]
    others: list[int]
    locks: list[int]

    def release(self) -> None:
        """Let others have them."""
        while self.locks:
            os.close(self.locks.pop())


def claim_cpus(number: int) -> CpuClaim:
    """So many real CPUs of those that this process may use: the least used, and of these the last ones, because the
    first serves most interrupts."""
    folder, free = _folder(), sorted(os.sched_getaffinity(0), reverse=True)
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
    if len(claim.cpus) < number:  # the folder takes no files: as if we were alone
        claim.release()
        return CpuClaim([], [], claim.others, [])
    claim.cpus.sort()
    return claim


def _folder() -> str:
    """Where lock files lie: the user's own folder for what lasts as long as a session, else the one that all share."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    try:
        found = os.lstat(own)
    except OSError:
        return TEMPORARY  # no file is written to, and no link is followed
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
    """A descriptor that holds this lock; None: somebody else has it, or it cannot be had."""
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
        os.fchmod(descriptor, 0o644)  # other users lock it, too
        return descriptor
