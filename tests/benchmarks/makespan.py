"""A mixed load under our scheduler, beside the same processes left to Linux on the same single CPU.

Linux switches within the kernel. Ours waits between two slices, longer where one ends with a block; bare loops that
switch by the same system calls wait as often, which bounds the makespan.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sandbox.analysis.measurement.measure import Run, left_to_linux, mixed
from sandbox.model.spec import Scenario
from sandbox.util.units import MS, US
from tests.benchmarks import blocks, dispatch
from tests.benchmarks.figures import Beside, CannotMeasure, Figure, figure

ROUNDS = 3
QUANTA_NS = (5 * MS, 10 * MS, 50 * MS)


class Round(NamedTuple):
    """Makespans in ms, and for how many ms of ours the CPU was between two slices: ours, and a bare loop's."""

    ours: float
    linux: float
    between: float
    bare_between: float


def load(quantum_ns: int) -> Scenario:
    scenario = mixed()
    scenario.machine.quantum_ns = quantum_ns
    return scenario


def play(quantum_ns: int) -> Round:
    run = Run(load(quantum_ns))
    ended, blocked = run.slices()["dispatch_gap_ns"], run.blocks()["block_to_dispatch_ns"]
    if ended is None or blocked is None:
        raise CannotMeasure("needs the system's records of context switches (perf)")
    linux_ns = left_to_linux(load(quantum_ns))
    bare_gap_ns = dispatch.calls_only(quantum_ns)["dispatch_gap_ns"]["p50"]
    between_ns = ended["count"] * ended["p50"] + blocked["count"] * blocked["p50"]
    bare_ns = ended["count"] * bare_gap_ns + blocked["count"] * blocks.bare_us() * US
    return Round(run.makespan_ns / MS, linux_ns / MS, between_ns / MS, bare_ns / MS)


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    for quantum_ns in QUANTA_NS:
        ours, linux, between, bare = zip(*(play(quantum_ns) for _ in range(rounds)), strict=True)
        load = f"mixed load, quantum {quantum_ns // MS} ms"
        beside = Beside("left to Linux", linux, foreign=False)  # the work is a program of ours
        yield figure(load, ours, "ms", "less", beside)
        yield figure(f"{load}: between slices", between, "ms", "less", Beside("bare loops", bare))
