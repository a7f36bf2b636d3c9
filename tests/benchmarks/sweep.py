"""Small simulations a second of a sweep on all CPUs, beside the same sweep with one worker.

The workers are warm: what starting one costs is not in it, which a sweep of any length does not feel.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from sandbox.analysis.sweep.executors import Here
from sandbox.analysis.sweep.plan import Contest, Plan
from sandbox.analysis.sweep.stream import Stream
from sandbox.model.ranges import wholes
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.model.values import Whole
from sandbox.policies import choice
from sandbox.util.cpus import usable_cpus
from sandbox.util.units import MS
from tests.benchmarks.figures import Beside, CannotMeasure, Figure, figure

ROUNDS = 3
SEEDS = 1_000


def measure(rounds: int) -> Iterator[Figure]:
    jobs = len(usable_cpus())
    if jobs < 2:
        raise CannotMeasure("one CPU: nothing to be had from a second worker")
    many, one = [], []
    for _ in range(rounds):
        many.append(rows_per_s(jobs))
        one.append(rows_per_s(1))
    yield figure(f"rows a second, {jobs} workers", many, "1/s", "more", Beside("one worker", one, foreign=False))


def rows_per_s(jobs: int) -> float:
    place = Here(jobs)
    try:
        for _row in Stream(_plan(20 * jobs), place).rows(_plan(20 * jobs).rows()):  # the workers are warm
            pass
        plan = _plan(SEEDS)
        began = time.monotonic()
        count = sum(1 for _row in Stream(plan, place).rows(plan.rows()))
        return count / (time.monotonic() - began)
    finally:
        place.close()


def _plan(seeds: int) -> Plan:
    work = [Segment("cpu", 30 * MS), Segment("io", 10 * MS), Segment("cpu", 20 * MS)]
    processes = [ProcessSpec(f"p{number}", number * 5 * MS, work=work) for number in range(3)]
    world = Scenario("bench", "bench", MachineSpec(), processes)
    contenders = choice.parse_list("rr:quantum=1ms..4ms*2,lottery", world)
    return Plan([Contest(world, b"", contenders)], wholes(f"1..{seeds}", Whole()), None, 60)
