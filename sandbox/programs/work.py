"""Synthetic work: so much CPU time, so long a wait, exactly as told, however often it is stopped."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence

#: What entering a wait costs: a burst that leads to one ends so much early, that the wait begins in time.
_WAIT_ENTRY_NS = 20_000


def work(segments: Sequence[tuple[str, int]], overhead_ns: int = 0) -> None:
    """Burn and wait by turns; ``segments`` are ("cpu" or "io", ns), or ("until", ns since the start).

    CPU time is counted on the thread's own clock from the start of the program, so that what waking and
    sleeping cost is part of the work and the total comes out exact; the last burst leaves ``overhead_ns`` for
    what the process costs before and after.
    Waiting is done in ``select``, whose time-out stands still while the process is stopped (``sleep`` would
    go on), so that a pause of the machine pauses its I/O too.
    """
    clock = time.thread_time_ns
    began_ns = time.monotonic_ns()
    target_ns = clock()
    last = max((index for index, (kind, _) in enumerate(segments) if kind == "cpu"), default=0)
    for index, (kind, length_ns) in enumerate(segments):
        if kind == "cpu":
            target_ns += length_ns
            until_ns = target_ns - (overhead_ns if index == last else _WAIT_ENTRY_NS)
            while clock() < until_ns:
                pass
        else:
            wait_ns = length_ns if kind == "io" else max(began_ns + length_ns - time.monotonic_ns(), 0)
            select.select((), (), (), wait_ns / 1e9)
