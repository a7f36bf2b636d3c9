"""The kernel's record of a process and of a CPU. Only the kernel writes them."""

from __future__ import annotations

from sandbox.kernel.course import Course
from sandbox.model.spec import ProcessSpec
from sandbox.model.states import State
from sandbox.policies.base import Task


class Process(Task):
    """A process as the kernel knows it; what it inherits from Task is what policies may read. Times in ns."""

    __slots__ = (  # noqa: RUF023 - in groups
        # Its state, and the CPU that it is on or was on last.
        "state",
        "cpu",
        # Which wait of all waits its last one was.
        "waits",
        # Where it is in its declared work (None: a real program), how many jobs it has done when it waits for its next
        # one, and when the job in hand was released.
        "course",
        "jobs_done",
        "released_ns",
        # Whether the machine lets it run: true for running and blocked ones, false once stopped.
        "loose",
        # CPU time already told to the policy, and already on record in Descheduled events.
        "charged_ns",
        "reported_ns",
        # CPU time used without being dispatched: in all, and what is not on record yet.
        "undispatched_ns",
        "stray_ns",
        # Totals for its Exited event.
        "waiting_ns",
        "blocked_ns",
    )

    def __init__(self, pid: int, spec: ProcessSpec, now_ns: int, order: int | None, loose: bool) -> None:
        super().__init__(pid, spec.name, now_ns, order)
        self.priority = spec.priority
        self.nice = spec.nice
        self.tickets = spec.tickets
        self.demand_ns = spec.demand_ns
        self.period_ns = spec.period_ns
        self.deadline_ns = spec.deadline_ns
        self.estimate_ns = spec.estimate_ns
        self.state = State.NEW
        self.cpu: int | None = None
        self.waits = 0
        self.course = Course(spec.segments) if spec.work is not None else None
        self.jobs_done = 0
        self.loose = loose
        self.charged_ns = 0
        self.reported_ns = 0
        self.undispatched_ns = 0
        self.stray_ns = 0
        self.waiting_ns = 0
        self.blocked_ns = 0
        self.release(now_ns)
        self.begin_burst()

    def begin_burst(self) -> None:
        """The next CPU burst is to come."""
        self.before_ns = self.cpu_ns
        self.burst_ns = self.course.burst_ns if self.course is not None else None

    def end_burst(self) -> None:
        """It waits: its burst is over, and perhaps its job."""
        if self.course is not None and (jobs := self.course.wait(self.cpu_ns)):
            self.jobs_done = jobs
            self.due_ns = None

    def begin_job(self) -> None:
        """If it is done with one, its next job is in hand: released one period after the one before, whenever its
        process comes to it."""
        if self.jobs_done:
            self.release(self.released_ns + self.jobs_done * (self.period_ns or 0))

    def release(self, at_ns: int) -> None:
        """A job is released."""
        self.jobs_done = 0
        self.released_ns = at_ns
        within_ns = self.period_ns if self.deadline_ns is None else self.deadline_ns
        self.due_ns = None if within_ns is None else at_ns + within_ns


class Cpu:
    """One mini CPU."""

    __slots__ = ("held", "index", "occupant", "running", "slice_end_ns")

    def __init__(self, index: int) -> None:
        self.index = index
        #: Who is on it, and when its slice ends (None: it may run until it blocks).
        self.running: Process | None = None
        self.slice_end_ns: int | None = None
        #: Who was on it when the operator paused, and goes on first.
        self.held: Process | None = None
        #: Who the machine was last told to run on it.
        self.occupant: Process | None = None
