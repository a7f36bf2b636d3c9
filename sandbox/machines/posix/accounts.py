"""Reads the CPU time of processes, and whether they wait, through psutil.

Some systems do not tell the state of processes: on macOS, all of them are "running". There, CPU times are used: a
process that may run and uses no CPU for a while waits, and a waiting one that uses some has woken up. This needs CPU
times with a sufficient resolution. Those of Linux, as psutil reads them, are too coarse, but Linux tells the states.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import time
from typing import NamedTuple

import psutil

from sandbox.util.units import MS, S

#: The states of waiting processes.
WAITING = frozenset(
    (psutil.STATUS_SLEEPING, psutil.STATUS_DISK_SLEEP, psutil.STATUS_IDLE, psutil.STATUS_WAITING, psutil.STATUS_LOCKED)
)
#: A process that may run and uses no CPU for this time counts as waiting.
STILL_NS = 5 * MS
#: How long to wait for the CPU time of this process to change while it computes.
_MAX_TICK_NS = 40 * MS


class Knowledge(NamedTuple):
    """What this system tells. ``states``: whether psutil tells which processes wait; ``tick_ns``: the resolution of CPU
    times."""

    states: bool
    tick_ns: int

    @property
    def accounts_tell(self) -> bool:
        """Whether waits are detected by CPU times."""
        return not self.states and self.tick_ns < STILL_NS


def find_out(sleeper: int) -> Knowledge:
    """Find out what this system tells. ``sleeper``: the pid of a process that waits."""
    return Knowledge(_waits(sleeper), _tick_ns())


def _waits(os_pid: int) -> bool:
    """Whether psutil shows within 1 s that a process waits, which it may only be about to do."""
    give_up_ns = time.monotonic_ns() + 1 * S
    while time.monotonic_ns() < give_up_ns:
        status = psutil.Process(os_pid).status()
        if status in WAITING:
            return True
        if sys.platform == "darwin":
            return False  # macOS never shows it
        time.sleep(0.01)
    return False


def _tick_ns() -> int:
    """Measure by how much the CPU time of a computing process increases at once."""
    own, until_ns = psutil.Process(), time.monotonic_ns() + _MAX_TICK_NS
    first_ns = now_ns = cpu_time_ns(own)
    while now_ns == first_ns and time.monotonic_ns() < until_ns:
        now_ns = cpu_time_ns(own)
    second_ns = now_ns
    while now_ns == second_ns and time.monotonic_ns() < until_ns:
        now_ns = cpu_time_ns(own)
    return now_ns - second_ns or _MAX_TICK_NS


def cpu_time_ns(process: psutil.Process) -> int:
    """Return the CPU time of a process. Raises psutil.Error."""
    times = process.cpu_times()
    return round((times.user + times.system) * S)
