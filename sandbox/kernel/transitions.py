"""The mechanism of the kernel: every change of a process's state, and every change of who has a CPU.

Each change goes through ``move``, is told to the policy and put on record as an event. When and in which order
they happen is ``sandbox.kernel.kernel``'s matter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Literal

from sandbox.kernel.machine import Arrived, Ended, Order, Waits
from sandbox.kernel.process import Cpu, Process
from sandbox.model.events import (
    Admitted,
    Blocked,
    Clause,
    Descheduled,
    DescheduledReason,
    Event,
    Exited,
    Ready,
    ReadyReason,
)
from sandbox.model.states import State, move
from sandbox.policies.base import Policy

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

    def _deschedule(self, process: Process, reason: DescheduledReason) -> None:
        self._take_off(process, reason)
        self._take_leave(process, reason)

    def _take_off(self, process: Process, reason: DescheduledReason) -> None:
        cpu = self.cpus[process.cpu or 0]
        assert cpu.running is process, f"{process} is not on CPU {cpu.index}"
        self._descheduled[process.pid] = len(self._log)
        ran_ns = self._report(process, process.cpu_ns)
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
            self._correct(process, ended.cpu_ns)
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

    def _correct(self, process: Process, cpu_ns: int) -> None:
        """A stop is confirmed: what its process has used is known exactly, and put on record if it left the CPU
        at this instant."""
        late_ns = self._count(process, cpu_ns)
        if process.pid in self._descheduled:
            self._put_right(process, cpu_ns, late_ns)
        else:
            process.stray_ns += late_ns

    def _put_right(self, process: Process, cpu_ns: int, late_ns: int = 0) -> None:
        """A process that left the CPU at this instant has used so much. ``late_ns`` of it: when it had left."""
        index = self._descheduled[process.pid]
        event = self._log[index]
        assert isinstance(event, Descheduled)
        process.reported_ns -= event.ran_ns
        self._log[index] = Descheduled(
            event.t_ns,
            process.pid,
            event.cpu,
            self._report(process, cpu_ns),
            event.reason,
            event.undispatched_ns + late_ns,
        )

    @staticmethod
    def _report(process: Process, cpu_ns: int) -> int:
        """What is new of the CPU time that a process has used; while more is on record already, nothing."""
        ran_ns = max(cpu_ns - process.reported_ns, 0)
        process.reported_ns += ran_ns
        return ran_ns

    def _forget_ready(self, process: Process) -> None:
        for cpu in self.cpus:
            if cpu.held is process:
                cpu.held = None
                self._take_leave(process, "exited")
                return
        del self._ready[process.pid]
        self.policy.remove(process)
