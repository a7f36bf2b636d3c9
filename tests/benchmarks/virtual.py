"""Scheduling decisions a second in virtual time, events kept, beside the bare heap of an event simulator."""

from __future__ import annotations

import heapq

from sandbox import policies
from sandbox.events import Dispatched, Event
from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import run
from sandbox.machines.virtual import VirtualMachine
from sandbox.spec import MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.units import MS, S
from tests.benchmarks.tools import alternate, row, timed

DECISIONS = 60_000


def world(jobs: int) -> Scenario:
    work = [Segment("cpu", DECISIONS * 10 * MS // jobs)]
    specs = [ProcessSpec(f"job{index}", work=work) for index in range(jobs)]
    return Scenario("bench", "bench", MachineSpec(policy="rr", quantum_ns=10 * MS), specs)


def decisions_per_s(jobs: int) -> float:
    scenario = world(jobs)
    events: list[Event] = []
    kernel = Kernel(policies.build(scenario.machine))
    seconds = timed(lambda: run(kernel, VirtualMachine(scenario), events.extend, "bench"))
    return sum(isinstance(event, Dispatched) for event in events) / seconds


def heap_events_per_s(jobs: int) -> float:
    """The least that an event simulator does: one event popped, its callback called, one pushed."""
    heap = [(index, index) for index in range(jobs)]
    kept: list[tuple[int, int]] = []

    def callback(time_ns: int, who: int) -> None:
        kept.append((time_ns, who))
        heapq.heappush(heap, (time_ns + S, who))

    def loop() -> None:
        for _ in range(DECISIONS):
            callback(*heapq.heappop(heap))

    return DECISIONS / timed(loop)


def main() -> None:
    for jobs in (3, 100, 1_000):
        ours, theirs, ratio = alternate(lambda n=jobs: decisions_per_s(n), lambda n=jobs: heap_events_per_s(n))  # type: ignore[misc]
        row(f"rr, {jobs} jobs", f"{ours:,.0f} dec/s", f"{theirs:,.0f} heap ev/s", ratio)
