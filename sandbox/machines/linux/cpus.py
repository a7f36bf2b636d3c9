"""Which real CPU is which mini CPU, and where the engine itself stays."""

from __future__ import annotations

import os
from typing import NamedTuple

_NICE = -15


class Places(NamedTuple):
    """``mini``: the real CPU of each mini CPU; ``engine``: the real CPUs left for the kernel process and the
    terminal's; ``alone``: whether those are none of the mini CPUs."""

    mini: list[int]
    engine: list[int]

    @property
    def alone(self) -> bool:
        return not set(self.mini) & set(self.engine)


def available() -> int:
    """How many mini CPUs this machine can give."""
    return len(os.sched_getaffinity(0))


def take_precedence() -> None:
    """Come before other programs on our own CPU, where we may (root may): a dispatcher that waits is late. Linux can
    weigh whole sessions against each other, and has a nice value for each; ours is our own."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        with open("/proc/self/autogroup", "w") as session:
            session.write(str(_NICE))
    except OSError:
        pass


def choose(cpus: int) -> Places:
    """Places for so many mini CPUs: the last real ones, because the first serves most interrupts.

    Raises ValueError when the machine has fewer.
    """
    real = sorted(os.sched_getaffinity(0))
    if cpus > len(real):
        raise ValueError(f"{cpus} mini CPUs, but this machine has {len(real)}")
    mini = real[-cpus:]
    return Places(mini, real[:-cpus] or real)
