"""Carries out the operator's commands: pauses and steps, a change of policy, a view of the queues, orders to the
machine.

The operator is the user at the keyboard, or the script of a scenario. Commands come as reports of the machine, and are
carried out after everything else that has happened at the same instant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.machine import Asked, Carry, Happened
from sandbox.kernel.pacing import CHOICE, QUESTION
from sandbox.kernel.process import Cpu, Process
from sandbox.model.commands import (
    Choose,
    Command,
    Describe,
    Keys,
    Kill,
    Look,
    Pause,
    PauseAtSteps,
    Predict,
    Press,
    Quit,
    Reload,
    Resize,
    Resume,
    Signal,
    Spawn,
    Step,
    Tune,
    Type,
    UsePolicy,
)
from sandbox.model.events import Clause, Described, Fault, Figure, Queued, Queues, QueueView
from sandbox.model.states import State
from sandbox.model.values import BadValue
from sandbox.policies.base import Policy, Queue, Task
from sandbox.util.text import clean, clean_line
from sandbox.util.units import S

#: Characters of a policy's description that are shown.
_MAX_DESCRIPTION = 4_000
#: A key that comes later than this after the last one is recorded as the beginning of typing.
_MAX_BETWEEN_KEYS_NS = 2 * S


class CommandInterpreter:
    """Carries out commands on a kernel. ``successor``: makes the policy of a name, given the current policy; it raises
    BadValue."""

    def __init__(self, kernel: Kernel, successor: Callable[[str, Policy], Policy]) -> None:
        self._kernel = kernel
        self._successor = successor
        #: The process whose console was typed into last, and when.
        self._keyed_pid, self._keyed_ns = 0, 0

    def obey(self, happened: Happened) -> None:
        """Carry out the commands of this instant in their order."""
        for asked in happened.all(Asked):
            self._execute(asked.command)

    def _execute(self, command: Command) -> None:
        kernel = self._kernel
        match command:
            case Pause(by) if not kernel.paused:
                kernel.pause(by)
            case Resume(by) if kernel.paused and by in ("operator", kernel.pacing.by):
                kernel.resume("resumed")
            case Step():
                kernel.pacing.step(kernel.paused)
                kernel.resume("stepped")
            case Choose():
                self._choose(command)
            case Predict(on):
                kernel.pacing.asks = on
                if not on and kernel.paused and kernel.pacing.by == QUESTION:
                    kernel.resume("resumed")
            case PauseAtSteps(on):
                kernel.pacing.at_steps = on
            case Tune(parameter, value):
                self._tune(parameter, value)
            case UsePolicy(name):
                self._change_policy(name, "policy")
            case Reload():
                self._change_policy(kernel.policy.source, "reloaded")
            case Look(most):
                self._show_queues(most)
            case Describe():
                self._describe()
            case Quit() if not kernel.quitting:
                kernel.journal.operator(kernel.now_ns, "quit")
                kernel.close_accounts()
            case Spawn(argv):
                kernel.orders.add(Carry(command))
                kernel.journal.operator(kernel.now_ns, "spawned", runs=clean_line(" ".join(argv)))
            case Kill() | Signal() | Type() | Press():
                self._forward(command)
            case Keys() | Resize():
                self._forward_quietly(command)

    # Processes

    def _choose(self, command: Choose) -> None:
        """Give a process the next turn: at once if the machine is asking for a choice, else at the next choice. In a
        pause of another kind, go on until that choice; a process that goes on after the pause has its turn at once."""
        kernel, process = self._kernel, self._named(command.who)
        if process is None:
            return
        asks = kernel.paused and kernel.pacing.by == CHOICE
        first = [process for cpu in kernel.cpus for process in (cpu.running, cpu.resuming)]
        goes_on = kernel.paused and not asks and kernel.policy.asks and process in first
        who: dict[str, Figure] = {"who": process.called}
        if kernel.paused and process.state is not State.READY and not goes_on:
            kernel.journal.add(Fault(kernel.now_ns, Clause("cannot run now", who), process.pid))
        elif not goes_on and not kernel.policy.prefer(process):
            figures: dict[str, Figure] = {"policy": kernel.policy.kind.name}
            kernel.journal.add(Fault(kernel.now_ns, Clause("decides by itself", figures)))
        else:
            if kernel.paused and not asks:
                kernel.pacing.step(paused=True)
            kernel.resume("chose", pid=process.pid)

    def _named(self, who: str) -> Process | None:
        """Return the process of a name or pid; if none is alive, record a fault and return None."""
        kernel, process = self._kernel, self._find(who)
        if process is None:
            known = who in (each.name for each in kernel.processes.values())
            rule = "has ended already" if known else "no such process"
            kernel.journal.add(Fault(kernel.now_ns, Clause(rule, {"who": clean_line(who)})))
        return process

    def _forward(self, command: Kill | Signal | Type | Press) -> None:
        """Pass a command that names a process on to the machine, and record it."""
        kernel, process = self._kernel, self._named(command.who)
        if process is None:
            return
        kernel.orders.add(Carry(command, process.pid))
        match command:
            case Kill():
                kernel.journal.operator(kernel.now_ns, "killed", pid=process.pid)
            case Signal(_, name):
                kernel.journal.operator(kernel.now_ns, "signalled", pid=process.pid, signal=f"SIG{name}")
            case Press(_, key):
                kernel.journal.operator(kernel.now_ns, "pressed", pid=process.pid, key=key)
            case Type(unseen=True):
                kernel.journal.operator(kernel.now_ns, "typed unseen", pid=process.pid)
            case Type(_, text):
                kernel.journal.operator(kernel.now_ns, "typed", pid=process.pid, text=clean_line(text))

    def _forward_quietly(self, command: Keys | Resize) -> None:
        """Pass on keys and changes of a window's size, which are frequent. Only the beginning of typing is recorded,
        not the keys. A process that has just exited is no fault here."""
        kernel, process = self._kernel, self._find(command.who)
        if process is None:
            return
        kernel.orders.add(Carry(command, process.pid))
        if isinstance(command, Keys) and not command.automatic:
            begins = process.pid != self._keyed_pid or kernel.now_ns - self._keyed_ns > _MAX_BETWEEN_KEYS_NS
            self._keyed_pid, self._keyed_ns = process.pid, kernel.now_ns
            if begins:
                kernel.journal.operator(kernel.now_ns, "keys", pid=process.pid)

    def _find(self, who: str) -> Process | None:
        """Return a process that is alive by its pid or its name, or None."""
        processes = self._kernel.processes
        by_pid = processes.get(int(who)) if who.isdecimal() and len(who) < 20 else None
        if by_pid is not None and by_pid.state is not State.EXITED:
            return by_pid
        alive = [process for process in processes.values() if process.state is not State.EXITED]
        called = (process for process in alive if process.called == who)
        return next(called, None) or next((process for process in alive if process.name == who), None)

    # The policy

    def _tune(self, parameter: str, value: str) -> None:
        kernel = self._kernel
        try:
            kernel.policy.tune(parameter, value)
        except BadValue as bad:
            self._refuse("set", bad)
            return
        kernel.policy.retune(kernel.now_ns)
        kernel.journal.operator(kernel.now_ns, "set", parameter=parameter, value=value)
        kernel.reschedule()

    def _change_policy(self, name: str, did: str) -> None:
        kernel = self._kernel
        try:
            policy = self._successor(name, kernel.policy)
        except BadValue as bad:
            self._refuse("policy", bad)
            return
        kernel.journal.operator(kernel.now_ns, did, policy=policy.kind.name)
        self._hand_over_to(policy)
        kernel.reschedule()
        if kernel.paused and kernel.pacing.by == CHOICE and not policy.asks:
            kernel.resume("resumed")  # there is no question any more

    def _hand_over_to(self, policy: Policy) -> None:
        """Install another policy. It is told of each running process as if that were admitted alone and picked, and
        then of the READY ones, the longest ready first."""
        kernel = self._kernel
        waiting = sorted(kernel.ready.values(), key=lambda process: process.since_ns)
        for process in kernel.processes.values():
            process.data = process.left_ns = None
        kernel.install(policy)
        for cpu in kernel.cpus:
            holder = cpu.running or cpu.resuming
            if holder is not None:
                policy.enqueue(holder, "admitted", kernel.now_ns)
                picked = policy.pick(cpu.index, kernel.now_ns)
                if picked is not holder:
                    self._put_back(holder, cpu, picked)
        for process in waiting:
            policy.enqueue(process, "admitted", kernel.now_ns)
        for process in kernel.standoffs.waiters.values():
            policy.waits(process, kernel.now_ns)  # the answer is not needed: any READY process may preempt after this

    def _put_back(self, process: Process, cpu: Cpu, picked: Task | None) -> None:
        """Make a process READY again that the new policy would not have picked for this CPU."""
        kernel = self._kernel
        if picked is not None:  # it has picked a process that was put back before
            kernel.policy.enqueue(picked, "preempted", kernel.now_ns)
        if cpu.running is process:
            kernel.displace(process, "preempted")
        cpu.resuming = None
        kernel.ready[process.pid] = process

    def _refuse(self, what: str, bad: BadValue) -> None:
        clause, kernel = bad.what, self._kernel
        kernel.journal.add(Fault(kernel.now_ns, Clause(clause.rule, {"asked": what, **clause.figures})))

    def _show_queues(self, most: int) -> None:
        kernel = self._kernel
        queues = [self._view(queue, most) for queue in kernel.policy.queues()]
        on_cpus = [cpu.running or cpu.resuming for cpu in kernel.cpus]
        running = [self._queued(process) for process in on_cpus if process is not None]
        kernel.journal.add(Queues(kernel.now_ns, queues, running))

    def _view(self, queue: Queue, most: int) -> QueueView:
        name = Clause("sentence", {"text": queue.name}) if isinstance(queue.name, str) else queue.name
        first = [self._queued(task) for task in queue.tasks[:most]]
        return QueueView(name, queue.slice_ns, len(queue.tasks), first)

    def _queued(self, task: Task) -> Queued:
        return Queued(task.pid, self._kernel.policy.figures(task))

    def _describe(self) -> None:
        kernel, policy = self._kernel, self._kernel.policy
        parameters = policy.described()  # a policy of the user's may fail here, which replaces it
        kind = policy.kind
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        says = clean(str(kind.__doc__ or ""))[:_MAX_DESCRIPTION]
        kernel.journal.add(Described(kernel.now_ns, kind.name, policy.source, file, says, parameters))
