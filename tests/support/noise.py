"""Whether the machine was ours alone: only then do times say anything."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import pytest

T = TypeVar("T")

_ATTEMPTS = 2
#: So much may others take of one CPU, and what the system's ticks of 10 ms cannot tell.
_MAX_SHARE, _UNSEEN_S = 0.02, 0.015


class Noise(NamedTuple):
    """``others``: the share of one CPU that other programs took meanwhile."""

    quiet: bool
    others: float

    def skip_unless_quiet(self) -> None:
        """Go on only if the times can be judged; what was asserted until here holds in any case."""
        if not self.quiet:
            pytest.skip(f"others took {self.others:.0%} of a CPU meanwhile: the times say nothing")


def when_quiet(run: Callable[[], T]) -> tuple[T, Noise]:
    """Run something, once more if others took the CPUs meanwhile; its last result, and how noisy the machine was."""
    for _ in range(_ATTEMPTS):
        began, others_s = time.monotonic(), _busy_s() - _ours_s()
        result = run()
        lasted_s, others_s = time.monotonic() - began, _busy_s() - _ours_s() - others_s
        noise = Noise(others_s <= _MAX_SHARE * lasted_s + _UNSEEN_S, max(others_s, 0.0) / lasted_s)
        if noise.quiet:
            break
    return result, noise


def _busy_s() -> float:
    """CPU time that all CPUs together have spent on anything; what the host took from this machine counts, too."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _ours_s() -> float:
    """CPU time of this process and of all its descendants that have ended."""
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in times)
