"""The real CPUs that this process may use."""

from __future__ import annotations

import os
import sys


def usable_cpus() -> list[int]:
    """Return the numbers of the CPUs that this process may use, in ascending order. Where the system does not say
    which ones, all of the machine's."""
    if sys.platform == "linux":
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
