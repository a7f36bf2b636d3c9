"""Priority scheduling, with aging."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from sandbox.policies import Clause, Duration, Figure, Flag, Parameter, RankedPreemptive, ReadyReason, Task


class Ageing:
    """The priority in force; ``turn`` tells one stay in the ready queue from the next."""

    __slots__ = ("priority", "turn")

    def __init__(self, priority: int, turn: int) -> None:
        self.priority, self.turn = priority, turn


class Priority(RankedPreemptive):
    """The process with the smallest priority number runs; one with a smaller number takes over at once, if
    ``preemptive``. With ``aging``, each such time of waiting counts one number less until it has had the CPU.

    Bad when urgent ones keep coming: without aging, the others starve.
    """

    name = "priority"
    needs = ("priority",)
    preemptive = Parameter(Flag(), True, "whether a better one takes the CPU at once")
    aging = Parameter(
        Duration("1ms", zero=True), "0ms", "how long a wait improves the priority by one (0 ms: none does)"
    )

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self._turns = 0
        self._birthdays: list[tuple[int, int, Task]] = []  # when, in which turn, who ages

    @property
    def starves(self) -> bool:
        """Without aging it may."""
        return not self.aging

    def rank(self, task: Task) -> int:
        priority: int = task.data.priority
        return priority

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        self._turns += 1
        task.data = Ageing(task.priority, self._turns)
        super().enqueue(task, reason, now_ns)
        if self.aging:
            heappush(self._birthdays, (now_ns + self.aging, self._turns, task))

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
            task.data.priority = before - 1
            self.ready.move(task, before - 1)
            self.note(Clause("aged", {"before": before, "after": before - 1}), task)
            heappush(self._birthdays, (due_ns + self.aging, turn, task))
            aged.append(task)
        return aged

    def retune(self, now_ns: int) -> None:
        self._birthdays = [(now_ns + self.aging, task.data.turn, task) for task in self.ready] if self.aging else []
        heapify(self._birthdays)

    def _waits_still(self, when_ns: int, turn: int, task: Task) -> bool:
        return task in self.ready and bool(task.data.turn == turn)

    def why(self, task: Task) -> Clause:
        figures = self.figures(task)
        return Clause("best priority by age" if "own" in figures else "best priority", figures)

    def figures(self, task: Task) -> dict[str, Figure]:
        if self.rank(task) == task.priority:
            return {"priority": task.priority}
        return {"priority": self.rank(task), "own": task.priority}
