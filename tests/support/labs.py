"""What students hand in: for each ready assignment a solution of its own, and six typical mistakes with the points that
each should get."""

from __future__ import annotations

from typing import NamedTuple


class Mistake(NamedTuple):
    """``text`` of the solution becomes ``instead``; ``points``: of the tasks."""

    text: str
    instead: str
    points: list[float]


HEAD = "from sandbox.policies import *\n\n\n"

ROUND_ROBIN = (
    HEAD
    + """class Mine(Policy):
    quantum = Parameter(Duration("1ms", "10s"), "50ms", "a slice")

    def enqueue(self, task, reason, now_ns):
        if reason == "preempted":
            self.queue.appendleft(task)
        else:
            self.queue.append(task)

    def pick(self, cpu, now_ns):
        return self.queue.popleft() if self.queue else None

    def slice(self, task):
        return self.quantum
"""
)

MLFQ = (
    HEAD
    + """class Mine(Policy):
    ties = "requeue-first"
    quanta = Parameter(ListOf(Duration("1ms", "10s")), ["10ms", "20ms", "40ms"], "slices")
    boost = Parameter(Duration("1ms"), "200ms", "boost")
    keeps_slice = ("preempted", "blocked")

    def start(self, now_ns):
        self.levels = [[] for _ in self.quanta]
        self.running = {}
        self.timer_ns = now_ns + self.boost

    def enqueue(self, task, reason, now_ns):
        if task.data is None:
            task.data = 0
        place = 0 if reason == "preempted" else len(self.levels[task.data])
        self.levels[task.data].insert(place, task)

    def pick(self, cpu, now_ns):
        for level in self.levels:
            if level:
                task = level.pop(0)
                self.running[task.pid] = task
                return task

    def slice(self, task):
        return self.quanta[task.data]

    def preempts(self, task, running, now_ns):
        return task.data < running.data

    def stopping(self, task, ran_ns, now_ns):
        del self.running[task.pid]
        if task.left_ns == 0:
            task.data = min(task.data + 1, len(self.quanta) - 1)

    def remove(self, task):
        for level in self.levels:
            if task in level:
                level.remove(task)

    def timer(self, now_ns):
        self.timer_ns = now_ns + self.boost
        lifted = [task for level in self.levels[1:] for task in level]
        for task in [*lifted, *self.running.values()]:
            task.data = 0
            self.renew(task)
        self.levels = [[*self.levels[0], *lifted], *([] for _ in self.quanta[1:])]
        return lifted
"""
)

SHARES = (
    HEAD
    + """from random import Random
import random


class Lottery(Policy):
    quantum = Parameter(Duration("1ms", "10s"), "10ms", "a slice")

    def start(self, now_ns):
        self.luck = Random(self.seed)

    def pick(self, cpu, now_ns):
        if not self.queue:
            return None
        ticket = self.luck.randrange(sum(task.tickets for task in self.queue))
        for task in self.queue:
            ticket -= task.tickets
            if ticket < 0:
                break
        self.queue.remove(task)
        return task

    def slice(self, task):
        return self.quantum


class Stride(Policy):
    quantum = Parameter(Duration("1ms", "10s"), "10ms", "a slice")
    latest = 0.0

    def enqueue(self, task, reason, now_ns):
        if task.data is None or (reason == "woke" and task.data < self.latest):
            task.data = self.latest
        self.queue.append(task)

    def pick(self, cpu, now_ns):
        if not self.queue:
            return None
        task = min(self.queue, key=lambda task: (task.data, task.order))
        self.queue.remove(task)
        self.latest = max(self.latest, task.data)
        return task

    def slice(self, task):
        return self.quantum

    def stopping(self, task, ran_ns, now_ns):
        task.data += ran_ns / task.tickets
"""
)

DEADLINES = (
    HEAD
    + """class Mine(Policy):
    starves = True

    def __init__(self, *all):
        super().__init__(*all)
        self.load = 0.0

    def due(self, task):
        late = float("inf")
        return late if task.due_ns is None or task.data < 0 else task.due_ns

    def enqueue(self, task, reason, now_ns):
        if task.data is None:
            needs = task.burst_ns / task.period_ns if task.period_ns else 0
            task.data = -1
            if self.load + needs <= 1:
                self.load += needs
                task.data = needs
        if reason == "preempted":
            self.queue.appendleft(task)
        else:
            self.queue.append(task)

    def pick(self, cpu, now_ns):
        if not self.queue:
            return None
        task = min(self.queue, key=self.due)
        self.queue.remove(task)
        return task

    def preempts(self, task, running, now_ns):
        return self.due(task) < self.due(running)

    def stopping(self, task, ran_ns, now_ns):
        if task.stopped == "exited":
            self.load -= max(task.data, 0)
"""
)

SOLUTIONS = {"round-robin": ROUND_ROBIN, "mlfq": MLFQ, "shares": SHARES, "deadlines": DEADLINES}

MISTAKES: dict[str, dict[str, Mistake]] = {
    "round-robin": {
        "it is still first come, first served": Mistake("return self.quantum", "return None", [10, 15, 10, 15, 0, 0]),
        "who wakes is forgotten": Mistake(
            'if reason == "preempted":',
            'if reason == "woke":\n            return\n        if reason == "preempted":',
            [10, 0, 5, 15, 0, 20],
        ),
        "who has used up its slice goes to the head": Mistake(
            'if reason == "preempted":', 'if reason in ("preempted", "expired"):', [10, 15, 10, 15, 0, 0]
        ),
        "it takes from the wrong end": Mistake("self.queue.popleft()", "self.queue.pop()", [10, 15, 10, 0, 0, 4]),
        "its unit is the microsecond": Mistake(
            "return self.quantum", "return self.quantum // 1000", [0, 0, 0, 0, 0, 0]
        ),
        "it looks and does not take": Mistake("self.queue.popleft()", "self.queue[0]", [5, 15, 10, 15, 0, 0]),
    },
    "mlfq": {
        "there is no boost": Mistake("self.timer_ns = now_ns + self.boost", "pass", [25, 0, 5, 10, 15, 0]),
        "blocking gives back the slice": Mistake(
            'keeps_slice = ("preempted", "blocked")', 'keeps_slice = ("preempted",)', [25, 15, 20, 10, 0, 15]
        ),
        "nobody moves down": Mistake(
            "min(task.data + 1, len(self.quanta) - 1)", "task.data", [20, 15, 12.5, 0, 15, 15]
        ),
        "who blocks moves down, too": Mistake("if task.left_ns == 0:", "if True:", [25, 15, 2.5, 10, 15, 15]),
        "a newcomer starts at the bottom": Mistake(
            "            task.data = 0\n        place",
            "            task.data = len(self.quanta) - 1\n        place",
            [25, 15, 20, 0, 15, 15],
        ),
        "the boost forgets those below": Mistake(
            "[*self.levels[0], *lifted]", "self.levels[0]", [15, 0, 20, 10, 7.5, 0]
        ),
    },
    "shares": {
        "each has one ticket": Mistake(
            "ticket = self.luck.randrange(sum(task.tickets for task in self.queue))\n        for task in self.queue:\n            ticket -= task.tickets",
            "ticket = self.luck.randrange(len(self.queue))\n        for task in self.queue:\n            ticket -= 1",
            [18, 0, 0, 18, 20, 12],
        ),
        "who has most tickets always wins": Mistake(
            "ticket = self.luck.randrange(sum(task.tickets for task in self.queue))",
            "self.queue = type(self.queue)(sorted(self.queue, key=lambda task: -task.tickets))\n        ticket = 0",
            [15, 0, 0, 18, 20, 12],
        ),
        "the lots come from nowhere": Mistake(
            "self.luck.randrange", "random.SystemRandom().randrange", [15, 20, 12, 18, 20, 12]
        ),
        "more tickets are a longer stride": Mistake(
            "ran_ns / task.tickets", "ran_ns * task.tickets", [18, 20, 12, 18, 0, 0]
        ),
        "a newcomer catches up": Mistake(
            "task.data = self.latest", "task.data = task.data or 0.0", [18, 20, 12, 15, 20, 0]
        ),
        "the pass never grows": Mistake("task.data += ran_ns / task.tickets", "pass", [18, 20, 12, 15, 0, 0]),
    },
    "deadlines": {
        "nobody is preempted": Mistake("return self.due(task) < self.due(running)", "return False", [25, 10, 0, 15]),
        "the last one is first": Mistake(
            "min(self.queue, key=self.due)", "max(self.queue, key=self.due)", [25, 0, 0, 15]
        ),
        "it goes by the period": Mistake("task.due_ns\n", "task.period_ns\n", [25, 5, 5, 15]),
        "everybody is admitted": Mistake("if self.load + needs <= 1:", "if True:", [25, 30, 0, 15]),
        "who is not admitted is forgotten": Mistake(
            "                task.data = needs\n",
            "                task.data = needs\n        if task.data < 0:\n            return\n",
            [25, 30, 30, 0],
        ),
        "it cannot do without a deadline": Mistake(
            "late if task.due_ns is None or task.data < 0 else task.due_ns",
            "late if task.data < 0 else task.due_ns",
            [20, 30, 30, 15],
        ),
    },
}
