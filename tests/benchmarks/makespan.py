"""A mixed load under our scheduler, beside the same processes left to Linux on the same single CPU."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sandbox.analysis.measurement.measure import Run, left_to_linux, mixed
from sandbox.model.spec import Scenario
from sandbox.util.units import MS
from tests.benchmarks.figures import Beside, Figure, figure, in_turn

ROUNDS = 3
QUANTA_NS = (5 * MS, 10 * MS, 50 * MS)


def load(quantum_ns: int) -> Scenario:
    scenario = mixed()
    scenario.machine.quantum_ns = quantum_ns
    return scenario


def scheduled_ms(quantum_ns: int) -> float:
    return Run(load(quantum_ns)).makespan_ns / MS


def by_linux_ms(quantum_ns: int) -> float:
    return left_to_linux(load(quantum_ns)) / MS


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    for quantum_ns in QUANTA_NS:
        ours, linux = in_turn(rounds, partial(scheduled_ms, quantum_ns), partial(by_linux_ms, quantum_ns))
        beside = Beside("left to Linux", linux, foreign=False)  # the work is a program of ours
        yield figure(f"mixed load, quantum {quantum_ns // MS} ms", ours, "ms", "less", beside)
