"""Rate-monotonic scheduling."""

from math import inf

from sandbox.policies import Clause, Figure, RankedPreemptive, Task


class RateMonotonic(RankedPreemptive):
    """The process with the shortest ``period`` runs, and preempts others at once when its next job is released;
    processes without a period run when no other has a job.

    Bad when the CPU should be fully used: at loads above about 69 %, jobs with long periods may be late although
    another order would have been in time.
    """

    name = "rm"
    starves = True
    needs = ("period_ns",)

    def rank(self, task: Task) -> float:
        return inf if task.period_ns is None else task.period_ns

    def why(self, task: Task) -> Clause:
        if task.period_ns is None:
            return Clause("no period is left")
        return Clause("shortest period", {"period_ns": task.period_ns})

    def figures(self, task: Task) -> dict[str, Figure]:
        return {"due_ns": task.due_ns, "period_ns": task.period_ns}
