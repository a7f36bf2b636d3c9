"""Your policy. It is round robin on one queue: make it a multilevel feedback queue with a boost.

does it keep the laws of scheduling?     ossandbox check mine.py
how many points would it get?            ossandbox grade TASKS.toml mine.py
"""

from __future__ import annotations

from sandbox.policies import Duration, ListOf, Parameter, Policy, ReadyReason, Task


class Mine(Policy):
    """The highest queue that is not empty runs."""

    # self.quanta is a list of nanoseconds, self.boost one number of them.
    quanta = Parameter(ListOf(Duration("1ms", "10s")), ["10ms", "20ms", "40ms"], "the time slice of each level")
    boost = Parameter(Duration("1ms"), "200ms", "how often all return to the top")

    # Whoever leaves the CPU for one of these reasons has what is left of its slice when it comes back.
    keeps_slice = ("preempted", "blocked")

    def start(self, now_ns: int) -> None:
        """The policy takes over. timer_ns: when the kernel shall call timer()."""
        self.timer_ns = now_ns + self.boost

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        """A task became ready: "admitted", "woke", "expired" (its slice is over), "preempted" or "yielded". What you
        want to remember of a task, such as its level, goes into task.data, which is None at first."""
        if reason == "preempted":
            self.queue.appendleft(task)
        else:
            self.queue.append(task)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        """A CPU is free and somebody is ready: take the next task out of its queue."""
        return self.queue.popleft()

    def slice(self, task: Task) -> int | None:
        """How long the task may run now, in nanoseconds."""
        return self.quanta[0]

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        """Whether a task that has just become ready takes the CPU from the running one."""
        return False

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        """The task leaves the CPU after so much CPU time. task.stopped says why: "expired", "blocked", "preempted",
        "exited"; task.left_ns is what is left of its slice."""

    def remove(self, task: Task) -> None:
        """A ready task was killed: forget it."""
        self.queue.remove(task)

    def timer(self, now_ns: int) -> list[Task] | None:
        """The boost. Return the tasks that may now take a CPU from another one; None: any."""
        self.timer_ns = now_ns + self.boost
        return []
