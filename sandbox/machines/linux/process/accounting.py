"""Exact CPU time of a process, from the kernel's own books, never from subtracting wall clocks.

Each process has a CPU clock: nanoseconds used by all its threads, ended ones included, which
``/proc/PID/schedstat`` leaves out. It is exact while the process is off the CPU and up to one timer
tick (4 ms at 250 Hz) behind while it runs, so totals are read once a stop is confirmed.
"""

from __future__ import annotations

import sys
import time

_CPUCLOCK_SCHED = 2
#: The resolution of this clock is the system's timer tick.
_CLOCK_MONOTONIC_COARSE = 6
TICK_NS = round(time.clock_getres(_CLOCK_MONOTONIC_COARSE) * 1e9) if sys.platform == "linux" else 0


def cpu_clock(os_pid: int) -> int:
    """The clock id of a process's CPU clock (what ``clock_getcpuclockid(3)`` gives)."""
    return (~os_pid << 3) | _CPUCLOCK_SCHED


def cpu_time_ns(clock_id: int) -> int | None:
    """CPU time used so far; a zombie still has its total. None once the process is reaped."""
    try:
        return time.clock_gettime_ns(clock_id)
    except OSError:
        return None
