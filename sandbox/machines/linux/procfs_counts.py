"""Counts that /proc keeps of a process: how often it came onto a CPU and left it, and what it has written."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.machines.linux.procfs import read_small


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
