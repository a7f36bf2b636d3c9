"""A pre-forked server whose processes share the listener, and thousands of connections that stay: how soon each end is
told to be whose, how soon its end is told, and what the kernel process uses meanwhile."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from tests.benchmarks.tools import row
from tests.support.faults import cpu_ticks
from tests.support.prefork import prefork

WORKERS, CONNECTIONS, HOLD_S, ROUNDS = 50, 2_000, 3.0, 3
_TICKS_PER_S = 100


def seconds_until(step: Callable[[], None], what: Callable[[], bool], most_s: float) -> float:
    """Looked for at most so long, and not so often that it would take the time itself."""
    began = time.monotonic()
    while not what() and time.monotonic() - began < most_s:
        for _ in range(10):
            step()
    return time.monotonic() - began


def measure(connections: int) -> tuple[float, float, float, int]:
    """Seconds until all ends are known, and until all are known to be over; the kernel process's share of a CPU in
    between, and how many ends were told to be somebody else's."""
    with prefork(WORKERS) as server:
        kernel = server.run.link.os_pid
        if connections:
            server.hold(connections)
        known_s = seconds_until(server.run.step, lambda: server.ends() == 2 * connections, 60)
        ticks, began = cpu_ticks(kernel), time.monotonic()
        server.run.go_on(HOLD_S)
        share = (cpu_ticks(kernel) - ticks) / _TICKS_PER_S / (time.monotonic() - began)
        wrong = server.wrong()
        if connections:
            server.let_go()
        over_s = seconds_until(server.run.step, lambda: not server.fold().network.connections, 60)
    return known_s, over_s, share, wrong


def main() -> None:
    pairs = [(measure(CONNECTIONS), measure(0)) for _ in range(ROUNDS)]
    known_s, over_s, share, wrong = (
        statistics.median(values) for values in zip(*(many for many, _ in pairs), strict=True)
    )
    bare = statistics.median(none[2] for _, none in pairs)
    print(f"{2 * CONNECTIONS} ends, {WORKERS} processes: all known {known_s:.2f} s after the last was opened, ", end="")
    print(f"over {over_s:.2f} s after the last was closed; {wrong:.0f} told to be somebody else's")
    row("the kernel process's CPU, beside no connections", f"{share:.1%}", f"{bare:.1%}", share / bare)
