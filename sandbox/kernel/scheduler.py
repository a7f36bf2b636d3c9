"""The policy in force: what it may say, how another one takes over, what it shows of itself."""

from __future__ import annotations

import sys
from collections.abc import Callable

from sandbox.kernel.decisions import Decisions
from sandbox.kernel.process import Cpu, Process
from sandbox.model.events import (
    Clause,
    Described,
    Fault,
    Figure,
    Operator,
    PolicyNote,
    Queued,
    Queues,
    QueueView,
    Scheduling,
)
from sandbox.model.spec import MachineSpec
from sandbox.model.states import State
from sandbox.model.values import BadValue
from sandbox.policies.base import Policy, Task
from sandbox.policies.host.factory import Succession
from sandbox.util.text import clean

#: So much of what a policy says of itself is told.
_SAYS_MOST = 4_000


class Scheduler(Decisions):
    """Processes, CPUs, and the policy of the moment.

    ``ties``: which rule holds at one instant; None: each policy's own. ``succeed`` makes the policy of a name, given
    the present one, when the operator changes the policy.
    """

    def __init__(
        self,
        policy: Policy,
        cpus: int = 1,
        ties: str | None = None,
        succeed: Callable[[str, Policy], Policy] | None = None,
    ) -> None:
        super().__init__(policy, cpus)
        self._ties = ties
        self._succeed = succeed or Succession(MachineSpec()).next
        self._install(policy)

    @property
    def ties(self) -> str:
        """Which rule holds at one instant: the machine's setting, else the policy's own."""
        return self._ties or self.policy.ties

    def _install(self, policy: Policy) -> None:
        self.policy = policy
        policy.desk = self
        policy.start(self.now_ns)

    def _call_timer(self) -> None:
        candidates = self.policy.timer(self.now_ns)
        if candidates is None:
            self._fresh.extend(self._ready.values())
        else:
            self._fresh.extend(self._ready[task.pid] for task in candidates)

    # What a policy says

    def note(self, clause: Clause, task: Task | None = None) -> None:
        """Put a policy's own move on record."""
        self._log.append(PolicyNote(self.now_ns, clause, task.pid if task is not None else None))

    def renew(self, task: Task) -> None:
        """Let a task's slice begin anew: at once if it is on a CPU, else when it gets there."""
        process = self.processes[task.pid]
        process.left_ns = None
        if process.state is State.RUNNING:
            slice_ns = self.policy.slice(process)
            self.cpus[process.cpu or 0].slice_end_ns = None if slice_ns is None else self.now_ns + slice_ns

    def failed(self, what: Clause) -> None:
        """The policy failed, and another stands in for it."""
        self._log.append(Fault(self.now_ns, what))
        self._schedule_anew()

    # What the operator asks

    def _tune(self, parameter: str, value: str) -> None:
        try:
            self.policy.tune(parameter, value)
        except BadValue as bad:
            self._refuse("set", bad)
            return
        self.policy.retune(self.now_ns)
        self._record("set", parameter=parameter, value=value)
        self._schedule_anew()

    def _change_policy(self, name: str, did: str = "policy") -> None:
        try:
            policy = self._succeed(name, self.policy)
        except BadValue as bad:
            self._refuse("policy", bad)
            return
        self._record(did, policy=policy.name)
        self._take_over(policy)
        self._schedule_anew()

    def _take_over(self, policy: Policy) -> None:
        """Another policy is told of every process on a CPU, each as if it came alone and were picked, and of every
        ready one, longest ready first."""
        waiting = sorted(self._ready.values(), key=lambda process: process.since_ns)
        for process in self.processes.values():
            process.own = process.left_ns = None
        self._install(policy)
        for cpu in self.cpus:
            holder = cpu.running or cpu.held
            if holder is not None:
                policy.enqueue(holder, "admitted", self.now_ns)
                picked = policy.pick(cpu.index, self.now_ns)
                if picked is not holder:
                    self._put_back(holder, cpu, picked)
        for process in waiting:
            policy.enqueue(process, "admitted", self.now_ns)

    def _put_back(self, process: Process, cpu: Cpu, picked: Task | None) -> None:
        """The policy that takes over would not have picked the process on this CPU."""
        if picked is not None:  # but one that was put back before
            self.policy.enqueue(picked, "preempted", self.now_ns)
        if cpu.running is process:
            self._take_off(process, "preempted")
            self._line_up(process, "preempted")
        cpu.held = None
        self._ready[process.pid] = process

    def _schedule_anew(self) -> None:
        """Whoever is on a CPU goes on under the new rule, its slice counted from its dispatch; whoever is ready may
        take its place."""
        self._log.append(Scheduling(self.now_ns, self.policy.name, self.policy.parameters, self.ties))
        for cpu in self.cpus:
            if cpu.running is not None:
                slice_ns = self.policy.slice(cpu.running)
                end_ns = None if slice_ns is None else max(cpu.running.since_ns + slice_ns, self.now_ns)
                cpu.slice_end_ns = end_ns
        self._fresh.extend(self._ready.values())

    def _show_queues(self, most: int) -> None:
        queues = [
            QueueView(
                Clause("sentence", {"text": queue.name}) if isinstance(queue.name, str) else queue.name,
                queue.slice_ns,
                len(queue.tasks),
                [self._queued(task) for task in queue.tasks[:most]],
            )
            for queue in self.policy.queues()
        ]
        on_cpus = (cpu.running or cpu.held for cpu in self.cpus)
        self._log.append(Queues(self.now_ns, queues, [self._queued(task) for task in on_cpus if task is not None]))

    def _queued(self, task: Task) -> Queued:
        return Queued(task.pid, self.policy.figures(task))

    def _describe(self) -> None:
        policy = self.policy
        parameters = policy.described()  # it may fail, and be another one afterwards
        kind = policy.kind
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        says = clean(str(kind.__doc__ or ""))[:_SAYS_MOST]
        self._log.append(Described(self.now_ns, policy.name, policy.source, file, says, parameters))

    # On record

    def _record(self, did: str, **figures: Figure) -> None:
        self._log.append(Operator(self.now_ns, Clause(did, figures)))

    def _refuse(self, what: str, bad: BadValue) -> None:
        clause = bad.faults[0][1]
        self._log.append(Fault(self.now_ns, Clause(clause.rule, {"asked": what, **clause.figures})))
