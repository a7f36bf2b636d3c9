"""Synthetic work: exact amounts of CPU time and of waiting, however often the process is stopped."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence

#: What entering a wait costs, in ns: a burst before a wait ends so much earlier.
_WAIT_ENTRY_NS = 20_000
#: A wait that is long enough to be noticed, in ns: it shows that a job is done even when the next is due at once.
_NOTICED_NS = 1_000_000


def work(segments: Sequence[tuple[str, int]], overhead_ns: int = 0, zero: Sequence[int] = (0,)) -> None:
    """Burn and wait by turns; ``segments`` are ("cpu" or "io", ns), or ("until", a time of the machine in ns).

    CPU time is counted on the thread's own clock from the start of the program, so that what waking and
    sleeping cost is part of the work and the total comes out exact; the last burst leaves ``overhead_ns`` for
    what the process costs before and after.
    ``zero`` holds the CLOCK_MONOTONIC time at which the machine's time was 0; each pause moves it. Waiting is done
    in ``select``, whose time-out stands still while the process is stopped (``sleep`` would go on), so that a pause
    of the machine pauses its I/O too.
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
