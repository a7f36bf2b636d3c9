"""Policies for jobs that are due at a certain time: they say who was late."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from sandbox.model.events import Clause, Figure, ReadyReason
from sandbox.policies.base import Task
from sandbox.policies.common.ranking import RankedPreemptive


class DeadlinePolicy(RankedPreemptive):
    """Watches every job that has a deadline (``task.due_ns``) and puts on record when it is missed."""

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self._watched: list[tuple[int, int, Task]] = []  # when due, pid, task

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        if task.due_ns is not None and task.data != task.due_ns:  # another job than the last one watched
            task.data = task.due_ns
            heappush(self._watched, (task.due_ns, task.pid, task))
        super().enqueue(task, reason, now_ns)

    @property
    def timer_ns(self) -> int | None:
        """When the next job that is not done yet is due."""
        while self._watched and self._watched[0][2].due_ns != self._watched[0][0]:
            heappop(self._watched)
        return self._watched[0][0] if self._watched else None

    def timer(self, now_ns: int) -> Iterable[Task]:
        while (due_ns := self.timer_ns) is not None and due_ns <= now_ns:
            self.note(Clause("missed its deadline", {"due_ns": due_ns}), heappop(self._watched)[2])
        return ()

    def figures(self, task: Task) -> dict[str, Figure]:
        return {"due_ns": task.due_ns, "period_ns": task.period_ns}
