"""Earliest deadline first."""

from math import inf

from sandbox.policies import Clause, Figure, RankedPreemptive, Task


class EarliestDeadlineFirst(RankedPreemptive):
    """The job that is due first runs, and one that is due earlier takes over at once; processes without ``period`` and
    ``deadline`` run when no job is left.

    Bad when there is more work than time: then one late job makes the next one late, too, and nobody can say which
    will suffer.
    """

    name = "edf"
    starves = True
    needs = ("deadline_ns", "period_ns")

    def rank(self, task: Task) -> float:
        return inf if task.due_ns is None else task.due_ns

    def why(self, task: Task) -> Clause:
        if task.due_ns is None:
            return Clause("no deadline is left")
        return Clause("earliest deadline", {"due_ns": task.due_ns})

    def figures(self, task: Task) -> dict[str, Figure]:
        return {"due_ns": task.due_ns, "period_ns": task.period_ns}
