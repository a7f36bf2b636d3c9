"""A scheduling policy of your own: round robin, until you change it.

does it keep the laws of scheduling?     ossandbox check mine.py
what does it decide, in virtual time?    ossandbox simulate convoy --policy mine.py:Mine
how is it beside others?                 ossandbox compare convoy --policies rr,mine.py:Mine
live, on real processes:                 ossandbox convoy --policy mine.py:Mine
"""

from __future__ import annotations

from sandbox.policies import Clause, Duration, Parameter, Policy, ReadyReason, Task


class Mine(Policy):
    """Each in turn gets the CPU for one quantum.

    Bad when the quantum is far too short, or far too long.
    """

    # A parameter: what kind of value it takes, its default, and what it is. self.quantum is in nanoseconds.
    quantum = Parameter(Duration("1ms", "10s"), "50ms", "the length of a time slice")

    # Say so if your rule keeps somebody waiting for ever while others come and go, or leaves a CPU idle on purpose:
    # starves = True
    # idles = True

    def enqueue(self, task: Task, reason: ReadyReason, now_ns: int) -> None:
        """A task became ready: "admitted", "woke", "expired" (its slice is over), "preempted" or "yielded"."""
        if reason == "preempted":
            self.queue.appendleft(task)
        else:
            self.queue.append(task)

    def pick(self, cpu: int, now_ns: int) -> Task | None:
        """A CPU is free and somebody is ready: take the next task out of the queue.

        A task has: pid, name, arrived_ns, cpu_ns (used so far), priority, nice, tickets, estimate_ns.
        """
        return self.queue.popleft()

    def slice(self, task: Task) -> int | None:
        """How long the task may run now, in nanoseconds; None: until it blocks."""
        return self.quantum

    def preempts(self, task: Task, running: Task, now_ns: int) -> bool:
        """Whether a task that has just become ready takes the CPU from the running one."""
        return False

    def stopping(self, task: Task, ran_ns: int, now_ns: int) -> None:
        """The task leaves the CPU, after so much CPU time."""

    def why(self, task: Task) -> Clause:
        """Why this one was picked: the sentence that the screen shows in WHY. Change it whenever you change pick(), or
        the screen tells of a rule that is not yours."""
        return Clause("sentence", {"text": "it has waited longest"})
