"""A pre-forked server whose processes share the listener, and thousands of connections that stay: how soon each end is
told to be whose, how soon its end is told, and what the kernel process uses meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from tests.benchmarks.figures import Beside, Figure, figure
from tests.support.prefork import Prefork, prefork
from tests.support.procs import cpu_ticks

ROUNDS = 3
WORKERS, CONNECTIONS, HOLD_S = 50, 2_000, 3.0
_TICKS_PER_S = 100


def seconds_until(server: Prefork, what: Callable[[], bool], most_s: float = 60.0) -> float:
    """Looked for at most so long, and not so often that it would take the time itself."""
    began = time.monotonic()
    while not what() and time.monotonic() - began < most_s:
        for _ in range(10):
            server.run.step()
    return time.monotonic() - began


def busy(server: Prefork) -> float:
    """The kernel process's share of a CPU, in percent."""
    kernel = server.run.link.os_pid
    ticks, began = cpu_ticks(kernel), time.monotonic()
    server.run.go_on(HOLD_S)
    return (cpu_ticks(kernel) - ticks) / _TICKS_PER_S / (time.monotonic() - began) * 100


def visit() -> tuple[float, float, float, float, float]:
    """Milliseconds until all ends are known, and until all are known to be over; how many ends were told to be
    somebody else's; the share of a CPU in between, and before."""
    with prefork(WORKERS) as server:
        alone = busy(server)
        server.hold(CONNECTIONS)
        known_s = seconds_until(server, lambda: server.ends() == 2 * CONNECTIONS)
        share = busy(server)
        wrong = server.wrong()
        server.let_go()
        over_s = seconds_until(server, lambda: not server.fold().network.connections)
    return known_s * 1_000, over_s * 1_000, wrong, share, alone


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    known, over, wrong, share, alone = zip(*(visit() for _ in range(rounds)), strict=True)
    yield figure("all ends known after", known, "ms", "less")
    yield figure("all known to be over after", over, "ms", "less")
    yield figure("told to be somebody else's", wrong, "ends", "less")
    yield figure("CPU of the kernel process", share, "%", "less", Beside("without connections", alone, foreign=False))
