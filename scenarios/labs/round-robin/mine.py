"""Your policy. It is first come, first served: make it round robin.

does it keep the laws of scheduling?     ossandbox check mine.py
how many points would it get?            ossandbox grade TASKS.toml mine.py
"""

from __future__ import annotations

from sandbox.policies import Duration, Parameter, Policy, ReadyReason, Task


class Mine(Policy):
    """Whoever became ready first runs until it blocks or ends."""

    # The length of a time slice. self.quantum is in nanoseconds.
    quantum = Parameter(Duration("1ms", "10s"), "50ms", "the length of a time slice")

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        """A task became ready: "admitted", "woke", "expired" (its slice is over), "preempted" or "yielded"."""
        self.queue.append(task)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        """A CPU is free and somebody is ready: take the next task out of the queue."""
        return self.queue.popleft()

    def slice(self, task: Task) -> int | None:
        """How long the task may run now, in nanoseconds; None: until it blocks."""
        return None
