"""Scheduling decisions a second in virtual time, events kept, beside an event simulator's bare heap and a tick loop.

The heap does the least that a simulator of events does for each of them; the tick loop, on lists and dictionaries,
what a simulator does that goes from tick to tick, ten to a slice.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from functools import partial

from sandbox import policies
from sandbox.machines.simulate import simulate
from sandbox.model.events import Dispatched, Event
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.util.units import MS, S
from tests.benchmarks.figures import Beside, Figure, figure, in_turn, timed

ROUNDS = 5
DECISIONS = 60_000
TICKS_A_SLICE = 10
PARAMETERS: dict[str, dict[str, object]] = {
    "rr": {"quantum": "10ms"},
    "mlfq": {"quanta": ["10ms", "10ms", "10ms"], "boost": "1s"},
    "fair": {"latency": "10ms", "granularity": "10ms"},
}


def load(policy: str, jobs: int, slices: int) -> Scenario:
    """So many jobs of so many slices each."""
    work = [Segment("cpu", slices * 10 * MS)]
    specs = [ProcessSpec(f"job{index}", work=work) for index in range(jobs)]
    return Scenario("bench", "bench", MachineSpec(policy=policy, parameters=PARAMETERS[policy]), specs)


def simulated(policy: str, jobs: int, slices: int) -> tuple[float, int]:
    """CPU seconds, and decisions made."""
    scenario = load(policy, jobs, slices)
    events: list[Event] = []
    began = time.process_time()
    simulate(scenario, events.extend, policies.build(scenario.machine))
    return time.process_time() - began, sum(isinstance(event, Dispatched) for event in events)


def decisions_per_s(policy: str, jobs: int) -> float:
    seconds, decisions = simulated(policy, jobs, DECISIONS // jobs)
    return decisions / seconds


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


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    for policy in PARAMETERS:
        for jobs in (3, 1_000):
            alternatives: dict[str, Callable[[int], float]] = {"bare heap, events": heap_events_per_s}
            if policy == "rr":
                alternatives["from tick to tick"] = ticked_decisions_per_s
            others = [partial(other, jobs) for other in alternatives.values()]
            ours, *theirs = in_turn(rounds, partial(decisions_per_s, policy, jobs), *others)
            beside = map(Beside, alternatives, theirs)
            yield figure(f"{policy}, {jobs:,} jobs, decisions", ours, "/s", "more", *beside)
