"""Shortest remaining time first."""

from sandbox.policies import Clause, RankedPreemptive, Task
from sandbox.policies.common.bursts import BurstEstimator


class ShortestRemainingTimeFirst(BurstEstimator, RankedPreemptive):
    """The process with the least left of its CPU burst runs; one that becomes ready with less preempts it at once.

    Bad when short processes keep arriving (a long one starves, even in the middle of its burst), or when estimates are
    wrong: a process that has exceeded its estimate counts as nearly done and keeps the CPU.
    """

    name = "srtf"
    starves = True

    def rank(self, task: Task) -> int:
        return max(self.expected_ns(task) - (task.cpu_ns - task.before_ns), 0)

    def why(self, task: Task) -> Clause:
        rule = "least estimated remaining time" if self.declared_ns(task) is None else "least remaining time"
        return Clause(rule, {"remaining_ns": self.rank(task)})
