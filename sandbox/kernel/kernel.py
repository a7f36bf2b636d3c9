"""The kernel: things that happened go in, orders and events come out, time is passed in.

It reads no clock, no file and no pid table, so the same object schedules real processes and exact
virtual ones. One instant is handled in the order that ``tell`` and ``decide`` spell out; it is what
makes runs exact, and ``ossandbox policies --rules`` prints it.
"""

from __future__ import annotations

from typing import TypeVar

from sandbox.kernel.decisions import QUESTION
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
    Yielded,
)
from sandbox.kernel.process import Process
from sandbox.kernel.scheduler import Scheduler
from sandbox.model.commands import (
    Command,
    Describe,
    Kill,
    Look,
    Pause,
    Predict,
    Press,
    Quit,
    Reload,
    Resume,
    Spawn,
    Step,
    Tune,
    Type,
    UsePolicy,
)
from sandbox.model.events import Became, Blocked, Clause, Event, Fault
from sandbox.model.states import State
from sandbox.util.text import clean_line

R = TypeVar("R", bound=Report)


class Kernel(Scheduler):
    """The scheduler's conduct; ``sandbox.kernel.loop`` shows how it is driven."""

    quitting = False

    # What the loop asks

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
        if deadline is not None and deadline < self.now_ns:
            deadline = self.now_ns
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
        self.now_ns, reports = happened.now_ns, happened.reports
        for pid, cpu_ns in happened.used.items():
            self.processes[pid].cpu_ns = cpu_ns
        requeue_first = self.ties == "requeue-first"
        if reports:
            for told in _only(Told, reports):
                self._tell(told.event)
            for ended in _only(Ended, reports):
                self._end(ended)
            for waits in _only(Waits, reports):
                self._block(waits)
            for yielded in _only(Yielded, reports):
                self._yield(self.processes[yielded.pid])
        if requeue_first:
            self._expire()
        timer_ns = self.policy.timer_ns
        if timer_ns is not None and self.now_ns >= timer_ns and not self.paused:
            self._call_timer()
        if reports:
            for arrived in _only(Arrived, reports):
                self._admit(arrived)
            woken = [self.processes[woke.pid] for woke in _only(Woke, reports)]
            for process in sorted(woken, key=lambda process: process.waits):
                if process.state is State.BLOCKED:  # else it ended in the same breath
                    self._wake(process)
        if not requeue_first:
            self._expire()
        if reports:
            for asked in _only(Asked, reports):
                self._operate(asked.command)

    def decide(self) -> list[Order]:
        """7. Dispatch to idle CPUs, CPU 0 first, then preempt. Returns what the machine has to make true."""
        if not (self.paused or self.quitting):
            for cpu in self.cpus:
                if cpu.running is None and not self.paused:
                    self._dispatch(cpu)
            while self._fresh and not self.paused:
                if self._comers_are_asked_about():
                    self._ask(self.cpus[0])
                else:
                    self._preempt_for(self._fresh.popleft())
            self._answered = False
        return self._collect_orders()

    def settle(self, obeyed: Obeyed) -> list[Event]:
        """Take in what obeying brought; returns the events of this instant, complete."""
        for pid, cpu_ns in obeyed.used.items():
            self._correct(self.processes[pid], cpu_ns)
        for pid, cpu_ns in obeyed.at_least.items():
            if pid in self._descheduled:  # an estimate went before, and was perhaps too high
                self._put_right(self.processes[pid], min(cpu_ns, self.processes[pid].cpu_ns))
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
            case Predict(on):
                self._asks = on
                if not on and self.paused and self._paused_by == QUESTION:
                    self._resume("resumed")
            case Tune(parameter, value):
                self._tune(parameter, value)
            case UsePolicy(name):
                self._change_policy(name)
            case Reload():
                self._change_policy(self.policy.source, "reloaded")
            case Look(most):
                self._show_queues(most)
            case Describe():
                self._describe()
            case Quit() if not self.quitting:
                self.quitting = True
                self._record("quit")
                self._close_accounts()
            case Kill() | Type() | Press() | Spawn():
                self._carry(command)

    def _resume(self, how: str) -> None:
        self._record(how)
        if self.paused:
            self.paused, self._answered = False, self._paused_by == QUESTION
            self._orders.append(Thaw())

    def _carry(self, command: Kill | Type | Press | Spawn) -> None:
        if isinstance(command, Spawn):
            self._orders.append(Carry(command))
            self._record("spawned", runs=clean_line(" ".join(command.argv)))
            return
        process = self._named(command.who)
        if process is None:
            known = command.who in (each.name for each in self.processes.values())
            rule = "has ended already" if known else "no such process"
            self._log.append(Fault(self.now_ns, Clause(rule, {"who": clean_line(command.who)})))
            return
        self._orders.append(Carry(command, process.pid))
        if isinstance(command, Kill):
            self._record("killed", pid=process.pid)
        elif isinstance(command, Press):
            self._record("pressed", pid=process.pid, key=command.key)
        else:
            self._record("typed", pid=process.pid, text=clean_line(command.text))

    def _tell(self, event: Event) -> None:
        self._log.append(event)
        if isinstance(event, Became) and event.pid in self.processes:
            self.processes[event.pid].name = event.name

    def _named(self, who: str) -> Process | None:
        """A living process by pid or by name."""
        by_pid = self.processes.get(int(who)) if who.isdecimal() and len(who) < 20 else None
        if by_pid is not None and by_pid.state is not State.EXITED:
            return by_pid
        alive = (process for process in self.processes.values() if process.state is not State.EXITED)
        return next((process for process in alive if process.name == who), None)


def _only(kind: type[R], reports: list[Report]) -> list[R]:
    return [report for report in reports if isinstance(report, kind)]
