"""A mixed load under our scheduler, beside the same processes left to Linux on the same single CPU."""

from __future__ import annotations

from sandbox.analysis.measurement.measure import Run, left_to_linux, mixed
from sandbox.model.spec import Scenario
from sandbox.util.units import MS, S
from tests.benchmarks.tools import alternate, row


def load(quantum_ns: int) -> Scenario:
    scenario = mixed()
    scenario.machine.quantum_ns = quantum_ns
    return scenario


def main() -> None:
    for quantum_ns in (5 * MS, 10 * MS, 50 * MS):
        mine, theirs, ratio = alternate(
            lambda q=quantum_ns: Run(load(q)).makespan_ns / S,  # type: ignore[misc]
            lambda q=quantum_ns: left_to_linux(load(q)) / S,  # type: ignore[misc]
            rounds=3,
        )
        row(f"mixed load, quantum {quantum_ns // MS} ms", f"{mine * 1e3:.0f} ms", f"{theirs * 1e3:.0f} ms", ratio)
