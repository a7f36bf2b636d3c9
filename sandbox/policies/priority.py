"""Priority scheduling, with aging, and round robin among equals."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from heapq import heapify, heappop, heappush

from sandbox.policies import (
    Clause,
    DescheduledReason,
    Duration,
    Figure,
    Flag,
    Parameter,
    RankedPreemptive,
    ReadyReason,
    Task,
)
from sandbox.policies.base import PREEMPTED


class Ageing:
    """The priority in force; ``turn``: which stay in the ready queue it is for."""

    __slots__ = ("priority", "turn")

    def __init__(self, priority: int, turn: int) -> None:
        self.priority, self.turn = priority, turn


class Priority(RankedPreemptive):
    """The process with the best priority runs; a better one takes over at once, if ``preemptive``. The smallest number
    is the best, or with ``larger`` the largest. Equal ones run in turn for a ``quantum`` each, or to their end. With
    ``aging``, each such time of waiting makes the priority better by one, until the process has had the CPU.

    Bad when urgent ones keep coming: without aging, the others starve.
    """

    # With a quantum, a preempted process queues behind its equals and gets a fresh slice, as in Silberschatz's
    # exercises; without one, it goes on before them.

    name = "priority"
    needs = ("priority",)
    preemptive = Parameter(Flag(), True, "whether a better one takes the CPU at once")
    aging = Parameter(
        Duration("1ms", zero=True), "0ms", "how long a wait improves the priority by one (0 ms: none does)"
    )
    quantum = Parameter(
        Duration("100us", "60s", zero=True), "0ms", "the time slice among equals (0 ms: each runs until it blocks)"
    )
    larger = Parameter(Flag(), False, "whether the larger number is the better one")

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self._turns = 0
        self._birthdays: list[tuple[int, int, Task]] = []  # when, in which turn, who ages

    @property
    def starves(self) -> bool:
        """Without aging it may."""
        return not self.aging

    @property
    def keeps_slice(self) -> Collection[DescheduledReason]:
        """Who queues behind its equals gets a fresh slice."""
        return () if self.quantum else PREEMPTED

    def rank(self, task: Task) -> int:
        priority: int = task.data.priority
        return -priority if self.larger else priority

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        self._turns += 1
        task.data = Ageing(task.priority, self._turns)
        self.ready.push(task, self.rank(task), head=reason == "preempted" and not self.quantum)
        if self.aging:
            heappush(self._birthdays, (now_ns + self.aging, self._turns, task))

    def slice(self, task: Task) -> int | None:
        return self.quantum or None

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        return self.preemptive and super().preempts(task, running, now_ns)

    @property
    def timer_ns(self) -> int | None:
        """When the next one ages."""
        while self._birthdays and not self._waits_still(*self._birthdays[0]):
            heappop(self._birthdays)
        return self._birthdays[0][0] if self._birthdays else None

    def timer(self, now_ns: int) -> Iterable[Task]:
        aged: list[Task] = []
        while (due_ns := self.timer_ns) is not None and due_ns <= now_ns:
            _, turn, task = heappop(self._birthdays)
            before = task.data.priority
            task.data.priority = after = before + 1 if self.larger else before - 1
            self.ready.move(task, self.rank(task))
            self.note(Clause("aged", {"before": before, "after": after}), task)
            heappush(self._birthdays, (due_ns + self.aging, turn, task))
            aged.append(task)
        return aged

    def retune(self, now_ns: int) -> None:
        super().retune(now_ns)
        self._birthdays = [(now_ns + self.aging, task.data.turn, task) for task in self.ready] if self.aging else []
        heapify(self._birthdays)

    def _waits_still(self, when_ns: int, turn: int, task: Task) -> bool:
        return task in self.ready and bool(task.data.turn == turn)

    def why(self, task: Task) -> Clause:
        figures = self.figures(task)
        return Clause("best priority by age" if "own" in figures else "best priority", figures)

    def figures(self, task: Task) -> dict[str, Figure]:
        if task.data.priority == task.priority:
            return {"priority": task.priority}
        return {"priority": task.data.priority, "own": task.priority}
