"""Shortest job first."""

from sandbox.policies import Clause, Ranked, Task
from sandbox.policies.common.bursts import BurstEstimator


class ShortestJobFirst(BurstEstimator, Ranked):
    """The process with the shortest next CPU burst runs until it blocks or ends.

    Bad when short ones keep coming (a long one starves), and as good as its foresight: a wrong estimate puts a long
    burst before all others.
    """

    name = "sjf"
    starves = True

    def rank(self, task: Task) -> int:
        return self.expected_ns(task)

    def why(self, task: Task) -> Clause:
        rule = "shortest estimated burst" if self.declared_ns(task) is None else "shortest next burst"
        return Clause(rule, {"burst_ns": self.expected_ns(task)})
