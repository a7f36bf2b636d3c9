"""What the system says of a process, asked through psutil: its CPU time, and whether it waits.

Of the state of a process that lives some systems say nothing: on macOS all of them are "running". There the accounts
tell: who may run and for a while uses no CPU waits, and who waits and has used some has woken. That needs accounts that
are finer than the while; Linux's, as psutil reads them, are not, but there the states tell.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import time
from typing import NamedTuple

import psutil

from sandbox.util.units import MS, S

#: The states of a process that waits.
WAITING = frozenset(
    (psutil.STATUS_SLEEPING, psutil.STATUS_DISK_SLEEP, psutil.STATUS_IDLE, psutil.STATUS_WAITING, psutil.STATUS_LOCKED)
)
#: Who may run and has used no CPU for so long waits.
STILL_NS = 5 * MS
#: So long the accounts of this process may take to change while it computes.
_MAX_TICK_NS = 40 * MS


class Knowledge(NamedTuple):
    """What can be known here. ``states``: psutil tells who waits; ``tick_ns``: the accounts are so coarse."""

    states: bool
    tick_ns: int

    @property
    def accounts_tell(self) -> bool:
        """Whether who waits is known from accounts."""
        return not self.states and self.tick_ns < STILL_NS


def find_out(sleeper: int) -> Knowledge:
    """``sleeper``: the number of a process that has nothing to do."""
    return Knowledge(_waits(sleeper), _tick_ns())


def _waits(os_pid: int) -> bool:
    """Whether it is seen to wait within a while: it may be about to."""
    give_up_ns = time.monotonic_ns() + 1 * S
    while time.monotonic_ns() < give_up_ns:
        status = psutil.Process(os_pid).status()
        if status in WAITING:
            return True
        if sys.platform == "darwin":
            return False  # it never is
        time.sleep(0.01)
    return False


def _tick_ns() -> int:
    """By how much the accounts of a process that computes change at once."""
    own, until_ns = psutil.Process(), time.monotonic_ns() + _MAX_TICK_NS
    first_ns = now_ns = cpu_time_ns(own)
    while now_ns == first_ns and time.monotonic_ns() < until_ns:
        now_ns = cpu_time_ns(own)
    second_ns = now_ns
    while now_ns == second_ns and time.monotonic_ns() < until_ns:
        now_ns = cpu_time_ns(own)
    return now_ns - second_ns or _MAX_TICK_NS


def cpu_time_ns(process: psutil.Process) -> int:
    """All that it has used. Raises psutil.Error."""
    times = process.cpu_times()
    return round((times.user + times.system) * S)
