"""Scheduling decisions a second in virtual time, events kept, beside an event simulator's bare heap and a tick loop.

The heap does the least that a simulator of events does for each of them; the tick loop, on lists and dictionaries,
what a simulator does that goes from tick to tick, ten to a slice. ``growth`` is the cost of one more decision at so
many processes, beside that at a thousand; log n grows by the factor that stands beside it.
"""

from __future__ import annotations

import heapq
import math
import time

from sandbox import policies
from sandbox.machines.simulate import simulate
from sandbox.model.events import Dispatched, Event
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.util.units import MS, S
from tests.benchmarks.tools import alternate, row, timed

DECISIONS = 60_000
TICKS_A_SLICE = 10
PARAMETERS = {
    "rr": {"quantum": "10ms"},
    "mlfq": {"quanta": ["10ms", "10ms", "10ms"], "boost": "1s"},
    "fair": {"latency": "10ms", "granularity": "10ms"},
}


def world(policy: str, jobs: int, slices: int) -> Scenario:
    """So many jobs of so many slices each."""
    work = [Segment("cpu", slices * 10 * MS)]
    specs = [ProcessSpec(f"job{index}", work=work) for index in range(jobs)]
    return Scenario("bench", "bench", MachineSpec(policy=policy, parameters=PARAMETERS[policy]), specs)


def simulated(policy: str, jobs: int, slices: int) -> tuple[float, int]:
    """CPU seconds, and decisions made."""
    scenario = world(policy, jobs, slices)
    events: list[Event] = []
    began = time.process_time()
    simulate(scenario, events.extend, policies.build(scenario.machine))
    return time.process_time() - began, sum(isinstance(event, Dispatched) for event in events)


def decisions_per_s(policy: str, jobs: int) -> float:
    seconds, decisions = simulated(policy, jobs, DECISIONS // jobs)
    return decisions / seconds


def marginal_s(policy: str, jobs: int) -> float:
    """What one more decision costs, births and ends left out."""
    seconds = decisions = 0.0
    for _ in range(max(25_000 // jobs, 1)):
        few_s, few = simulated(policy, jobs, 2)
        many_s, many = simulated(policy, jobs, 6)
        seconds, decisions = seconds + many_s - few_s, decisions + many - few
    return seconds / decisions


def heap_events_per_s(jobs: int) -> float:
    """One event popped, its callback called, one pushed."""
    heap = [(index, index) for index in range(jobs)]
    kept: list[tuple[int, int]] = []

    def callback(time_ns: int, who: int) -> None:
        kept.append((time_ns, who))
        heapq.heappush(heap, (time_ns + S, who))

    def loop() -> None:
        for _ in range(DECISIONS):
            callback(*heapq.heappop(heap))

    return DECISIONS / timed(loop)


def ticked_decisions_per_s(jobs: int) -> float:
    """Round robin from tick to tick, a line kept for each."""
    job = {index: {"left": DECISIONS * TICKS_A_SLICE // jobs, "ticks": TICKS_A_SLICE} for index in range(jobs)}
    queue, kept = [*job], []

    def loop() -> None:
        for now in range(DECISIONS * TICKS_A_SLICE):
            current = queue[0]
            job[current]["left"] -= 1
            job[current]["ticks"] -= 1
            kept.append(f"[ time {now} ] run job {current}, {job[current]['left']} left")
            if job[current]["left"] == 0:
                queue.pop(0)
            elif job[current]["ticks"] == 0:
                job[current]["ticks"] = TICKS_A_SLICE
                queue.append(queue.pop(0))

    return DECISIONS / timed(loop)


def main() -> None:
    for policy in PARAMETERS:
        for jobs in (3, 1_000):
            ours, theirs, ratio = alternate(
                lambda p=policy, n=jobs: decisions_per_s(p, n),  # type: ignore[misc]
                lambda n=jobs: heap_events_per_s(n),  # type: ignore[misc]
            )
            row(f"{policy}, {jobs} jobs", f"{ours:,.0f} dec/s", f"{theirs:,.0f} heap ev/s", ratio)
    for jobs in (3, 1_000):
        ours, theirs, ratio = alternate(
            lambda n=jobs: decisions_per_s("rr", n),  # type: ignore[misc]
            lambda n=jobs: ticked_decisions_per_s(n),  # type: ignore[misc]
        )
        row(f"rr, {jobs} jobs", f"{ours:,.0f} dec/s", f"{theirs:,.0f} dec/s by ticks", ratio)
    for policy in PARAMETERS:
        for jobs in (10_000, 100_000):
            many, few, growth = alternate(
                lambda p=policy, n=jobs: marginal_s(p, n),  # type: ignore[misc]
                lambda p=policy: marginal_s(p, 1_000),  # type: ignore[misc]
                rounds=3,
            )
            factor = math.log(jobs) / math.log(1_000)
            row(
                f"{policy}, {jobs:,} jobs, growth (log n: {factor:.2f})",
                f"{many * 1e6:.1f} us",
                f"{few * 1e6:.1f} us",
                growth,
            )
