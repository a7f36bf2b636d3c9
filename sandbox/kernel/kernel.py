"""The kernel: reports of a machine go in, orders and events come out; the time is a part of the reports.

It reads no clock, no file and no process table, so the same object schedules real and virtual processes. What happens
at one instant is handled in the order that ``tell`` and ``decide`` define. That order makes runs reproducible, and
``ossandbox policies --rules`` prints it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from typing import Literal

from sandbox.kernel.deadlines import Deadlines
from sandbox.kernel.hearsay import record
from sandbox.kernel.journal import Journal
from sandbox.kernel.machine import NOTHING, Arrived, Ended, Freeze, Happened, Obeyed, Order, Thaw, Waits, Woke, Yielded
from sandbox.kernel.orders import Orders
from sandbox.kernel.pacing import LESSON, QUESTION, Pacing
from sandbox.kernel.process import Cpu, Process, Processes
from sandbox.kernel.standoffs import Standoffs
from sandbox.model.events import (
    KEEPS,
    RESUMED,
    Blocked,
    Clause,
    DescheduledReason,
    Dispatched,
    Event,
    Fault,
    Figure,
    PolicyNote,
    Ready,
    ReadyReason,
    Scheduling,
)
from sandbox.model.retirement import KEPT
from sandbox.model.states import BLOCKED, EXITED, READY, RUNNING
from sandbox.policies.base import Policy, Task

WAITING = Clause("waiting")
#: Why a process has become READY for it to be able to preempt another one. With several CPUs a process that has just
#: lost its own may preempt on another, where a worse one may be running; a preempted process was the worst of all.
_MAY_PREEMPT: Collection[ReadyReason] = ("admitted", "woke")
_MAY_PREEMPT_ELSEWHERE: Collection[ReadyReason] = ("admitted", "woke", "expired", "yielded")


class Kernel:
    """Processes, CPUs and the policy that picks the next process. ``sandbox.kernel.loop`` drives it.

    ``ties``: the order of expired slices and arrivals at one instant (None: as the policy declares). ``kept``: see
    ``Processes``.
    """

    def __init__(self, policy: Policy, cpus: int = 1, ties: str | None = None, kept: int = KEPT) -> None:
        self.now_ns, self.processes = 0, Processes(kept)
        self.cpus = [Cpu(index) for index in range(cpus)]
        self.journal, self.orders = Journal(), Orders()
        self.paused = self.quitting = self.attended = False  # attended: there is a user who can be asked
        self.pacing, self.deadlines, self.standoffs = Pacing(), Deadlines(), Standoffs()
        self._live = self._waits = 0
        self.ready: dict[int, Process] = {}
        #: Processes that have become READY at this instant and may preempt others.
        self._challengers: deque[Process] = deque()
        self._may_preempt = _MAY_PREEMPT if cpus == 1 else _MAY_PREEMPT_ELSEWHERE
        self._ties = ties
        self.install(policy)

    @property
    def alive(self) -> bool:
        """Whether any process has not exited."""
        return self._live > 0

    @property
    def deadline_ns(self) -> int | None:
        """When the kernel must be called at the latest: at the end of a slice, a policy's timer, a job's deadline."""
        if self.paused:
            return None
        return self.deadlines.earliest(self.now_ns, self.policy.timer_ns if self._live else None, self.cpus)

    def tell(self, happened: Happened) -> None:
        """Take in what happened at one instant, in this order:

        1. the running process ends, else blocks (the CPU it used counts in each case);
        2. requeue-first only: slices that are used up;
        3. deadlines that are missed, then the policy's timer;
        4. arrivals, in scenario order;
        5. wake-ups, in the order in which the processes began to block; then for whom others are known to wait;
        6. arrival-first only: slices that are used up;
        then what the operator asks.
        """
        before_ns, self.now_ns, reports = self.now_ns, happened.now_ns, happened.reports
        for pid, cpu_ns in happened.used.items():
            self.processes[pid].cpu_ns = cpu_ns
        requeue_first = self.ties == "requeue-first"
        if reports or happened.stolen:
            for lived in record(happened, before_ns, self.processes, self.journal):
                self.processes.bury(lived.arrived.pid)
        if reports:
            for ended in happened.all(Ended):
                self._exit(ended)
            for waits in happened.all(Waits):
                self._block(waits)
            for yielded in happened.all(Yielded):
                self._yield(self.processes[yielded.pid])
        if requeue_first:
            self._expire()
        if not self.paused:
            if self.deadlines.heap:
                self._note_missed()
            timer_ns = self.policy.timer_ns
            if timer_ns is not None and timer_ns <= self.now_ns:
                self._call_timer()
        if reports:
            for arrived in happened.all(Arrived):
                self._admit(arrived)
            woken = [self.processes[woke.pid] for woke in happened.all(Woke)]
            for process in sorted(woken, key=lambda process: process.wait_number):
                if process.state is BLOCKED:  # else it ended at the same instant
                    self._wake(process)
            self._tell_waits(self.standoffs.take(happened, self.processes))
        if not requeue_first:
            self._expire()

    def decide(self) -> list[Order]:
        """7. Dispatch to idle CPUs, CPU 0 first, then preempt. Returns what the machine has to make true."""
        if not (self.paused or self.quitting):
            if self.pacing.at_steps and self.pacing.awaited(self.journal.events):
                self.pause(LESSON)
            for cpu in self.cpus:
                if cpu.running is None and not self.paused:
                    self._dispatch(cpu)
            while self._challengers and not self.paused:
                if self._asks_before_preemption():
                    self.pause(QUESTION, cpu=0)
                else:
                    self._preempt_for(self._challengers.popleft())
            self.pacing.answered = False
        return self.orders.take(self.cpus, self.paused)

    def settle(self, obeyed: Obeyed) -> list[Event]:
        """Take in the result of ``Machine.obey``. Returns all events of this instant."""
        if obeyed is NOTHING:
            return self.journal.take()
        for pid, cpu_ns in obeyed.used.items():
            self._correct(self.processes[pid], cpu_ns)
        for pid, cpu_ns in obeyed.at_least.items():  # the estimate that was used before may be too high
            self.journal.amend_cpu(self.processes[pid], min(cpu_ns, self.processes[pid].cpu_ns))
        for pid, started in obeyed.started.items():
            process = self.processes[pid]
            process.stray_ns += process.use_undispatched(started.cpu_ns)
            cpu = self.cpus[process.cpu or 0]
            if cpu.slice_end_ns is not None:
                cpu.slice_end_ns += started.t_ns - self.now_ns
        for pid, on in obeyed.waits_on.items():
            self.processes[pid].on = on
            self.journal.amend_wait(pid, on)
        self.journal.amend_stolen(self.processes, obeyed.stolen)
        return self.journal.take()

    # Who runs

    def _dispatch(self, cpu: Cpu) -> None:
        if (chosen := self._choose(cpu)) is None:
            return
        process, why = chosen
        slice_ns, process.left_ns = process.left_ns or self.policy.slice(process), None
        process.enter(RUNNING, self.now_ns)
        cpu.take(process, slice_ns, self.now_ns)
        self.journal.add(Dispatched(self.now_ns, process.pid, cpu.index, slice_ns, why))
        if self.pacing.steps or self.pacing.at_steps:  # a process that goes on after a pause was chosen before it
            if by := self.pacing.pauses_after(why is not RESUMED, self.journal.events):
                self.pause(by, sparing=process)

    def _choose(self, cpu: Cpu) -> tuple[Process, Clause] | None:
        """Return the process for an idle CPU and why: the one that the pause took off it, else the policy's pick."""
        process = cpu.resuming
        if process is not None:
            cpu.resuming = None
            return process, KEEPS if self.pacing.answered and len(self.cpus) == 1 else RESUMED
        if not self.ready:
            return None
        chooses = self.policy.asks and self.attended
        if (chooses or self.pacing.asks) and (by := self.pacing.asks_about(self.ready, chooses)):
            self.pause(by, cpu=cpu.index)
            return None
        task = self.policy.pick(cpu.index, self.now_ns)
        if self.pacing.answered:
            self.pacing.decided()
        return None if task is None else (self.ready.pop(task.pid), self.policy.why(task))

    def _expire(self) -> None:
        for cpu in self.cpus:
            if cpu.running is not None and cpu.slice_end_ns is not None and self.now_ns >= cpu.slice_end_ns:
                self._release(cpu.running, "expired")

    def _preempt_for(self, process: Process) -> None:
        """Preempt for a process that has become READY. The policy may pick a better one instead; then try again."""
        for _ in self.cpus:
            if process.state is not READY or self.paused or (victim := self._victim(process)) is None:
                return
            cpu = self.cpus[victim.cpu or 0]
            self._release(victim, "preempted")
            self._dispatch(cpu)

    def _victim(self, process: Process) -> Process | None:
        """Return the running process to preempt: of those that it may, the one that the others would preempt, too."""
        victim: Process | None = None
        for cpu in self.cpus:
            running = cpu.running
            if running is not None and self.policy.preempts(process, running, self.now_ns):
                if victim is None or self.policy.preempts(victim, running, self.now_ns):
                    victim = running
        return victim

    # Pauses, steps and questions

    def pause(self, by: str, sparing: Process | None = None, **figures: Figure) -> None:
        """Take all processes but ``sparing`` off their CPUs, unknown to the policy: its picks go on after the pause."""
        self.paused = True
        self.pacing.paused(by)
        for cpu in self.cpus:
            process = cpu.running
            if process is not None and process is not sparing:
                self.displace(process, "paused")
                cpu.resuming = process
        self.orders.add(Freeze())
        self.journal.operator(self.now_ns, "paused", by=by, **figures)

    def resume(self, did: str, **figures: Figure) -> None:
        """End a pause, if there is one. ``did``: the rule of the event, with its ``figures``."""
        self.journal.operator(self.now_ns, did, **figures)
        if self.paused:
            self.paused = False
            self.orders.add(Thaw())
            if self.pacing.resumed() and len(self.cpus) == 1:
                self._weigh(self.cpus[0])

    def _weigh(self, cpu: Cpu) -> None:
        """Continue the process that a question has taken off the CPU, unless one that became READY preempts it."""
        while self._challengers:
            process, resuming = self._challengers.popleft(), cpu.resuming
            if resuming is None or process.state is not READY:
                continue
            if self.policy.preempts(process, resuming, self.now_ns):
                cpu.resuming = None
                self._notify_stopping(resuming, "preempted")
                self.ready[resuming.pid] = resuming
                self.policy.enqueue(resuming, "preempted", self.now_ns)

    def _asks_before_preemption(self) -> bool:
        """Whether to ask whether a process that became READY preempts the running one. With several CPUs it would be
        two questions, which process comes and which one leaves, so it is not asked."""
        return (
            self.pacing.asks
            and not self.pacing.answered
            and len(self.cpus) == 1
            and self.cpus[0].running is not None
            and self.policy.kind.preempts is not Policy.preempts
            and any(process.state is READY for process in self._challengers)
        )

    # State transitions; each is reported to the policy and recorded

    def _admit(self, arrived: Arrived) -> None:
        process = Process(arrived.pid, arrived.spec, self.now_ns, arrived.order, arrived.continued)
        self.processes.admit(process, arrived.parent)
        self.deadlines.watch(process)
        self._live += 1
        self.journal.admitted(self.now_ns, arrived)
        if arrived.waits_on is None:
            self._make_ready(process, "admitted")
        else:
            process.end_burst()
            self._enter_blocked(process, arrived.waits_on)

    def _make_ready(self, process: Process, reason: ReadyReason) -> None:
        self._enter_ready(process, reason)
        self.ready[process.pid] = process
        if reason in self._may_preempt:
            self._challengers.append(process)
        self.policy.enqueue(process, reason, self.now_ns)

    def _enter_ready(self, process: Process, reason: ReadyReason) -> None:
        process.enter(READY, self.now_ns)
        self.journal.add(Ready(self.now_ns, process.pid, reason))
        if process.continued:
            self.orders.stop_if_ready(process)

    def _wake(self, process: Process) -> None:
        process.begin_job()
        self.deadlines.watch(process)
        self._tell_waits(self.standoffs.leave(process))
        self._make_ready(process, "woke")

    def _deschedule(self, process: Process, reason: DescheduledReason) -> None:
        self._take_off(process, reason)
        self._notify_stopping(process, reason)

    def _take_off(self, process: Process, reason: DescheduledReason) -> None:
        cpu = self.cpus[process.cpu or 0]
        assert cpu.running is process, f"{process} is not on CPU {cpu.index}"
        self.journal.descheduled(self.now_ns, process, cpu.index, reason)
        process.left_ns = cpu.vacate(self.now_ns)
        if reason not in ("expired", "preempted"):
            cpu.dispatched = None  # the machine takes it off by itself, so it needs a new order to run it again

    def _notify_stopping(self, process: Process, reason: DescheduledReason) -> None:
        """Report to the policy that a process that it has picked has left the CPU."""
        process.stopped = reason
        self.policy.stopping(process, process.charge(), self.now_ns)
        if reason not in self.policy.keeps_slice:
            process.left_ns = None

    def _release(self, process: Process, reason: Literal["expired", "preempted", "yielded"]) -> None:
        self._deschedule(process, reason)
        self._make_ready(process, reason)

    def _yield(self, process: Process) -> None:
        """Make a process READY that has yielded, possibly because its next job is released already."""
        if process.state is not RUNNING:
            return
        process.end_burst()
        self._deschedule(process, "yielded")
        if process.jobs_done:
            process.begin_job()
            process.begin_burst()
            self.deadlines.watch(process)
        self._make_ready(process, "yielded")

    def _block(self, waits: Waits) -> None:
        process, on = self.processes[waits.pid], waits.on or WAITING
        if process.state is BLOCKED:
            process.on = on
            self.journal.add(Blocked(self.now_ns, process.pid, on, again=True))
            process.end_burst()
            process.begin_burst()
            self._tell_waits(self.standoffs.leave(process))
        elif process.state is RUNNING:  # else it has lost the CPU meanwhile; it will block again when it runs
            process.end_burst()
            self._deschedule(process, "blocked")
            self._enter_blocked(process, on)

    def _enter_blocked(self, process: Process, on: Clause) -> None:
        process.begin_burst()
        process.on = on
        process.enter(BLOCKED, self.now_ns)
        self._waits += 1
        process.wait_number = self._waits
        self.journal.blocked(self.now_ns, process, on)

    def _exit(self, ended: Ended) -> None:
        process = self.processes[ended.pid]
        if process.state is RUNNING:
            process.cpu_ns = ended.cpu_ns
        else:
            self._correct(process, ended.cpu_ns)
        process.due_ns = None
        if process.state is RUNNING:
            self._deschedule(process, "exited")
        elif process.state is READY:
            self._leave_ready(process)
        process.enter(EXITED, self.now_ns)
        self._tell_waits(self.standoffs.leave(process))
        self._live -= 1
        self.journal.exited(self.now_ns, process, ended)
        self.processes.bury(process.pid)

    def _leave_ready(self, process: Process) -> None:
        for cpu in self.cpus:
            if cpu.resuming is process:
                cpu.resuming = None
                self._notify_stopping(process, "exited")
                return
        del self.ready[process.pid]
        self.policy.remove(process)

    def _correct(self, process: Process, cpu_ns: int) -> None:
        """Set the exact CPU time of a process whose stop is confirmed, also in its event if it left the CPU at this
        instant."""
        late_ns = process.use_undispatched(cpu_ns)
        if not self.journal.amend_cpu(process, cpu_ns, late_ns):
            process.stray_ns += late_ns

    def displace(self, process: Process, reason: Literal["paused", "preempted"]) -> None:
        """Take a process off its CPU without reporting it to the policy."""
        self._take_off(process, reason)
        self._enter_ready(process, "preempted")

    def close_accounts(self) -> None:
        """Record the CPU time of running processes before the machine ends."""
        self.quitting = True
        for cpu in self.cpus:
            if cpu.running is not None:
                self._take_off(cpu.running, "paused")

    # The policy in force

    def install(self, policy: Policy) -> None:
        """Replace the policy. The new one is not told about existing processes."""
        self.policy = policy
        self.ties = self._ties or policy.kind.ties
        policy.kernel = self
        policy.start(self.now_ns)

    def reschedule(self) -> None:
        """Apply a changed rule: running processes get a slice of the new length, counted from their dispatch, and READY
        ones may preempt them."""
        policy = self.policy
        self.journal.add(Scheduling(self.now_ns, policy.kind.name, policy.parameters, self.ties))
        for cpu in self.cpus:
            if cpu.running is not None:
                slice_ns = policy.slice(cpu.running)
                cpu.slice_end_ns = None if slice_ns is None else max(cpu.running.since_ns + slice_ns, self.now_ns)
        self._challengers.extend(self.ready.values())

    def _note_missed(self) -> None:
        for process in self.deadlines.missed(self.now_ns):
            self.note(Clause("missed its deadline", {"due_ns": process.due_ns}), process)

    def _call_timer(self) -> None:
        self._challenge(self.policy.timer(self.now_ns))

    def _tell_waits(self, changed: Iterable[Process]) -> None:
        for process in changed:
            self._challenge(self.policy.waits(process, self.now_ns))

    def _challenge(self, tasks: Iterable[Task] | None) -> None:
        self._challengers.extend(self.ready.values() if tasks is None else [self.ready[task.pid] for task in tasks])

    def note(self, clause: Clause, task: Task | None = None) -> None:
        """Record an action of the policy."""
        self.journal.add(PolicyNote(self.now_ns, clause, task.pid if task is not None else None))

    def fault(self, what: Clause, task: Task | None = None) -> None:
        """Record something that the policy was asked for and cannot do."""
        self.journal.add(Fault(self.now_ns, what, task.pid if task is not None else None))

    def renew(self, task: Task) -> None:
        """Give a task a new slice: at once if it is running, else with its next dispatch."""
        process = self.processes[task.pid]
        process.left_ns = None
        if process.state is RUNNING:
            self.cpus[process.cpu or 0].grant(self.policy.slice(process), self.now_ns)

    def failed(self, what: Clause) -> None:
        """Record that the policy has failed, and go on with the one that has replaced it."""
        self.ties = self._ties or self.policy.kind.ties
        self.journal.add(Fault(self.now_ns, what))
        self.reschedule()
