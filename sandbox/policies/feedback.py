"""Feedback scheduling, as Stallings tells it."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.policies import Clause, Duration, Figure, Parameter, Queue, Ranked, ReadyReason, Task, Whole
from sandbox.policies.common.ranking import by_level, highest_queue


class Feedback(Ranked):
    """The processes of the highest non-empty queue run in turn, one slice each; one that uses up a slice while
    others are ready moves down one queue, where slices are ``base`` times as long. Nothing is preempted within a slice.

    Bad when new processes keep arriving: an old, long one starves in a low queue, because nothing moves it up again.
    """

    name = "feedback"
    starves = True
    quantum = Parameter(Duration("100us", "60s"), "10ms", "the time slice of the highest queue")
    base = Parameter(Whole(1, 16), 2, "how many times longer the slices of each next queue are")

    def rank(self, task: Task) -> int:
        level: int = task.data
        return level

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        if task.data is None:
            task.data = 0
        super().enqueue(task, reason, now_ns)

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        if task.left_ns == 0 and task.stopped != "exited" and self.ready:
            task.data += 1
            self.note(Clause("demoted", {"from": task.data - 1, "to": task.data}), task)

    def slice(self, task: Task) -> int:
        return self._slice(task.data)

    def _slice(self, level: int) -> int:
        return int(self.quantum * self.base**level)

    def why(self, task: Task) -> Clause:
        return highest_queue(task.data)

    def queues(self) -> Sequence[Queue]:
        levels = by_level(self.ready, self.rank)
        return [Queue(Clause("level", {"level": level}), tasks, self._slice(level)) for level, tasks in levels.items()]

    def figures(self, task: Task) -> dict[str, Figure]:
        return {"level": task.data}
