"""Earliest eligible virtual deadline first, as Linux does it."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.policies import Clause, Duration, Figure, Parameter, Policy, Queue, Ranking, ReadyReason, Task
from sandbox.policies.common.weights import NORMAL, weight, weighted


class EevdfState:
    """A task's virtual runtime and deadline; ``wants_ns``: the CPU time left of its request; ``charged_ns``: the CPU
    time that its runtime contains; ``lag_ns``: the virtual time that was owed to it when it blocked."""

    __slots__ = ("charged_ns", "deadline_ns", "lag_ns", "vruntime_ns", "wants_ns")

    def __init__(self, charged_ns: int) -> None:
        self.vruntime_ns = self.deadline_ns = self.lag_ns = self.wants_ns = 0
        self.charged_ns = charged_ns


class EarliestEligibleVirtualDeadline(Policy):
    """Of the processes that have had no more than their share so far (the eligible ones), the one whose request of a
    ``quantum`` is due first, according to its weight, runs.

    Bad when processes block before their request is met: what they are owed is kept, but at most two quanta.
    """

    # A task is eligible if its virtual runtime is at most the weighted average of all: sum / load.

    name = "eevdf"
    keeps_slice = ()
    quantum = Parameter(Duration("100us", "60s"), "3ms", "the CPU time of a request")

    def __init__(self, parameters: dict[str, object] | None = None, seed: int = 1) -> None:
        super().__init__(parameters, seed)
        self._eligible = Ranking()  # by deadline
        self._ahead = Ranking()  # by virtual runtime: tasks that were not eligible when last checked
        self._running: dict[int, Task] = {}
        self._load = self._sum = 0
        self._virtual_ns = 0  # the last average, used while there are no tasks

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        if task.data is None:
            task.data = EevdfState(task.cpu_ns)
            self._place(task, lag_ns=0)
        elif reason == "woke":
            self._place(task, task.data.lag_ns)
        self._load += weight(task)
        self._sum += weight(task) * task.data.vruntime_ns
        self._ahead.push(task, task.data.vruntime_ns)

    def _place(self, task: Task, lag_ns: int) -> None:
        """Set the virtual runtime of a task that joins so that its lag is ``lag_ns``; joining moves the average,
        too."""
        state: EevdfState = task.data
        if self._load:
            lag_ns += lag_ns * weight(task) // self._load
        state.vruntime_ns = self._average_ns() - lag_ns
        self._request(task)

    def _request(self, task: Task) -> None:
        """Begin a new request of one quantum."""
        state: EevdfState = task.data
        state.wants_ns = self.quantum
        state.deadline_ns = state.vruntime_ns + weighted(self.quantum, task)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        self._sort()
        task = self._eligible.pop() or self._ahead.pop()
        if task is not None:
            self._running[task.pid] = task
        return task

    def _sort(self) -> None:
        """Move tasks between the queues: those that have become eligible, and first ones that no longer are."""
        total = self._sum_now()
        while (task := self._ahead.peek()) is not None and task.data.vruntime_ns * self._load <= total:
            self._ahead.discard(task)
            self._eligible.push(task, task.data.deadline_ns)
        while (task := self._eligible.peek()) is not None and task.data.vruntime_ns * self._load > total:
            self._eligible.discard(task)
            self._ahead.push(task, task.data.vruntime_ns)

    def slice(self, task: Task) -> int:
        """Return the rest of the task's request."""
        wants_ns: int = task.data.wants_ns
        return wants_ns

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        state: EevdfState = task.data
        return bool(state.vruntime_ns * self._load <= self._sum_now() and state.deadline_ns < running.data.deadline_ns)

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        del self._running[task.pid]
        state: EevdfState = task.data
        self._sum -= weight(task) * state.vruntime_ns
        state.vruntime_ns += weighted(ran_ns, task)
        state.charged_ns = task.cpu_ns
        state.wants_ns -= ran_ns
        if state.wants_ns <= 0 or task.left_ns == 0:  # an expired slice meets the request, even if a few ns are missing
            self._request(task)
        if task.stopped in ("blocked", "exited"):
            average_ns = (self._sum_now() + weight(task) * state.vruntime_ns) // self._load
            most_ns = weighted(2 * self.quantum, task)
            state.lag_ns = max(min(average_ns - state.vruntime_ns, most_ns), -most_ns)
            self._virtual_ns = average_ns
        self._load -= weight(task)

    def remove(self, task: Task) -> None:
        self._load -= weight(task)
        self._sum -= weight(task) * task.data.vruntime_ns
        self._eligible.discard(task)
        self._ahead.discard(task)

    def _sum_now(self) -> int:
        """Return the weighted sum of virtual runtimes, including CPU time that running tasks have not been charged."""
        used_ns: int = sum(task.cpu_ns - task.data.charged_ns for task in self._running.values())
        return self._sum + NORMAL * used_ns

    def _average_ns(self) -> int:
        return self._sum_now() // self._load if self._load else self._virtual_ns

    def why(self, task: Task) -> Clause:
        state: EevdfState = task.data
        figures: dict[str, Figure] = {"deadline_ns": state.deadline_ns, "vruntime_ns": state.vruntime_ns}
        return Clause("earliest virtual deadline", figures)

    def queues(self) -> Sequence[Queue]:
        self._sort()
        return [
            Queue(Clause("eligible"), tuple(self._eligible), self.quantum),
            Queue(Clause("ahead of its share"), tuple(self._ahead), self.quantum),
        ]

    def figures(self, task: Task) -> dict[str, Figure]:
        state: EevdfState = task.data
        return {"deadline_ns": state.deadline_ns, "vruntime_ns": state.vruntime_ns, "weight": weight(task)}
