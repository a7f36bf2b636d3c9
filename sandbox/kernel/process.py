"""The kernel's record of a process and of a CPU. Only the kernel writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sandbox.model.naming import Names
from sandbox.model.retirement import Dead
from sandbox.model.spec import ProcessSpec, Segment
from sandbox.model.states import BLOCKED, READY, State, illegal
from sandbox.policies.base import Task


class Process(Task):
    """A process as the kernel knows it; what it inherits from Task is what policies may read. Times in ns."""

    __slots__ = (
        # Whether the scenario names it.
        "named",
        # The CPU that it is on or was on last.
        "cpu",
        # The ordinal of its last wait among all waits of the run: processes wake in this order.
        "wait_number",
        # Where it is in its declared work (None: a real program), how many jobs it has done when it waits for its next
        # one, and when the job in hand was released.
        "plan",
        "jobs_done",
        "released_ns",
        # Whether the machine lets it run: true for running and blocked ones, false once stopped.
        "continued",
        # CPU time already told to the policy, and already on record in Descheduled events.
        "charged_ns",
        "reported_ns",
        # CPU time used without being dispatched: in all, and what is not on record yet.
        "undispatched_ns",
        "stray_ns",
        # For how long somebody else had its CPU, as far as that is not on record yet.
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
        """Change its state; the time in the state before is counted. Raises IllegalTransition."""
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
        """Take in the CPU time used so far by a process that is on no CPU; returns what is new of it."""
        stray_ns = max(cpu_ns - self.cpu_ns, 0)
        self.undispatched_ns += stray_ns
        self.cpu_ns = cpu_ns
        return stray_ns

    def charge(self) -> int:
        """The CPU time that the policy has not been told of yet; 0 if the last charge was an estimate, and too high."""
        if self.cpu_ns <= self.charged_ns:
            return 0
        ran_ns, self.charged_ns = self.cpu_ns - self.charged_ns, self.cpu_ns
        return ran_ns

    def report(self, cpu_ns: int) -> int:
        """What of so much CPU time is not on record yet; 0 while more is on record already."""
        if cpu_ns <= self.reported_ns:
            return 0
        ran_ns, self.reported_ns = cpu_ns - self.reported_ns, cpu_ns
        return ran_ns

    # Bursts and jobs

    def begin_burst(self) -> None:
        """The next CPU burst is to come."""
        self.before_ns = self.cpu_ns
        self.burst_ns = self.plan.burst_ns if self.plan is not None else None

    def end_burst(self) -> None:
        """It waits: its burst is over, and perhaps its job."""
        if self.plan is not None and (jobs := self.plan.wait(self.cpu_ns)):
            self.jobs_done = jobs
            self.due_ns = None

    def begin_job(self) -> None:
        """If it is done with one, its next job is in hand: released one period after the one before, however late its
        process comes to it."""
        if self.jobs_done:
            self.release(self.released_ns + self.jobs_done * (self.period_ns or 0))

    def release(self, at_ns: int) -> None:
        """A job is released."""
        self.jobs_done = 0
        self.released_ns = at_ns
        within_ns = self.period_ns if self.deadline_ns is None else self.deadline_ns
        self.due_ns = None if within_ns is None else at_ns + within_ns


class Processes(dict[int, Process]):
    """All that are known, by pid: the living, those that the scenario names, and of the other dead the last ones."""

    def __init__(self, kept: int) -> None:
        super().__init__()
        self.kept = kept
        self.names = Names()
        self._dead = Dead(kept)

    def admit(self, process: Process, parent: int | None) -> None:
        """This one has come."""
        self[process.pid] = process
        process.called = self.names.born(process.pid, process.name, parent)

    def rename(self, pid: int, name: str) -> None:
        """It has become another program, and goes by another name."""
        self[pid].name, self[pid].called = name, self.names.became(pid, name)

    def bury(self, pid: int) -> None:
        """This one has ended."""
        if not self[pid].named:
            for gone in self._dead.add(pid):
                del self[gone]
                self.names.forget(gone)


class BurstPlan:
    """The CPU bursts of synthetic work, each ended by a wait, the last one by the end of the process.

    The bursts of a real process are never as long as declared, to the nanosecond, and some waits are too short to be
    noticed: a wait ends the burst whose end is nearest to the CPU time used.
    """

    __slots__ = ("_before_ns", "_burst", "_bursts", "_next")

    def __init__(self, segments: Iterable[Segment]) -> None:
        self._bursts = _bursts(segments)
        #: The CPU time used at the end of the burst before the one in hand; that one, and the one after it.
        self._before_ns = 0
        self._burst = next(self._bursts)
        self._next = next(self._bursts, None)

    @property
    def burst_ns(self) -> int:
        """The declared length of the burst in hand, or to come."""
        return self._burst[0] - self._before_ns

    def wait(self, cpu_ns: int) -> int:
        """The process waits, having used so much CPU time. Returns how many jobs it has ended since its last wait, if
        the last of them by this one; else 0."""
        (end_ns, ends_job), following = self._burst, self._next
        if following is None or 2 * cpu_ns < self._before_ns + end_ns:
            return 0  # nothing that it has declared
        jobs = int(ends_job)
        while 2 * cpu_ns > end_ns + following[0] and (later := next(self._bursts, None)) is not None:
            (end_ns, ends_job), following = following, later
            jobs += ends_job
        self._before_ns, self._burst, self._next = end_ns, following, next(self._bursts, None)
        return jobs if ends_job else 0


def _bursts(segments: Iterable[Segment]) -> Iterator[tuple[int, bool]]:
    """The CPU time used at the end of each burst, and whether the wait after it is for the next job's release."""
    total_ns = 0
    for segment in segments:
        if segment.kind == "cpu":
            total_ns += segment.ns
        else:
            yield total_ns, segment.kind == "until"
    yield total_ns, False


class Cpu:
    """One mini CPU."""

    __slots__ = ("dispatched", "index", "resuming", "running", "slice_end_ns")

    def __init__(self, index: int) -> None:
        self.index = index
        #: The process on it, and when its slice ends (None: it may run until it blocks).
        self.running: Process | None = None
        self.slice_end_ns: int | None = None
        #: The process that was on it when the machine was paused, and goes on first.
        self.resuming: Process | None = None
        #: The process that the machine was last told to run on it.
        self.dispatched: Process | None = None

    def take(self, process: Process, slice_ns: int | None, now_ns: int) -> None:
        """A process is on it from now on, for so long at most."""
        self.running = process
        self.slice_end_ns = None if slice_ns is None else now_ns + slice_ns
        process.cpu = self.index

    def grant(self, slice_ns: int | None, from_ns: int) -> None:
        """The slice of the process on it begins at ``from_ns``."""
        self.slice_end_ns = None if slice_ns is None else from_ns + slice_ns

    def vacate(self, now_ns: int) -> int | None:
        """Nobody is on it any more. Returns what is left of the slice; None: it had no end."""
        end_ns = self.slice_end_ns
        self.running = self.slice_end_ns = None
        return None if end_ns is None else end_ns - now_ns if end_ns > now_ns else 0
