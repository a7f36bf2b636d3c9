"""Shortest job first."""

from sandbox.policies import Clause, Ranked, Task
from sandbox.policies.common.bursts import BurstEstimator


class ShortestJobFirst(BurstEstimator, Ranked):
    """The process with the shortest next CPU burst runs until it blocks or ends.

    Bad when short processes keep arriving (a long one starves), or when estimates are wrong: a long burst that is
    taken for a short one runs before all others.
    """

    name = "sjf"
    starves = True

    def rank(self, task: Task) -> int:
        return self.expected_ns(task)

    def why(self, task: Task) -> Clause:
        rule = "shortest estimated burst" if self.declared_ns(task) is None else "shortest next burst"
        return Clause(rule, {"burst_ns": self.expected_ns(task)})
