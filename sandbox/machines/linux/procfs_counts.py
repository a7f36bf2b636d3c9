"""Counts that /proc keeps of a process: how often it came onto a CPU and left it, what it has written, how much memory
it has."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
from contextlib import suppress
from typing import NamedTuple

from sandbox.machines.linux.procfs import descends_from, process_ids, read_small


class Switches(NamedTuple):
    """How often the first thread of a process came onto a CPU, and left it: to sleep in a system call, or because
    somebody else had to run."""

    came: int
    slept: int
    preempted: int

    @property
    def is_off(self) -> bool:
        """Whether it has no CPU."""
        return self.came <= self.slept + self.preempted


def switches(os_pid: int) -> Switches | None:
    """None: the system does not tell."""
    counts = dict(line.partition(":")[::2] for line in read_small(f"/proc/{os_pid}/status").splitlines()[-3:])
    try:
        came = int(read_small(f"/proc/{os_pid}/schedstat").split()[2])
        return Switches(came, int(counts["voluntary_ctxt_switches"]), int(counts["nonvoluntary_ctxt_switches"]))
    except (IndexError, KeyError, ValueError):
        return None


class WritesDone(NamedTuple):
    """How many writes a process has finished with all of its threads, to whatever, and how many bytes they took."""

    calls: int
    bytes: int


def writes_done(os_pid: int) -> WritesDone | None:
    """None: not ours to know."""
    counts = dict(line.split(": ", 1) for line in read_small(f"/proc/{os_pid}/io").splitlines())
    try:
        return WritesDone(int(counts["syscw"]), int(counts["wchar"]))
    except (KeyError, ValueError):
        return None


def idle_s() -> float:
    """For how long this machine's CPUs have had nothing to do so far, all of them together; 0: the system does not
    tell."""
    try:
        idle, waiting = read_small("/proc/stat").split(None, 6)[4:6]
        return (int(idle) + int(waiting)) / os.sysconf("SC_CLK_TCK")
    except ValueError:
        return 0.0


# How much memory it has: /proc/PID/smaps_rollup, statm


class MemoryUse(NamedTuple):
    """In bytes. ``resident``: in memory; of that ``private``: its own alone, and ``shared``: with others, too.
    ``proportional``: its own, and its part of what is shared (None: the system does not tell)."""

    resident: int
    shared: int
    private: int
    proportional: int | None = None


def resident_memory(os_pid: int) -> int:
    """So many bytes of it are in memory; 0 once it is gone."""
    sizes = read_small(f"/proc/{os_pid}/statm").split()
    return int(sizes[1]) * os.sysconf("SC_PAGE_SIZE") if len(sizes) > 1 else 0


def memory_use(os_pid: int, ancestor: int) -> MemoryUse | None:
    """How much memory a process has; None where it is gone, or does not descend from ``ancestor``: its number may be
    one of another pid namespace, and belong to a stranger in ours."""
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
    try:  # it counts what is backed by a file, which is the best guess at what is shared
        _, resident, shared, *_ = (int(pages) * os.sysconf("SC_PAGE_SIZE") for pages in read_small(statm).split())
    except ValueError:
        return None
    return MemoryUse(resident, shared, resident - shared) if resident else None


def address_space(os_pid: int) -> str:
    """How large it is, in pages; empty when the process is gone."""
    return read_small(f"/proc/{os_pid}/statm").partition(" ")[0]


def threads_of(user: int) -> int:
    """How many threads a user has in all."""
    count = 0
    for os_pid in process_ids():
        with suppress(OSError):
            if os.stat(f"/proc/{os_pid}").st_uid == user:
                count += len(os.listdir(f"/proc/{os_pid}/task"))
    return count
