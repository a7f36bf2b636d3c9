"""Which real CPU is which mini CPU, and on which of them we run ourselves."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

#: Our nice value, where we may choose it: high enough to come first, without competing with the system's own threads.
_NICE = -15


class CpuAssignment(NamedTuple):
    """``mini``: the real CPU of each mini CPU; ``engine``: those for the kernel process and the terminal's."""

    mini: list[int]
    engine: list[int]

    @property
    def dedicated(self) -> bool:
        """Whether the mini CPUs are the processes' alone."""
        return not set(self.mini) & set(self.engine)

    def keep_engine_off(self) -> None:
        """Keep this process on the CPUs that are the engine's."""
        with suppress(OSError):  # our processes tell of it
            os.sched_setaffinity(0, self.engine)


def available_cpus() -> int:
    """How many mini CPUs this machine can give."""
    return len(os.sched_getaffinity(0))


def assign_cpus(number: int, claimed: Collection[int] = (), others: Collection[int] = ()) -> CpuAssignment:
    """Real CPUs for so many mini CPUs: those that were ``claimed``, else the last ones, because the first serves most
    interrupts. We keep off those that ``others`` have claimed, where any are left.

    Raises ValueError when the machine has fewer.
    """
    real = sorted(os.sched_getaffinity(0))
    if number > len(real):
        raise ValueError(f"{number} mini CPUs, but this machine has {len(real)}")
    mini = sorted(claimed) if len(claimed) == number and set(claimed) <= set(real) else real[-number:]
    rest = [cpu for cpu in real if cpu not in mini]
    return CpuAssignment(mini, [cpu for cpu in rest if cpu not in others] or rest or real)


def raise_priority() -> None:
    """Come before other programs on our own CPU, where we may (root may): a dispatcher that waits is late. Linux can
    weigh whole sessions against each other, and has a nice value for each; ours is our own."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        with open("/proc/self/autogroup", "w") as session:
            session.write(str(_NICE))
    except OSError:
        pass
