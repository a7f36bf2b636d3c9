"""Priority scheduling, with aging, and round robin among equals."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from heapq import heapify, heappop, heappush
from typing import NamedTuple

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
    """The aged priority of a task during one stay in the ready queue; ``turn``: the number of that stay."""

    __slots__ = ("priority", "turn")

    def __init__(self, priority: int, turn: int) -> None:
        self.priority, self.turn = priority, turn


class Loan(NamedTuple):
    """A rank that ``holder`` inherits from ``lender``. ``through``: the task that waits for the holder directly, which
    is the lender itself or one that the lender waits for."""

    rank: int
    holder: Task
    lender: Task
    through: Task

    @property
    def figures(self) -> dict[str, Figure]:
        """The inherited priority, the lender, and the task that waits for the holder directly if it is another one."""
        figures: dict[str, Figure] = {"priority": self.lender.priority, "from": self.lender.name}
        return figures if self.through is self.lender else figures | {"through": self.through.name}


class Priority(RankedPreemptive):
    """The process with the best priority runs; if ``preemptive``, a better one preempts it at once. The smallest
    number is the best, or with ``larger`` the largest. Equal ones run in turn for a ``quantum`` each, or until they
    block. With ``aging``, each such period of waiting improves the priority by one, until the process has had the CPU.
    With ``inherit``, a process that holds what a better one waits for runs with that one's priority until it releases
    it.

    Bad when urgent processes keep arriving: without ``aging``, the others starve. Without ``inherit``, a process that
    holds a lock may be kept from the CPU by others while a better one waits for that lock: a priority inversion.
    """

    # With a quantum, a preempted process queues behind its equals and gets a fresh slice, as in Silberschatz's
    # exercises; without one, it goes before them.

    name = "priority"
    needs = ("priority",)
    preemptive = Parameter(Flag(), True, "whether a better process takes the CPU at once")
    aging = Parameter(
        Duration("1ms", zero=True), "0ms", "how long a wait improves the priority by one (0 ms: none does)"
    )
    quantum = Parameter(
        Duration("100us", "60s", zero=True), "0ms", "the time slice among equals (0 ms: each runs until it blocks)"
    )
    larger = Parameter(Flag(), False, "whether the larger number is the better one")
    inherit = Parameter(
        Flag(), False, "whether the holder of what a better process waits for runs with that one's priority"
    )

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self._turns = 0
        self._birthdays: list[tuple[int, int, Task]] = []  # a heap: when a task ages, its turn, the task
        self._waiters: dict[int, Task] = {}  # blocked tasks that are known to wait for others
        self._loans: dict[int, Loan] = {}  # by the pid of the holder

    @property
    def starves(self) -> bool:
        """Whether a task may starve: it may without aging."""
        return not self.aging

    @property
    def keeps_slice(self) -> Collection[DescheduledReason]:
        """With a quantum, a preempted task queues behind its equals and keeps no slice."""
        return () if self.quantum else PREEMPTED

    def rank(self, task: Task) -> int:
        own: int = task.data.priority
        own, loan = -own if self.larger else own, self._loans.get(task.pid)
        return own if loan is None or loan.rank > own else loan.rank

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
        """When the next task ages."""
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
        self._loans = self._lend()
        super().retune(now_ns)
        self._birthdays = [(now_ns + self.aging, task.data.turn, task) for task in self.ready] if self.aging else []
        heapify(self._birthdays)

    def _waits_still(self, when_ns: int, turn: int, task: Task) -> bool:
        return task in self.ready and bool(task.data.turn == turn)

    # Inheritance

    def waits(self, task: Task, now_ns: int) -> Iterable[Task] | None:
        if task.waits_for:
            self._waiters[task.pid] = task
        else:
            self._waiters.pop(task.pid, None)
        before, self._loans = self._loans, self._lend()
        for pid in before.keys() | self._loans.keys():
            self._note_loan(before.get(pid), self._loans.get(pid))
        return None if before != self._loans else ()

    def _lend(self) -> dict[int, Loan]:
        """Compute which tasks inherit a priority: the holders of what a better task waits for, and transitively those
        that such a holder waits for."""
        loans: dict[int, Loan] = {}
        if not self.inherit:
            return loans
        best = sorted(self._waiters.values(), key=lambda task: (self._own_rank(task), task.pid))
        for lender in best:
            reached, to_do = {lender.pid}, [lender]
            while to_do:
                through = to_do.pop(0)
                for holder in through.waits_for:
                    if holder.pid not in reached:
                        reached.add(holder.pid)
                        if self._own_rank(lender) < self._own_rank(holder):
                            loans.setdefault(holder.pid, Loan(self._own_rank(lender), holder, lender, through))
                        if holder.pid in self._waiters:
                            to_do.append(holder)
        return loans

    def _own_rank(self, task: Task) -> int:
        return -task.priority if self.larger else task.priority

    def _note_loan(self, before: Loan | None, after: Loan | None) -> None:
        """Record a change of inheritance; a READY holder moves in the queue."""
        loan = after or before
        if loan is None or before == after:
            return
        if loan.holder in self.ready:
            self.ready.move(loan.holder, self.rank(loan.holder))
        if after is None:
            self.note(Clause("inherited no longer", {"priority": loan.holder.priority}), loan.holder)
        else:
            rule = "inherited" if loan.through is loan.lender else "inherited through others"
            self.note(Clause(rule, {"before": loan.holder.priority, **loan.figures}), loan.holder)

    # For the screen

    def why(self, task: Task) -> Clause:
        figures = self.figures(task)
        if "from" in figures:
            through_others = "through" in figures
            return Clause("best priority through others" if through_others else "best priority by inheritance", figures)
        return Clause("best priority by age" if "own" in figures else "best priority", figures)

    def figures(self, task: Task) -> dict[str, Figure]:
        loan = self._loans.get(task.pid)
        if loan is not None and loan.rank == self.rank(task):
            return {**loan.figures, "own": task.priority}
        if task.data.priority == task.priority:
            return {"priority": task.priority}
        return {"priority": task.data.priority, "own": task.priority}
