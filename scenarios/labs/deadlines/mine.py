"""Your policy. It is first come, first served: make it earliest deadline first, with admission.

does it keep the laws of scheduling?     ossandbox check mine.py
how many points would it get?            ossandbox grade TASKS.toml mine.py
"""

from __future__ import annotations

from sandbox.policies import Policy, ReadyReason, Task


class Mine(Policy):
    """The admitted job that is due first runs."""

    starves = True  # whoever has no deadline may wait for ever

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        """A task became ready: "admitted" (it is new), "woke" (its next job is released), "expired", "preempted" or
        "yielded". task.due_ns: by when its job shall be done (None: no deadline); task.burst_ns: the CPU time that the
        job needs (None: nobody knows); task.period_ns: how far its jobs are apart (None: it has none)."""
        if reason == "preempted":
            self.queue.appendleft(task)
        else:
            self.queue.append(task)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        """A CPU is free and somebody is ready: take the next task out of self.queue."""
        return self.queue.popleft()

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        """Whether a task that has just become ready takes the CPU from the running one."""
        return False

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        """The task leaves the CPU. task.stopped says why: "expired", "blocked", "preempted" or "exited"."""
