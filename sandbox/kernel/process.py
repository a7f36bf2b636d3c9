"""The kernel's records of processes and CPUs. Only the kernel writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sandbox.model.naming import Names
from sandbox.model.retirement import Dead
from sandbox.model.spec import ProcessSpec, Segment
from sandbox.model.states import BLOCKED, READY, State, illegal
from sandbox.policies.base import Task


class Process(Task):
    """The process control block. Policies may read the part that is inherited from Task. Times in ns."""

    __slots__ = (
        # Whether it is a process of the scenario, not a descendant or one started by the operator.
        "named",
        # The index of the CPU that it is on, or was on last.
        "cpu",
        # The number of its last wait among all waits of the run: processes that wake at one instant do so in this
        # order.
        "wait_number",
        # Its position in its declared work (None: a real program), the number of jobs done when it waits for the next
        # release, and the release time of its current job.
        "plan",
        "jobs_done",
        "released_ns",
        # Whether the machine lets it run: true while it is RUNNING or BLOCKED, false once it is stopped.
        "continued",
        # CPU time that has been reported to the policy, and in Descheduled events.
        "charged_ns",
        "reported_ns",
        # CPU time used without being dispatched: the total, and the part that is in no event yet.
        "undispatched_ns",
        "stray_ns",
        # For how long processes that are not ours had its CPU, as far as that is in no event yet.
        "stolen_ns",
        # Totals for its Exited event.
        "waiting_ns",
        "blocked_ns",
    )

    def __init__(self, pid: int, spec: ProcessSpec, now_ns: int, order: int | None, continued: bool) -> None:
        super().__init__(pid, spec.name, now_ns, order)
        self.named = order is not None
        self.priority = spec.priority
        self.nice = spec.nice
        self.tickets = spec.tickets
        self.demand_ns = spec.demand_ns
        self.period_ns = spec.period_ns
        self.deadline_ns = spec.deadline_ns
        self.estimate_ns = spec.estimate_ns
        self.cpu: int | None = None
        self.wait_number = 0
        self.plan = BurstPlan(spec.segments) if spec.work is not None else None
        self.jobs_done = 0
        self.continued = continued
        self.charged_ns = 0
        self.reported_ns = 0
        self.undispatched_ns = 0
        self.stray_ns = 0
        self.stolen_ns = 0
        self.waiting_ns = 0
        self.blocked_ns = 0
        self.release(now_ns)
        self.begin_burst()

    def enter(self, state: State, now_ns: int) -> None:
        """Change the state, and account for the time spent in the previous one. Raises IllegalTransition."""
        left = self.state
        if state not in left.leads_to:
            raise illegal(self, state)
        if left is READY:
            self.waiting_ns += now_ns - self.since_ns
        elif left is BLOCKED:
            self.blocked_ns += now_ns - self.since_ns
        self.state = state
        self.since_ns = now_ns

    # CPU time

    def use_undispatched(self, cpu_ns: int) -> int:
        """Set the CPU time of a process that is on no CPU. Returns by how much it has grown."""
        stray_ns = max(cpu_ns - self.cpu_ns, 0)
        self.undispatched_ns += stray_ns
        self.cpu_ns = cpu_ns
        return stray_ns

    def charge(self) -> int:
        """Return the CPU time to charge since the last call; 0 if the last charge was an estimate that was too high."""
        if self.cpu_ns <= self.charged_ns:
            return 0
        ran_ns, self.charged_ns = self.cpu_ns - self.charged_ns, self.cpu_ns
        return ran_ns

    def report(self, cpu_ns: int) -> int:
        """Return the part of this CPU time that is in no Descheduled event yet; 0 if more has been reported already."""
        if cpu_ns <= self.reported_ns:
            return 0
        ran_ns, self.reported_ns = cpu_ns - self.reported_ns, cpu_ns
        return ran_ns

    # Bursts and jobs

    def begin_burst(self) -> None:
        """Set ``before_ns`` and ``burst_ns`` for the next CPU burst."""
        self.before_ns = self.cpu_ns
        self.burst_ns = self.plan.burst_ns if self.plan is not None else None

    def end_burst(self) -> None:
        """Note that the process waits, which ends its burst and possibly its job."""
        if self.plan is not None and (jobs := self.plan.wait(self.cpu_ns)):
            self.jobs_done = jobs
            self.due_ns = None

    def begin_job(self) -> None:
        """Begin the next job if one has been done. Its release is one period after the previous one, even if the
        process comes to it late."""
        if self.jobs_done:
            self.release(self.released_ns + self.jobs_done * (self.period_ns or 0))

    def release(self, at_ns: int) -> None:
        """Release a job, and set its deadline."""
        self.jobs_done = 0
        self.released_ns = at_ns
        within_ns = self.period_ns if self.deadline_ns is None else self.deadline_ns
        self.due_ns = None if within_ns is None else at_ns + within_ns


class Processes(dict[int, Process]):
    """All known processes by pid. ``kept``: how many dead ones are kept that the scenario does not name."""

    def __init__(self, kept: int) -> None:
        super().__init__()
        self.kept = kept
        self.names = Names()
        self._dead = Dead(kept)

    def admit(self, process: Process, parent: int | None) -> None:
        """Add a process, and give it a unique name."""
        self[process.pid] = process
        process.called = self.names.born(process.pid, process.name, parent)

    def rename(self, pid: int, name: str) -> None:
        """Rename a process that has executed another program."""
        self[pid].name, self[pid].called = name, self.names.became(pid, name)

    def bury(self, pid: int) -> None:
        """Note that a process has exited. The oldest dead are dropped beyond ``kept``."""
        if not self[pid].named:
            for gone in self._dead.add(pid):
                del self[gone]
                self.names.forget(gone)


class BurstPlan:
    """The CPU bursts of synthetic work. Each ends with a wait, the last one with the exit of the process.

    The bursts of a real process are never exactly as long as declared, and some waits are too short to be noticed.
    Therefore a wait ends the burst whose declared end is nearest to the CPU time used.
    """

    __slots__ = ("_before_ns", "_burst", "_bursts", "_next")

    def __init__(self, segments: Iterable[Segment]) -> None:
        self._bursts = _bursts(segments)
        #: The CPU time used at the end of the previous burst; the current burst, and the next one.
        self._before_ns = 0
        self._burst = next(self._bursts)
        self._next = next(self._bursts, None)

    @property
    def burst_ns(self) -> int:
        """The declared length of the current burst, or of the next one while the process waits."""
        return self._burst[0] - self._before_ns

    def wait(self, cpu_ns: int) -> int:
        """Note that the process waits after so much CPU time. Returns how many jobs have ended since the last wait if
        this wait ends a job, else 0."""
        (end_ns, ends_job), following = self._burst, self._next
        if following is None or 2 * cpu_ns < self._before_ns + end_ns:
            return 0  # not a wait that was declared
        jobs = int(ends_job)
        while 2 * cpu_ns > end_ns + following[0] and (later := next(self._bursts, None)) is not None:
            (end_ns, ends_job), following = following, later
            jobs += ends_job
        self._before_ns, self._burst, self._next = end_ns, following, next(self._bursts, None)
        return jobs if ends_job else 0


def _bursts(segments: Iterable[Segment]) -> Iterator[tuple[int, bool]]:
    """Yield, for each burst, the CPU time used at its end and whether the wait after it is for the next release."""
    total_ns = 0
    for segment in segments:
        if segment.kind == "cpu":
            total_ns += segment.ns
        else:
            yield total_ns, segment.kind == "until"
    yield total_ns, False


class Cpu:
    """A mini CPU."""

    __slots__ = ("dispatched", "index", "resuming", "running", "slice_end_ns")

    def __init__(self, index: int) -> None:
        self.index = index
        #: The running process, and when its slice ends (None: it may run until it blocks).
        self.running: Process | None = None
        self.slice_end_ns: int | None = None
        #: The process that a pause has taken off, which goes on first.
        self.resuming: Process | None = None
        #: The process that the machine was last ordered to run here.
        self.dispatched: Process | None = None

    def take(self, process: Process, slice_ns: int | None, now_ns: int) -> None:
        """Put a process on the CPU for at most ``slice_ns`` (None: without a limit)."""
        self.running = process
        self.slice_end_ns = None if slice_ns is None else now_ns + slice_ns
        process.cpu = self.index

    def grant(self, slice_ns: int | None, from_ns: int) -> None:
        """Give the running process a slice that begins at ``from_ns``."""
        self.slice_end_ns = None if slice_ns is None else from_ns + slice_ns

    def vacate(self, now_ns: int) -> int | None:
        """Take the process off. Returns the rest of its slice, or None if that had no end."""
        end_ns = self.slice_end_ns
        self.running = self.slice_end_ns = None
        return None if end_ns is None else end_ns - now_ns if end_ns > now_ns else 0
