"""Schedulers as a textbook tells them: tick by tick, plain lists, no cleverness, and nothing of ours.

They say who should have had which CPU in every tick. ``schedule`` covers all policies that choose from one list of
ready jobs; ``Multilevel`` is the multilevel feedback queue, in which running jobs keep their places in their queues.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple


@dataclass
class Job:
    """``work``: ticks of CPU time and of I/O by turns, beginning with CPU time; 0 there: it begins with I/O."""

    number: int
    arrival: int
    work: list[int]
    priority: int = 0
    tickets: int = 100
    # In the course of a run:
    step: int = 0
    left: int = 0
    ready_since: int = 0
    wakes: int = 0
    used: int = 0  # of the slice
    level: int = 0
    passed: Fraction = Fraction(0)
    held: int | None = None  # the priority with which it got the CPU
    finish: int | None = None
    quantum_left: int = 0
    slices_left: int = 0

    @property
    def burst(self) -> int:
        """The whole length of the CPU burst in hand."""
        return self.work[self.step]


Choose = Callable[[list[Job], int], Job]
Key = Callable[[Job, int], int]


@dataclass
class Rules:
    """What one policy does differently from first come, first served."""

    choose: Choose = lambda ready, now: ready[0]
    #: The smaller the better; whoever is ready and better takes a CPU from whoever is worst.
    preempt: Key | None = None
    quantum: Callable[[Job], int] | None = None
    requeue_first: bool = False
    #: A preempted job queues behind its equals, with a fresh slice, instead of before them.
    preempted_to_tail: bool = False
    #: A job has run so many ticks and leaves its CPU; others may be ready.
    leaves: Callable[[Job, int, list[Job]], None] = lambda job, ran, ready: None
    starts: Callable[[Job, int], None] = lambda job, now: None
    joins: Callable[[Job], None] = lambda job: None


@dataclass
class Run:
    """Who had each CPU in every tick, and when each job finished."""

    ticks: list[tuple[int | None, ...]] = field(default_factory=list)
    finish: list[int | None] = field(default_factory=list)


def schedule(jobs: list[Job], rules: Rules, cpus: int = 1) -> Run:
    """Run all jobs to their end."""
    return Computer(jobs, rules, cpus).run()


class Computer:
    """Jobs, CPUs, one list of ready jobs, and a clock that ticks."""

    def __init__(self, jobs: list[Job], rules: Rules, cpus: int) -> None:
        self.jobs, self.rules = jobs, rules
        self.now = 0
        self.ready: list[Job] = []
        self.blocked: list[Job] = []
        self.running: list[Job | None] = [None] * cpus
        self.began: dict[int, int] = {}  # what of its slice each job had used when it got its CPU

    def run(self) -> Run:
        ticks: list[tuple[int | None, ...]] = []
        while True:
            self.end_bursts()
            if all(job.finish is not None for job in self.jobs):
                return Run(ticks, [job.finish for job in self.jobs])
            if self.rules.requeue_first:
                self.expire()
            self.come_and_wake()
            if not self.rules.requeue_first:
                self.expire()
            self.dispatch()
            ticks.append(tuple(None if job is None else job.number for job in self.running))
            for job in self.running:
                if job is not None:
                    job.left -= 1
                    job.used += 1
            self.now += 1

    def end_bursts(self) -> None:
        for cpu, job in enumerate(self.running):
            if job is None or job.left > 0:
                continue
            self.leave(cpu)
            job.used = 0
            if job.step == len(job.work) - 1:
                job.finish = self.now
            else:
                self.begin_io(job)
        over = [job for job in self.blocked if job.wakes == self.now and job.step >= len(job.work)]
        for job in over:
            self.blocked.remove(job)
            job.finish = self.now

    def begin_io(self, job: Job) -> None:
        job.wakes = self.now + job.work[job.step + 1]
        job.step += 2
        self.blocked.append(job)

    def come_and_wake(self) -> None:
        woken = [job for job in self.blocked if job.wakes == self.now]
        self.blocked = [job for job in self.blocked if job.wakes != self.now]
        come = [job for job in self.jobs if job.arrival == self.now]
        for job in come:
            if job.burst == 0:
                self.begin_io(job)
        for job in [job for job in come if job not in self.blocked] + woken:
            job.left, job.ready_since = job.burst, self.now
            self.rules.joins(job)
            self.ready.append(job)

    def expire(self) -> None:
        for cpu, job in enumerate(self.running):
            if job is not None and self.rules.quantum is not None and job.used >= self.rules.quantum(job):
                self.leave(cpu)
                job.used, job.ready_since = 0, self.now
                self.ready.append(job)

    def dispatch(self) -> None:
        for cpu, job in enumerate(self.running):
            if job is None and self.ready:
                self.start(cpu)
        key = self.rules.preempt
        while key is not None and self.ready:
            best = self.rules.choose(self.ready, self.now)
            busy = [(cpu, job) for cpu, job in enumerate(self.running) if job is not None]
            cpu, worst = max(busy, key=lambda pair: key(pair[1], self.now))  # CPU 0 first among equals
            if not key(best, self.now) < key(worst, self.now):
                break
            self.leave(cpu)
            worst.ready_since = self.now
            self.start(cpu)
            if self.rules.preempted_to_tail:
                worst.used = 0
                self.ready.append(worst)
            else:
                self.ready.insert(0, worst)

    def start(self, cpu: int) -> None:
        job = self.rules.choose(self.ready, self.now)
        self.ready.remove(job)
        self.rules.starts(job, self.now)
        self.began[job.number] = job.used
        self.running[cpu] = job

    def leave(self, cpu: int) -> None:
        job = self.running[cpu]
        self.running[cpu] = None
        assert job is not None
        self.rules.leaves(job, job.used - self.began[job.number], self.ready)


# The policies


def fcfs() -> Rules:
    return Rules()


def rr(quantum: int, requeue_first: bool = False) -> Rules:
    return Rules(quantum=lambda job: quantum, requeue_first=requeue_first)


def sjf() -> Rules:
    return Rules(choose=lambda ready, now: min(ready, key=lambda job: job.burst))


def srtf() -> Rules:
    return Rules(choose=lambda ready, now: min(ready, key=lambda job: job.left), preempt=lambda job, now: job.left)


def hrrn() -> Rules:
    def ratio(job: Job, now: int) -> Fraction:
        return Fraction(now - job.ready_since + job.burst, job.burst)

    return Rules(choose=lambda ready, now: max(ready, key=lambda job: ratio(job, now)))


def priority(preemptive: bool = True, aging: int = 0, quantum: int = 0, larger: bool = False) -> Rules:
    def effective(job: Job, now: int) -> int:
        if job.held is not None:
            return job.held
        urgency = -job.priority if larger else job.priority
        return urgency - ((now - job.ready_since) // aging if aging else 0)

    def starts(job: Job, now: int) -> None:
        job.held = effective(job, now)

    def leaves(job: Job, ran: int, ready: list[Job]) -> None:
        job.held = None

    return Rules(
        choose=lambda ready, now: min(ready, key=lambda job: effective(job, now)),
        preempt=effective if preemptive else None,
        quantum=(lambda job: quantum) if quantum else None,
        preempted_to_tail=quantum > 0,
        starts=starts,
        leaves=leaves,
    )


def feedback(quantum: int, base: int) -> Rules:
    def length(job: Job) -> int:
        return quantum * int(base**job.level)

    def leaves(job: Job, ran: int, ready: list[Job]) -> None:
        if job.used == length(job) and ready:
            job.level += 1

    return Rules(
        choose=lambda ready, now: min(ready, key=lambda job: job.level),
        quantum=length,
        leaves=leaves,
    )


def stride(quantum: int) -> Rules:
    latest = [Fraction(0)]

    def starts(job: Job, now: int) -> None:
        latest[0] = max(latest[0], job.passed)

    def leaves(job: Job, ran: int, ready: list[Job]) -> None:
        job.passed += Fraction(10_000, job.tickets) * Fraction(ran, quantum)

    def joins(job: Job) -> None:
        job.passed = max(job.passed, latest[0])

    return Rules(
        choose=lambda ready, now: min(ready, key=lambda job: (job.passed, job.number)),
        quantum=lambda job: quantum,
        starts=starts,
        leaves=leaves,
        joins=joins,
    )


class Multilevel:
    """The multilevel feedback queue; level 0 is the top. Running jobs stay in their queues: in each tick, those run
    who stand first."""

    def __init__(
        self,
        jobs: list[Job],
        quanta: list[int],
        allotments: list[int],
        boost: int = 0,
        stay: bool = False,
        io_bump: bool = False,
        cpus: int = 1,
    ) -> None:
        self.jobs, self.quanta, self.allotments = jobs, quanta, allotments
        self.boost, self.stay, self.io_bump = boost, stay, io_bump
        self.now = 0
        self.queues: list[list[Job]] = [[] for _ in quanta]
        self.blocked: list[Job] = []
        self.running: list[Job | None] = [None] * cpus

    def run(self) -> Run:
        ticks: list[tuple[int | None, ...]] = []
        for job in self.jobs:
            self.settle(job, 0)
        while True:
            for cpu, runs in enumerate(self.running):
                if runs is not None and 0 in (runs.left, runs.quantum_left):
                    self.running[cpu] = None
                    self.end_tick(runs)
            if all(job.finish is not None for job in self.jobs):
                return Run(ticks, [job.finish for job in self.jobs])
            if self.boost and self.now and self.now % self.boost == 0:
                self.lift_all()
            self.come_and_wake()
            self.give_cpus()
            ticks.append(tuple(None if job is None else job.number for job in self.running))
            for runs in self.running:
                if runs is not None:
                    runs.left -= 1
                    runs.quantum_left -= 1
            self.now += 1

    def settle(self, job: Job, level: int) -> None:
        job.level, job.quantum_left, job.slices_left = level, self.quanta[level], self.allotments[level]

    def end_tick(self, job: Job) -> None:
        """A job whose burst or slice is over leaves its place."""
        level, gone, slice_used = job.level, job.left == 0, job.quantum_left == 0
        self.queues[level].remove(job)
        if gone and job.step == len(job.work) - 1:
            job.finish = self.now
            return
        if gone:
            job.wakes = self.now + job.work[job.step + 1]
            job.step += 2
            self.blocked.append(job)
            if self.stay:
                self.settle(job, level)
        if slice_used:
            job.slices_left -= 1
            job.quantum_left = self.quanta[level]
            if job.slices_left == 0:
                self.settle(job, min(level + 1, len(self.quanta) - 1))
        if not gone:
            self.queues[job.level].append(job)

    def lift_all(self) -> None:
        for queue in reversed(self.queues[1:]):
            self.queues[0] += queue
            queue.clear()
        for job in self.jobs:
            self.settle(job, 0)

    def come_and_wake(self) -> None:
        for job in self.jobs:
            if job.arrival == self.now:
                job.left = job.burst
                self.queues[0].append(job)
        for job in [job for job in self.blocked if job.wakes == self.now]:
            self.blocked.remove(job)
            job.left = job.burst
            queue = self.queues[job.level]
            queue.insert(0 if self.io_bump else len(queue), job)

    def give_cpus(self) -> None:
        """Idle CPUs first, then that of whoever stands last among those who may not run on."""
        order = [job for queue in self.queues for job in queue]
        first = order[: len(self.running)]
        comers = [job for job in first if job not in self.running]
        for cpu, runs in enumerate(self.running):
            if runs is None and comers:
                self.running[cpu] = comers.pop(0)
        for comer in comers:
            out = [(order.index(job), cpu) for cpu, job in enumerate(self.running) if job and job not in first]
            self.running[max(out)[1]] = comer


class Periodic(NamedTuple):
    """A task of periodic jobs: ``ticks`` of CPU time each, released every ``period``, due ``deadline`` later."""

    arrival: int
    ticks: int
    period: int
    deadline: int
    jobs: int


def periodic(tasks: list[Periodic], urgency: Callable[[Periodic, int], int]) -> tuple[list[int], set[tuple[int, int]]]:
    """When each task ends, and which deadlines of which tasks are missed, where the task with the smallest ``urgency``
    (of the task, and of its job's deadline) has the CPU; a running one keeps ties, else who has been ready longest."""
    job, left = [0] * len(tasks), [task.ticks for task in tasks]
    ready: list[int] = []
    sleeping = list(range(len(tasks)))  # in the order in which they went to sleep
    ends, missed = [0] * len(tasks), set()
    running: int | None = None
    now = 0

    def release(number: int) -> int:
        return tasks[number].arrival + job[number] * tasks[number].period

    def due(number: int) -> int:
        return release(number) + tasks[number].deadline

    def rank(number: int) -> int:
        return urgency(tasks[number], due(number))

    while not all(ends):
        if running is not None and left[running] == 0:
            number, running = running, None
            job[number], left[number] = job[number] + 1, tasks[number].ticks
            if job[number] == tasks[number].jobs:
                ends[number] = now
            else:
                (ready if release(number) <= now else sleeping).append(number)
        for number in sorted(sleeping, key=lambda number: job[number] > 0):  # arrivals before those who wake
            if release(number) <= now:
                sleeping.remove(number)
                ready.append(number)
        missed |= {
            (number, due(number)) for number in [*ready, *([] if running is None else [running])] if due(number) <= now
        }
        best = min(ready, key=rank, default=None)
        if best is not None and (running is None or rank(best) < rank(running)):
            ready.remove(best)
            if running is not None:
                ready.insert(0, running)
            running = best
        if running is not None:
            left[running] -= 1
        now += 1
    return ends, missed
