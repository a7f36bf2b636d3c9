"""The kernel: things that happened go in, orders and events come out, time is passed in.

It reads no clock, no file and no pid table, so the same object schedules real processes and exact
virtual ones. One instant is handled in the order that ``tell`` and ``decide`` spell out; it is what
makes runs exact, and ``ossandbox policies --rules`` prints it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sandbox import policies
from sandbox.commands import Command, Kill, Pause, Quit, Resume, Spawn, Step, Tune, Type, UsePolicy
from sandbox.events import Blocked, Clause, Descheduled, Event, Fault, Figure, Operator, Scheduling
from sandbox.kernel.machine import (
    Arrived,
    Asked,
    Carry,
    Ended,
    Happened,
    Obeyed,
    Order,
    Report,
    Thaw,
    Told,
    Waits,
    Woke,
)
from sandbox.kernel.process import Process
from sandbox.kernel.states import State
from sandbox.kernel.transitions import Transitions
from sandbox.kinds import Refused
from sandbox.policies.base import Policy
from sandbox.text import clean_line

R = TypeVar("R", bound=Report)


class Kernel(Transitions):
    """The scheduler's conduct; ``sandbox.kernel.loop`` shows how it is driven.

    ``find`` gives the class of a policy's name when the operator changes the policy.
    """

    def __init__(
        self,
        policy: Policy,
        cpus: int = 1,
        ties: str | None = None,
        find: Callable[[str], type[Policy]] = policies.find,
    ) -> None:
        super().__init__(policy, cpus)
        self.quitting = False
        self._ties = ties
        self._find = find

    # What the loop asks

    @property
    def ties(self) -> str:
        """Which rule holds at one instant: the machine's setting, else the policy's own."""
        return self._ties or self.policy.ties

    @property
    def alive(self) -> bool:
        """Whether any process has not ended."""
        return self._live > 0

    @property
    def deadline_ns(self) -> int | None:
        """When the kernel wants to be called if nothing happens before: a slice's end, a policy's timer."""
        if self.paused:
            return None
        deadline = self.policy.timer_ns if self._live else None
        for cpu in self.cpus:
            if cpu.slice_end_ns is not None and (deadline is None or cpu.slice_end_ns < deadline):
                deadline = cpu.slice_end_ns
        return deadline

    def tell(self, happened: Happened) -> None:
        """Take in what happened at one instant, in this order:

        1. the running process ends, else blocks (the CPU it used counts in each case);
        2. requeue-first only: slices that are used up;
        3. the policy's timer;
        4. arrivals, in scenario order;
        5. wake-ups, in the order in which the processes began to block;
        6. arrival-first only: slices that are used up;
        then what the operator asks.
        """
        self.now_ns, reports, used = happened
        for pid, cpu_ns in used.items():
            self.processes[pid].cpu_ns = cpu_ns
        requeue_first = self.ties == "requeue-first"
        policy_timer_ns = self.policy.timer_ns
        if reports:
            for told in _only(Told, reports):
                self._log.append(told.event)
            for ended in _only(Ended, reports):
                self._end(ended)
            for waits in _only(Waits, reports):
                self._block(waits)
        if requeue_first:
            self._expire()
        if policy_timer_ns is not None and self.now_ns >= policy_timer_ns and not self.paused:
            self.policy.timer(self.now_ns)
            self._fresh = [*self._ready.values()]
        if reports:
            for arrived in _only(Arrived, reports):
                self._admit(arrived)
            woken = [self.processes[woke.pid] for woke in _only(Woke, reports)]
            for process in sorted(woken, key=lambda process: process.since_ns):
                if process.state is State.BLOCKED:  # else it ended in the same breath
                    self._wake(process)
        if not requeue_first:
            self._expire()
        if reports:
            for asked in _only(Asked, reports):
                self._operate(asked.command)

    def decide(self) -> list[Order]:
        """7. Dispatch to idle CPUs, CPU 0 first, then preempt. Returns what the machine has to make true."""
        if not self.paused:
            for cpu in self.cpus:
                if cpu.running is None and not self.paused:
                    self._dispatch(cpu)
            for process in self._fresh:
                if process.state is State.READY and not self.paused:
                    self._preempt_for(process)
        self._fresh.clear()
        return self._collect_orders()

    def settle(self, obeyed: Obeyed) -> list[Event]:
        """Take in what obeying brought; returns the events of this instant, complete."""
        for pid, cpu_ns in obeyed.used.items():
            self._correct(self.processes[pid], cpu_ns)
        for pid, started in obeyed.started.items():
            process = self.processes[pid]
            process.stray_ns += self._count(process, started.cpu_ns)
            cpu = self.cpus[process.cpu or 0]
            if cpu.slice_end_ns is not None:
                cpu.slice_end_ns += started.t_ns - self.now_ns
        for pid, on in obeyed.waits_on.items():
            index = self._blocked.get(pid)
            if index is not None:
                self._log[index] = Blocked(self._log[index].t_ns, pid, on)
        self._descheduled.clear()
        self._blocked.clear()
        log, self._log = self._log, []
        return log

    def _correct(self, process: Process, cpu_ns: int) -> None:
        """A stop is confirmed: what its process has used is known exactly, and put on record if it left the CPU
        at this instant."""
        late_ns = self._count(process, cpu_ns)
        index = self._descheduled.get(process.pid)
        if index is None:
            process.stray_ns += late_ns
            return
        event = self._log[index]
        assert isinstance(event, Descheduled)
        ran_ns = event.ran_ns + cpu_ns - process.reported_ns
        self._log[index] = Descheduled(
            event.t_ns, process.pid, event.cpu, ran_ns, event.reason, event.undispatched_ns + late_ns
        )
        process.reported_ns = cpu_ns

    # The operator

    def _operate(self, command: Command) -> None:
        match command:
            case Pause(by) if not self.paused:
                self._pause(by)
            case Resume(by) if self.paused and by in ("operator", self._paused_by):
                self._resume("resumed")
            case Step():
                self._steps += 1
                self._resume("stepped")
            case Tune(parameter, value):
                self._tune(parameter, value)
            case UsePolicy(name):
                self._change_policy(name)
            case Quit():
                self.quitting = True
                self._record("quit")
            case Kill() | Type() | Spawn():
                self._carry(command)

    def _resume(self, how: str) -> None:
        self._record(how)
        if self.paused:
            self.paused = False
            self._orders.append(Thaw())

    def _tune(self, parameter: str, value: str) -> None:
        try:
            self.policy.set(parameter, value)
        except Refused as refused:
            self._refuse("set", refused)
            return
        self._record("set", parameter=parameter, value=value)
        self._schedule_anew()

    def _change_policy(self, name: str) -> None:
        """Another policy takes over: it is told of every ready process, longest ready first."""
        try:
            policy = self._find(name)(seed=self.policy.seed)
        except Refused as refused:
            self._refuse("policy", refused)
            return
        self._install(policy)
        for process in sorted(self._ready.values(), key=lambda process: process.since_ns):
            policy.enqueue(process, "admitted", self.now_ns)
        self._record("policy", policy=policy.name)
        self._schedule_anew()

    def _schedule_anew(self) -> None:
        """Whoever is on a CPU goes on under the new rule, its slice counted from its dispatch."""
        self._log.append(Scheduling(self.now_ns, self.policy.name, self.policy.parameters, self.ties))
        for cpu in self.cpus:
            if cpu.running is not None:
                slice_ns = self.policy.slice(cpu.running)
                end_ns = None if slice_ns is None else max(cpu.running.since_ns + slice_ns, self.now_ns)
                cpu.slice_end_ns = end_ns

    def _carry(self, command: Kill | Type | Spawn) -> None:
        if isinstance(command, Spawn):
            self._orders.append(Carry(command))
            self._record("spawned", runs=clean_line(" ".join(command.argv)))
            return
        process = self._named(command.who)
        if process is None:
            self._log.append(Fault(self.now_ns, Clause("no such process", {"who": clean_line(command.who)})))
            return
        self._orders.append(Carry(command, process.pid))
        if isinstance(command, Kill):
            self._record("killed", pid=process.pid)
        else:
            self._record("typed", pid=process.pid, text=clean_line(command.text))

    def _named(self, who: str) -> Process | None:
        """A living process by pid or by name."""
        for process in self.processes.values():
            if process.state is not State.EXITED and who in (str(process.pid), process.name):
                return process
        return None

    def _record(self, did: str, **figures: Figure) -> None:
        self._log.append(Operator(self.now_ns, Clause(did, figures)))

    def _refuse(self, what: str, refused: Refused) -> None:
        clause = refused.faults[0][1]
        self._log.append(Fault(self.now_ns, Clause(clause.rule, {"asked": what, **clause.figures})))


def _only(kind: type[R], reports: list[Report]) -> list[R]:
    return [report for report in reports if isinstance(report, kind)]
