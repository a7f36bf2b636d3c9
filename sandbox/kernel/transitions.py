"""The mechanism of the kernel: every change of a process's state, and every change of who has a CPU.

Each change goes through ``move``, is told to the policy and put on record as an event. When and in which order
they happen is ``sandbox.kernel.kernel``'s matter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Literal

from sandbox.events import (
    Admitted,
    Blocked,
    Clause,
    Descheduled,
    DescheduledReason,
    Dispatched,
    Event,
    Exited,
    Figure,
    Operator,
    Ready,
    ReadyReason,
)
from sandbox.kernel.machine import Arrived, Ended, Freeze, Order, Run, Stop, Waits
from sandbox.kernel.process import Cpu, Process
from sandbox.kernel.states import State, move
from sandbox.policies.base import Policy

RESUMED = Clause("goes on after a pause")
KEEPS = Clause("keeps the CPU")
#: By whom the machine is paused while it asks who will run.
QUESTION = "question"
WAITING = Clause("waiting")
#: Who becomes ready thus may take a CPU from another one.
_COMERS: Collection[ReadyReason] = ("admitted", "woke")
#: Where there are more CPUs, so may who has just lost his own to somebody better; who was pushed aside was the worst.
_COMERS_AND_LOSERS: Collection[ReadyReason] = ("admitted", "woke", "expired", "yielded")


class Transitions:
    """Processes, CPUs and a policy."""

    def __init__(self, policy: Policy, cpus: int) -> None:
        self.policy = policy
        self.now_ns = 0
        self.processes: dict[int, Process] = {}
        self.cpus = [Cpu(index) for index in range(cpus)]
        self.paused = False
        self._paused_by = ""
        #: Decisions still to be made before the machine pauses again; 0: it just runs.
        self._steps = 0
        #: Whether to ask before each choice who will run, and whether that has just been said.
        self._asks = False
        self._answered = False
        self._live = 0
        self._waits = 0
        self._ready: dict[int, Process] = {}
        #: May preempt, having come or woken; became ready while the machine lets it run.
        self._fresh: deque[Process] = deque()
        self._challengers = _COMERS if cpus == 1 else _COMERS_AND_LOSERS
        self._loosened: list[Process] = []
        self._orders: list[Order] = []
        self._log: list[Event] = []
        #: Where in the log stand the processes that left their CPU, or began to wait, at this instant.
        self._descheduled: dict[int, int] = {}
        self._blocked: dict[int, int] = {}

    def _admit(self, arrived: Arrived) -> None:
        spec = arrived.spec
        process = Process(arrived.pid, spec, self.now_ns, arrived.order, arrived.loose)
        self.processes[process.pid] = process
        self._live += 1
        self._log.append(
            Admitted(
                self.now_ns,
                process.pid,
                spec.name,
                spec.runs,
                arrived.os_pid,
                arrived.parent,
                arrived.order,
                spec.demand_ns,
            )
        )
        self._make_ready(process, "admitted")

    def _make_ready(self, process: Process, reason: ReadyReason) -> None:
        self._line_up(process, reason)
        self._ready[process.pid] = process
        if reason in self._challengers:
            self._fresh.append(process)
        self.policy.enqueue(process, reason, self.now_ns)

    def _line_up(self, process: Process, reason: ReadyReason) -> None:
        move(process, State.READY)
        process.since_ns = self.now_ns
        self._log.append(Ready(self.now_ns, process.pid, reason))
        if process.loose:
            self._loosened.append(process)

    def _wake(self, process: Process) -> None:
        waited_ns = self.now_ns - process.since_ns
        process.blocked_ns += waited_ns
        process.begin_job()
        self._make_ready(process, "woke")

    def _dispatch(self, cpu: Cpu) -> None:
        if self._answered:
            self._weigh(cpu)
        process = cpu.held
        if process is not None:
            cpu.held, why = None, KEEPS if self._answered and len(self.cpus) == 1 else RESUMED
        elif self._asks and len(self._ready) > 1 and not self._answered:
            self._ask(cpu)
            return
        elif self._ready:
            task = self.policy.pick(cpu.index, self.now_ns)
            if task is None:
                return
            process, why = self._ready.pop(task.pid), self.policy.why(task)
        else:
            return
        slice_ns, process.left_ns = process.left_ns or self.policy.slice(process), None
        move(process, State.RUNNING)
        process.waiting_ns += self.now_ns - process.since_ns
        process.since_ns = self.now_ns
        process.cpu = cpu.index
        cpu.running = process
        cpu.slice_end_ns = None if slice_ns is None else self.now_ns + slice_ns
        self._log.append(Dispatched(self.now_ns, process.pid, cpu.index, slice_ns, why))
        if self._steps and why is not RESUMED:  # whoever goes on was chosen before
            self._steps -= 1
            if self._steps == 0:
                self._pause("step", sparing=process)

    def _deschedule(self, process: Process, reason: DescheduledReason) -> None:
        self._take_off(process, reason)
        self._take_leave(process, reason)

    def _take_off(self, process: Process, reason: DescheduledReason) -> None:
        cpu = self.cpus[process.cpu or 0]
        assert cpu.running is process, f"{process} is not on CPU {cpu.index}"
        self._descheduled[process.pid] = len(self._log)
        ran_ns, process.reported_ns = process.cpu_ns - process.reported_ns, process.cpu_ns
        stray_ns, process.stray_ns = process.stray_ns, 0
        self._log.append(Descheduled(self.now_ns, process.pid, cpu.index, ran_ns, reason, stray_ns))
        end_ns = cpu.slice_end_ns
        process.left_ns = None if end_ns is None else end_ns - self.now_ns if end_ns > self.now_ns else 0
        cpu.running = cpu.slice_end_ns = None
        if reason not in ("expired", "preempted"):
            cpu.occupant = None  # the machine has taken it off already, or will: it must be told to run it again

    def _take_leave(self, process: Process, reason: DescheduledReason) -> None:
        """Tell the policy that a process it picked is off the CPU."""
        process.stopped = reason
        if process.cpu_ns > process.charged_ns:
            ran_ns, process.charged_ns = process.cpu_ns - process.charged_ns, process.cpu_ns
        else:
            ran_ns = 0  # the last charge was an estimate, and too high
        self.policy.stopping(process, ran_ns, self.now_ns)
        if reason not in self.policy.keeps_slice:
            process.left_ns = None

    def _release(self, process: Process, reason: Literal["expired", "preempted", "yielded"]) -> None:
        if process.state is State.RUNNING:
            self._deschedule(process, reason)
            self._make_ready(process, reason)

    def _yield(self, process: Process) -> None:
        """It gave the CPU away, perhaps because it was late and goes on with its next job at once."""
        if process.state is not State.RUNNING:
            return
        process.end_burst()
        self._deschedule(process, "yielded")
        if process.jobs_done:
            process.begin_job()
            process.begin_burst()
        self._make_ready(process, "yielded")

    def _block(self, waits: Waits) -> None:
        process = self.processes[waits.pid]
        if process.state is State.BLOCKED:
            self._log.append(Blocked(self.now_ns, process.pid, waits.on or WAITING, again=True))
        if process.state is not State.RUNNING:
            return  # it lost the CPU before this was noticed; it will be noticed again
        process.end_burst()
        self._deschedule(process, "blocked")
        process.begin_burst()
        move(process, State.BLOCKED)
        process.since_ns = self.now_ns
        self._blocked[process.pid] = len(self._log)
        self._waits += 1
        process.waits = self._waits
        self._log.append(Blocked(self.now_ns, process.pid, waits.on or WAITING))

    def _end(self, ended: Ended) -> None:
        process = self.processes[ended.pid]
        if process.state is State.RUNNING:
            process.cpu_ns = ended.cpu_ns
        else:
            self._count(process, ended.cpu_ns)
        process.due_ns = None
        match process.state:
            case State.RUNNING:
                self._deschedule(process, "exited")
            case State.READY:
                process.waiting_ns += self.now_ns - process.since_ns
                self._forget_ready(process)
            case State.BLOCKED:
                process.blocked_ns += self.now_ns - process.since_ns
        move(process, State.EXITED)
        self._live -= 1
        self._log.append(
            Exited(
                self.now_ns,
                process.pid,
                ended.code,
                ended.signal,
                process.cpu_ns,
                process.waiting_ns,
                process.blocked_ns,
                process.undispatched_ns,
            )
        )

    @staticmethod
    def _count(process: Process, cpu_ns: int) -> int:
        """Take in what a process that is not dispatched has used by now; returns what is new of it."""
        stray_ns = max(cpu_ns - process.cpu_ns, 0)
        process.undispatched_ns += stray_ns
        process.cpu_ns = cpu_ns
        return stray_ns

    def _forget_ready(self, process: Process) -> None:
        for cpu in self.cpus:
            if cpu.held is process:
                cpu.held = None
                self._take_leave(process, "exited")
                return
        del self._ready[process.pid]
        self.policy.remove(process)

    # Slices and preemption

    def _expire(self) -> None:
        for cpu in self.cpus:
            if cpu.running is not None and cpu.slice_end_ns is not None and self.now_ns >= cpu.slice_end_ns:
                self._release(cpu.running, "expired")

    def _preempt_for(self, process: Process) -> None:
        """Take a CPU away for a process that has come. The policy may give it to a better one; then the next CPU."""
        for _ in self.cpus:
            if process.state is not State.READY or self.paused or (victim := self._victim(process)) is None:
                return
            cpu = self.cpus[victim.cpu or 0]
            self._release(victim, "preempted")
            self._dispatch(cpu)

    def _victim(self, process: Process) -> Process | None:
        """Of all that it may push aside, the one that the others would push aside too."""
        victim: Process | None = None
        for cpu in self.cpus:
            running = cpu.running
            if running is not None and self.policy.preempts(process, running, self.now_ns):
                if victim is None or self.policy.preempts(victim, running, self.now_ns):
                    victim = running
        return victim

    # Whoever is asked who will run

    def _comers_are_asked_about(self) -> bool:
        """Whether somebody has come who may take the CPU from whoever has it. With several CPUs that would be two
        questions in one: who comes, and who makes way."""
        running = self.cpus[0].running
        return (
            self._asks
            and not self._answered
            and len(self.cpus) == 1
            and running is not None
            and self.policy.kind.preempts is not Policy.preempts
            and any(process.state is State.READY for process in self._fresh)
        )

    def _ask(self, cpu: Cpu) -> None:
        """Pause before a choice: nobody has been picked yet, and nothing can change before it has been said who will
        be."""
        self._pause(QUESTION, cpu=cpu.index)

    def _weigh(self, cpu: Cpu) -> None:
        """The choice that was asked about: between whom the question found on the CPU, if anybody, and all others."""
        while self._fresh and len(self.cpus) == 1:
            process, held = self._fresh.popleft(), cpu.held
            if held is None or process.state is not State.READY:
                continue
            if self.policy.preempts(process, held, self.now_ns):
                cpu.held = None
                self._take_leave(held, "preempted")
                self._ready[held.pid] = held
                self.policy.enqueue(held, "preempted", self.now_ns)

    # Pauses

    def _pause(self, by: str, sparing: Process | None = None, **figures: Figure) -> None:
        """Of a pause the policy hears nothing: whom it has picked goes on afterwards."""
        self.paused, self._steps, self._paused_by = True, 0, by
        for cpu in self.cpus:
            process = cpu.running
            if process is not None and process is not sparing:
                self._take_off(process, "paused")
                self._line_up(process, "preempted")
                cpu.held = process
        self._orders.append(Freeze())
        self._log.append(Operator(self.now_ns, Clause("paused", {"by": by, **figures})))

    def _close_accounts(self) -> None:
        """The machine is about to end: what those on a CPU have used goes on record."""
        for cpu in self.cpus:
            if cpu.running is not None:
                self._take_off(cpu.running, "paused")

    def _collect_orders(self) -> list[Order]:
        """What has to change for the decisions to be true; a process that keeps its CPU needs no signal."""
        orders, self._orders = self._orders, []
        for process in self._loosened:
            if process.loose and process.state is State.READY:
                process.loose = False
                orders.append(Stop(process.pid))
        self._loosened.clear()
        for cpu in self.cpus:
            running = cpu.running
            if running is None or self.paused:
                cpu.occupant = None
            elif running is not cpu.occupant or not running.loose:
                cpu.occupant = running
                running.loose = True
                orders.append(Run(running.pid, cpu.index))
        return orders
