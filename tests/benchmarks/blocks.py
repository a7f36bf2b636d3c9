"""From a block to the next dispatch, by sensor, beside a bare loop that is woken by the system's records.

The time is the system's own: from the moment at which a process left its CPU because it waits, to the moment at which
the next one came onto it. The bare loop does nothing but wait for a record and send two signals.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from functools import partial

from sandbox.analysis.measurement.measure import Run, waiters
from sandbox.machines.linux.blocking.sensors import obstacle
from sandbox.machines.linux.perf_events import Ring
from sandbox.util import libc
from sandbox.util.stats import distribution
from sandbox.util.units import MS, US, S
from tests.benchmarks.bare import standing
from tests.benchmarks.figures import Beside, CannotMeasure, Figure, figure

ROUNDS = 3
SENSORS = ("perf", "idle", "poll")
#: How often the bare loop sees a block; how long the process that blocks computes and waits, and the other one runs.
BLOCKS, BURST_NS, WAIT_NS, TURN_NS = 200, 1 * MS, 5 * MS, 1 * MS


def ours_us(sensor: str) -> float:
    """The median of a run of processes that compute a little and wait a lot."""
    found = Run(waiters(), sensor).blocks()["block_to_dispatch_ns"]
    if not found or found["p50"] is None:
        raise CannotMeasure("needs the system's records of context switches (perf)")
    return float(found["p50"]) / US


def bare_us() -> float:
    """The same of two processes, of which one waits again and again: then the other one is let run for a moment."""
    libc.prctl(libc.PR_SET_TIMERSLACK, 1)
    with standing([partial(_compute, waits) for waits in (True, False)]) as (children, ring):
        return (distribution(_gaps(ring, *children))["p50"] or 0) / US


def _compute(waits: bool) -> None:
    """For ever; ``waits``: now and then it sleeps."""
    while True:
        until_ns = time.monotonic_ns() + BURST_NS
        while time.monotonic_ns() < until_ns:
            pass
        if waits:
            time.sleep(WAIT_NS / S)


def _gaps(ring: Ring, waiter: int, other: int) -> list[int]:
    """From each record that the waiter has left the CPU to that of the other one's coming, which has it for a while."""
    gaps: list[int] = []
    ring.read()
    os.kill(waiter, signal.SIGCONT)
    while len(gaps) < BLOCKS:
        select.select((ring,), (), ())
        ring.clear()
        left_ns = next((each.t_ns for each in ring.read() if each.what == "left" and each.os_pid == waiter), None)
        if left_ns is None:
            continue
        os.kill(other, signal.SIGCONT)
        time.sleep(TURN_NS / S)
        os.kill(other, signal.SIGSTOP)
        os.waitid(os.P_PID, other, os.WSTOPPED)
        came_ns = next((each.t_ns for each in ring.read() if each.what == "on" and each.os_pid == other), None)
        if came_ns is not None:
            gaps.append(came_ns - left_ns)
    return gaps


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    if len(os.sched_getaffinity(0)) < 2 or obstacle("perf", 1) is not None:
        raise CannotMeasure("needs two CPUs, and the system's records of context switches (perf)")
    sensors = [sensor for sensor in SENSORS if obstacle(sensor, 1) is None]
    played = [({sensor: ours_us(sensor) for sensor in sensors}, bare_us()) for _ in range(rounds)]
    bare = Beside("bare loop, perf", [theirs for _, theirs in played])
    for sensor in sensors:
        yield figure(f"{sensor}: block to dispatch", [mine[sensor] for mine, _ in played], "µs", "less", bare)
