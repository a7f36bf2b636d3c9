"""The kernel's record of a process and of a CPU. Only the kernel writes them."""

from __future__ import annotations

from sandbox.kernel.states import State
from sandbox.policies.base import Task
from sandbox.spec import ProcessSpec


class Process(Task):
    """A process as the kernel knows it; what it inherits from Task is what policies may read. Times in ns."""

    __slots__ = (  # noqa: RUF023 - in groups
        # Its state, since when, and the CPU that it is on or was on last.
        "state",
        "since_ns",
        "cpu",
        # What is left of a slice that was cut short; None: a fresh slice next time.
        "slice_left_ns",
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
        self.since_ns = now_ns
        self.cpu: int | None = None
        self.slice_left_ns: int | None = None
        self.loose = loose
        self.charged_ns = 0
        self.reported_ns = 0
        self.undispatched_ns = 0
        self.stray_ns = 0
        self.waiting_ns = 0
        self.blocked_ns = 0


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
