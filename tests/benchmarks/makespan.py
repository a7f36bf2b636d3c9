"""A mixed load under our scheduler, beside the same processes left to Linux on the same single CPU."""

from __future__ import annotations

import os

from sandbox.metrics import fold, metrics
from sandbox.programs.work import work
from sandbox.spec import ProcessSpec
from sandbox.units import MS, S
from tests.benchmarks.tools import alternate, row, timed
from tests.worlds import process, run_real, scenario

LOAD = [
    process("hog-1", "cpu 400ms"),
    process("hog-2", "cpu 400ms"),
    process("io-1", "cpu 5ms", "io 20ms", repeat=20),
    process("io-2", "cpu 10ms", "io 30ms", repeat=12),
]


def ours(quantum_ns: int) -> float:
    """Makespan in seconds."""
    return float(metrics(fold(run_real(scenario(*LOAD, quantum_ns=quantum_ns))))["makespan_ns"]) / S


def plain_linux() -> float:
    """The same programs forked here, pinned to the same CPU, scheduled by Linux."""
    cpu = max(os.sched_getaffinity(0))

    def run_all() -> None:
        children = [fork(spec, cpu) for spec in LOAD]
        for os_pid in children:
            os.waitpid(os_pid, 0)

    return timed(run_all)


def fork(spec: ProcessSpec, cpu: int) -> int:
    if (os_pid := os.fork()) == 0:
        os.sched_setaffinity(0, {cpu})
        work([(segment.kind, segment.ns) for segment in spec.segments])
        os._exit(0)
    return os_pid


def main() -> None:
    for quantum_ns in (5 * MS, 10 * MS, 50 * MS):
        mine, theirs, ratio = alternate(lambda q=quantum_ns: ours(q), plain_linux, rounds=3)  # type: ignore[misc]
        row(f"mixed load, quantum {quantum_ns // MS} ms", f"{mine * 1e3:.0f} ms", f"{theirs * 1e3:.0f} ms", ratio)
