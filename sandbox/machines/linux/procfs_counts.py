"""Reads counters of a process from /proc: switches, writes, and memory."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
from contextlib import suppress
from typing import NamedTuple

from sandbox.machines.linux.procfs import descends_from, process_ids, read_small


class Switches(NamedTuple):
    """How often the first thread of a process came onto a CPU (``came``), and left it voluntarily (``slept``) or by
    preemption."""

    came: int
    slept: int
    preempted: int

    @property
    def is_off(self) -> bool:
        """Whether it has no CPU at the moment."""
        return self.came <= self.slept + self.preempted


def switches(os_pid: int) -> Switches | None:
    """Return the counts of switches; None if the system does not tell."""
    counts = dict(line.partition(":")[::2] for line in read_small(f"/proc/{os_pid}/status").splitlines()[-3:])
    try:
        came = int(read_small(f"/proc/{os_pid}/schedstat").split()[2])
        return Switches(came, int(counts["voluntary_ctxt_switches"]), int(counts["nonvoluntary_ctxt_switches"]))
    except (IndexError, KeyError, ValueError):
        return None


class WritesDone(NamedTuple):
    """The number of write calls that all threads of a process have completed, and their bytes."""

    calls: int
    bytes: int


def writes_done(os_pid: int) -> WritesDone | None:
    """Return the counts of writes; None if they are unknown."""
    counts = dict(line.split(": ", 1) for line in read_small(f"/proc/{os_pid}/io").splitlines())
    try:
        return WritesDone(int(counts["syscw"]), int(counts["wchar"]))
    except (KeyError, ValueError):
        return None


def idle_s() -> float:
    """Return the total idle time of this system's CPUs in seconds; 0 if it is unknown."""
    try:
        idle, waiting = read_small("/proc/stat").split(None, 6)[4:6]
        return (int(idle) + int(waiting)) / os.sysconf("SC_CLK_TCK")
    except ValueError:
        return 0.0


# How much memory it has: /proc/PID/smaps_rollup, statm


class MemoryUse(NamedTuple):
    """The memory of a process in bytes. ``resident``: the sum of ``private`` and ``shared``; ``proportional``: private
    memory, and its share of the shared memory (None: the system does not tell)."""

    resident: int
    shared: int
    private: int
    proportional: int | None = None


def resident_memory(os_pid: int) -> int:
    """Return the resident memory of a process in bytes; 0 once it is gone."""
    sizes = read_small(f"/proc/{os_pid}/statm").split()
    return int(sizes[1]) * os.sysconf("SC_PAGE_SIZE") if len(sizes) > 1 else 0


def memory_use(os_pid: int, ancestor: int) -> MemoryUse | None:
    """Return the memory of a process; None if it is gone, or does not descend from ``ancestor``: its pid may be of
    another pid namespace, and belong to an unrelated process in ours."""
    if not descends_from(os_pid, ancestor):
        return None
    try:
        with open(f"/proc/{os_pid}/smaps_rollup") as file:
            lines = [line.split() for line in file.readlines()[1:]]
        sizes = {fields[0].rstrip(":"): int(fields[1]) * 1_024 for fields in lines}
        private = sizes["Private_Clean"] + sizes["Private_Dirty"]
        return MemoryUse(sizes["Rss"], sizes["Rss"] - private, private, sizes["Pss"])
    except (OSError, KeyError, ValueError):
        pass
    statm = f"/proc/{os_pid}/statm"
    try:  # statm counts file-backed memory, which is the best approximation of shared memory
        _, resident, shared, *_ = (int(pages) * os.sysconf("SC_PAGE_SIZE") for pages in read_small(statm).split())
    except ValueError:
        return None
    return MemoryUse(resident, shared, resident - shared) if resident else None


def address_space(os_pid: int) -> str:
    """Return the size of a process's address space in pages, as text; "" if the process is gone."""
    return read_small(f"/proc/{os_pid}/statm").partition(" ")[0]


def threads_of(user: int) -> int:
    """Return the number of threads of a user, over all processes."""
    count = 0
    for os_pid in process_ids():
        with suppress(OSError):
            if os.stat(f"/proc/{os_pid}").st_uid == user:
                count += len(os.listdir(f"/proc/{os_pid}/task"))
    return count
