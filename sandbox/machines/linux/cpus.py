"""The assignment of real CPUs to mini CPUs and to the kernel process."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

from sandbox.util.cpus import usable_cpus

#: The nice value of the kernel process, if it may be set: high in priority, but below the system's own threads.
_NICE = -15


class CpuAssignment(NamedTuple):
    """``mini``: the real CPU of each mini CPU; ``engine``: those of the kernel process and the terminal's process."""

    mini: list[int]
    engine: list[int]

    @property
    def dedicated(self) -> bool:
        """Whether the kernel process does not share CPUs with the scheduled processes."""
        return not set(self.mini) & set(self.engine)

    def keep_engine_off(self) -> None:
        """Restrict this process to the engine's CPUs."""
        with suppress(OSError):  # the births report it
            os.sched_setaffinity(0, self.engine)


def assign_cpus(number: int, claimed: Collection[int] = (), others: Collection[int] = ()) -> CpuAssignment:
    """Assign real CPUs to mini CPUs: the ``claimed`` ones, or else the last ones, because the first one serves most
    interrupts. The engine avoids those that ``others`` have claimed, if there are more.

    Raises ValueError if the machine has fewer.
    """
    real = usable_cpus()
    if number > len(real):
        raise ValueError(f"{number} mini CPUs, but this machine has {len(real)}")
    mini = sorted(claimed) if len(claimed) == number and set(claimed) <= set(real) else real[-number:]
    rest = [cpu for cpu in real if cpu not in mini]
    return CpuAssignment(mini, [cpu for cpu in rest if cpu not in others] or rest or real)


def raise_priority() -> None:
    """Raise our priority over other programs on our CPU, if permitted (as root), so that dispatches are not late. Linux
    may group sessions for scheduling, each with a nice value, which is set as well."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        with open("/proc/self/autogroup", "w") as session:
            session.write(str(_NICE))
    except OSError:
        pass
