"""Earliest deadline first."""

from __future__ import annotations

from math import inf

from sandbox.policies import Clause, Figure, Flag, Parameter, RankedPreemptive, ReadyReason, Task

#: The task's data: it is not admitted, or needs this share of the CPU.
_BACKGROUND = -1.0
#: Thirds do not add up to exactly 1.
_ROUNDING = 1e-9


class EarliestDeadlineFirst(RankedPreemptive):
    """The job that is due first runs, and one that is due earlier preempts it at once; processes without ``period``
    and ``deadline`` run when no job is left.

    Bad when there is more work than time: one late job makes the next one late, too, and it cannot be predicted which
    ones suffer. With ``admission`` it can: a process that no longer fits, as far as its bursts are declared, runs in
    the background.
    """

    name = "edf"
    starves = True
    needs = ("deadline_ns", "period_ns")
    admission = Parameter(Flag(), False, "whether a process that no longer fits runs only when no other job is left")

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self._load = 0.0  # of those who are admitted

    def rank(self, task: Task) -> float:
        return inf if task.due_ns is None or self._is_out(task) else task.due_ns

    def _is_out(self, task: Task) -> bool:
        return self.admission and task.data == _BACKGROUND

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        if self.admission and task.data is None:
            task.data = self._admitted(task)
        super().enqueue(task, reason, now_ns)

    def _admitted(self, task: Task) -> float:
        """What it needs of the CPU, if there is so much left."""
        within_ns = min(filter(None, (task.period_ns, task.deadline_ns)), default=None)
        needs = 0.0 if within_ns is None else (task.burst_ns or 0) / within_ns
        if self._load + needs > 1 + _ROUNDING:
            self.note(Clause("not admitted", {"share": round(needs, 3), "left": round(1 - self._load, 3)}), task)
            return _BACKGROUND
        self._load += needs
        return needs

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        if task.stopped == "exited":
            self._leave(task)

    def remove(self, task: Task) -> None:
        super().remove(task)
        self._leave(task)

    def _leave(self, task: Task) -> None:
        if task.data is not None and task.data != _BACKGROUND:
            self._load -= task.data
        task.data = None

    def why(self, task: Task) -> Clause:
        if self._is_out(task):
            return Clause("nobody who is admitted is ready")
        if task.due_ns is None:
            return Clause("no deadline is left")
        return Clause("earliest deadline", {"due_ns": task.due_ns})

    def figures(self, task: Task) -> dict[str, Figure]:
        return {"due_ns": task.due_ns, "period_ns": task.period_ns}
