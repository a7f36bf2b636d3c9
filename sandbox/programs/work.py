"""Synthetic work: exact amounts of CPU time and waiting, independent of how often the process is stopped."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence

#: The CPU time of entering a wait, in ns, by which a burst before a wait is shorter.
_WAIT_ENTRY_NS = 20_000
#: A wait that is long enough to be noticed, in ns: it shows the end of a job even if the next one is due at once.
_NOTICED_NS = 1_000_000


def work(segments: Sequence[tuple[str, int]], overhead_ns: int = 0, zero: Sequence[int] = (0,)) -> None:
    """Use the CPU and wait alternately. ``segments``: ("cpu" or "io", ns), or ("until", a time of the machine in ns).

    CPU time is measured by the thread's clock from the start of the program, so that the cost of entering and leaving
    waits is part of the work and the total is exact. The last burst is shorter by ``overhead_ns``, the cost of the
    process before and after the work. ``zero`` contains the CLOCK_MONOTONIC time at which the machine's time is 0,
    which changes with each pause. Waits use ``select``, whose time-out does not run while the process is stopped (that
    of ``sleep`` would), so that a pause of the machine also pauses its I/O.
    """
    clock = time.thread_time_ns
    target_ns = clock()
    last = max((index for index, (kind, _) in enumerate(segments) if kind == "cpu"), default=0)
    for index, (kind, length_ns) in enumerate(segments):
        if kind == "cpu":
            target_ns += length_ns
            until_ns = target_ns - (overhead_ns if index == last else _WAIT_ENTRY_NS)
            while clock() < until_ns:
                pass
        else:
            wait_ns = length_ns if kind == "io" else max(zero[0] + length_ns - time.monotonic_ns(), _NOTICED_NS)
            select.select((), (), (), wait_ns / 1e9)
