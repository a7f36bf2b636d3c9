"""The length of a task's next CPU burst: as declared, or estimated from previous ones."""

from __future__ import annotations

from sandbox.model.clause import Clause, Figure
from sandbox.model.values import Choice, Duration, Number
from sandbox.policies.base import Parameter, Policy, Task


class BurstEstimator(Policy):
    """A policy that goes by the length of the next burst.

    A real program declares nothing; its next burst is then estimated as the exponential average of those before it:
    ``alpha`` × the last one + (1 − ``alpha``) × the estimate for it. The first estimate is the scenario's, or
    ``guess``.
    """

    knows = Parameter(Choice("declared", "estimate"), "declared", "whether declared bursts are used, or only estimates")
    alpha = Parameter(Number(0, 1), 0.5, "the weight of the last burst in the estimate of the next")
    guess = Parameter(Duration("1us"), "50ms", "the estimate of a first burst")

    def declared_ns(self, task: Task) -> int | None:
        """Return the declared length of the current or next burst; None if it is unknown, or not to be believed."""
        return task.burst_ns if self.knows == "declared" else None

    def estimate_ns(self, task: Task) -> int:
        """Return the estimated length of the current or next burst."""
        if task.data is None:
            task.data = self.guess if task.estimate_ns is None else task.estimate_ns
        estimate_ns: int = task.data
        return estimate_ns

    def expected_ns(self, task: Task) -> int:
        """Return the declared length if it is known, else the estimate."""
        declared_ns = self.declared_ns(task)
        return self.estimate_ns(task) if declared_ns is None else declared_ns

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        if task.stopped == "blocked" and self.declared_ns(task) is None:
            burst_ns, before_ns = task.cpu_ns - task.before_ns, self.estimate_ns(task)
            task.data = round(self.alpha * burst_ns + (1 - self.alpha) * before_ns)
            figures: dict[str, Figure] = {"burst_ns": burst_ns, "before_ns": before_ns, "estimate_ns": task.data}
            self.note(Clause("estimate updated", figures), task)

    def figures(self, task: Task) -> dict[str, Figure]:
        declared_ns = self.declared_ns(task)
        if declared_ns is None:
            return {"estimate_ns": self.estimate_ns(task)}
        return {"burst_ns": declared_ns}
