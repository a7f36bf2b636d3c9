"""Your policies. Both are round robin: make one a lottery, the other stride scheduling.

do they keep the laws of scheduling?     ossandbox check mine.py
how many points would they get?          ossandbox grade TASKS.toml mine.py
"""

from __future__ import annotations

from random import Random

from sandbox.policies import Duration, Parameter, Policy, ReadyReason, Task


class Lottery(Policy):
    """A ticket is drawn, and the ready process that holds it runs for one slice."""

    quantum = Parameter(Duration("1ms", "10s"), "10ms", "the length of a time slice")

    def start(self, now_ns: int) -> None:
        """The policy takes over."""
        self.luck = Random(self.seed)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        """A CPU is free and somebody is ready: take the next task out of self.queue. task.tickets: how many it has."""
        return self.queue.popleft()

    def slice(self, task: Task) -> int | None:
        """How long the task may run now, in nanoseconds."""
        return self.quantum


class Stride(Policy):
    """The process with the lowest pass runs for one slice."""

    quantum = Parameter(Duration("1ms", "10s"), "10ms", "the length of a time slice")

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        """A task became ready: "admitted", "woke", "expired" (its slice is over), "preempted" or "yielded". Its pass
        can live in task.data, which is None at first."""
        self.queue.append(task)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        """A CPU is free and somebody is ready: take the next task out of self.queue."""
        return self.queue.popleft()

    def slice(self, task: Task) -> int | None:
        """How long the task may run now, in nanoseconds."""
        return self.quantum

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        """The task leaves the CPU, after so much CPU time."""
