"""The threads of a process, as the system tells of them."""

from __future__ import annotations

import os
from typing import NamedTuple

from sandbox.util.units import S


class Thread(NamedTuple):
    """``state``: the system's letter for it; ``cpu_ns``: the CPU time that it has used."""

    tid: int
    state: str
    cpu_ns: int


def threads(os_pid: int) -> list[Thread]:
    """Those of a process, the first one first; none where there is no such process."""
    found = []
    folder = f"/proc/{os_pid}/task"
    try:
        tids = sorted(map(int, os.listdir(folder)))
    except OSError:
        return []
    for tid in tids:
        try:
            with open(f"{folder}/{tid}/stat", "rb") as file:
                fields = file.read().rpartition(b") ")[2].split()
            found.append(Thread(tid, fields[0].decode(), _exact_ns(f"{folder}/{tid}") or _ticks_ns(fields)))
        except (OSError, IndexError, ValueError):
            pass  # it has just ended
    return found


def _exact_ns(folder: str) -> int | None:
    """To the nanosecond, where the system keeps such books."""
    try:
        with open(f"{folder}/schedstat", "rb") as file:
            return int(file.read().split()[0])
    except (OSError, IndexError, ValueError):
        return None


def _ticks_ns(fields: list[bytes]) -> int:
    """From what is in every system's books: ticks for the program, and ticks for the system on its behalf."""
    return (int(fields[11]) + int(fields[12])) * S // os.sysconf("SC_CLK_TCK")
