"""How a decision's cost in virtual time grows with the number of processes; that of a heap would by log n."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from tests.benchmarks.figures import Beside, Figure, figure, in_turn
from tests.benchmarks.virtual import PARAMETERS, simulated

ROUNDS = 3
FEW, MANY = 1_000, (10_000, 100_000)
#: How many processes a measurement simulates, all its runs together.
PROCESSES = 25_000


def marginal_s(policy: str, jobs: int) -> float:
    """What one more decision costs, births and ends left out."""
    seconds = decisions = 0.0
    for _ in range(max(PROCESSES // jobs, 1)):
        few_s, few = simulated(policy, jobs, 2)
        many_s, many = simulated(policy, jobs, 6)
        seconds, decisions = seconds + many_s - few_s, decisions + many - few
    return seconds / decisions


def marginal_us(policy: str, jobs: int) -> float:
    return marginal_s(policy, jobs) * 1e6


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    for policy in PARAMETERS:
        for jobs in MANY:
            many, few = in_turn(rounds, partial(marginal_us, policy, jobs), partial(marginal_us, policy, FEW))
            factor = math.log(jobs) / math.log(FEW)
            beside = Beside(f"{FEW:,} jobs (log n: {factor:.2f})", few, foreign=False)
            yield figure(f"{policy}, {jobs:,} jobs, a decision", many, "µs", "less", beside)
