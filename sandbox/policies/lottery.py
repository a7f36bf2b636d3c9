"""Lottery scheduling."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from sandbox.policies import Clause, Duration, Figure, Parameter, Policy, Queue, ReadyReason, Task
from sandbox.policies.base import HEAD, READY
from sandbox.policies.common.tickets import TicketPool


class Lottery(Policy):
    """Before each slice a ticket is drawn, and the ready process that holds it runs: on average, CPU time is shared
    in proportion to tickets.

    Bad when time is short: shares are right only on average, and an unlucky process can wait for long.
    """

    name = "lottery"
    needs = ("tickets",)
    quantum = Parameter(Duration("100us", "60s"), "10ms", "the length of a time slice")
    drawn = HEAD

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self.pool = TicketPool()
        self._luck = Random(seed)

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        self.pool.put(task)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        total = self.pool.total
        if total == 0:
            return None
        ticket = int(self._luck.random() * total)
        task, first = self.pool.holder(ticket)
        self.pool.take(task)
        self.drawn = Clause(
            "holds the drawn ticket", {"ticket": ticket, "first": first, "last": first + task.tickets - 1}
        )
        self.note(Clause("drew", {"ticket": ticket, "total": total}))
        return task

    def slice(self, task: Task) -> int:
        return self.quantum

    def remove(self, task: Task) -> None:
        self.pool.take(task)

    def why(self, task: Task) -> Clause:
        return self.drawn

    def queues(self) -> Sequence[Queue]:
        return [Queue(READY, tuple(self.pool), self.quantum)]

    def figures(self, task: Task) -> dict[str, Figure]:
        return {"tickets": task.tickets}
