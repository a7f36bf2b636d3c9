"""How much memory a process of ours has, as the system counts it."""

from __future__ import annotations

import os
from mmap import PAGESIZE
from typing import NamedTuple

_ANCESTORS_MOST = 64


class Memory(NamedTuple):
    """In bytes. ``resident``: in memory; of that ``private``: its own alone, and ``shared``: with others, too.
    ``proportional``: its own, and its part of what is shared (None: the system does not tell)."""

    resident: int
    shared: int
    private: int
    proportional: int | None = None


def memory(os_pid: int) -> Memory | None:
    """That of a process; None where it is gone or none of ours."""
    if not _ours(os_pid):
        return None
    try:
        with open(f"/proc/{os_pid}/smaps_rollup") as file:
            lines = [line.split() for line in file.readlines()[1:]]
        sizes = {fields[0].rstrip(":"): int(fields[1]) * 1024 for fields in lines}
        private = sizes["Private_Clean"] + sizes["Private_Dirty"]
        return Memory(sizes["Rss"], sizes["Rss"] - private, private, sizes["Pss"])
    except (OSError, KeyError, ValueError):
        pass
    try:  # what is backed by a file may be shared: the best that is told without smaps
        with open(f"/proc/{os_pid}/statm") as statm:
            _, resident, shared, *_ = (int(field) * PAGESIZE for field in statm.read().split())
    except (OSError, ValueError):
        return None
    return Memory(resident, shared, resident - shared) if resident else None


def _ours(os_pid: int) -> bool:
    """Whether we are among its ancestors: else its number counts in a pid namespace, and somebody else has it here."""
    for _ in range(_ANCESTORS_MOST):
        if os_pid <= 1:
            return False
        try:
            with open(f"/proc/{os_pid}/stat") as file:
                os_pid = int(file.read().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            return False
        if os_pid == os.getpid():
            return True
    return False
