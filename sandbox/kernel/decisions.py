"""Who runs: dispatches, slices, preemption, pauses, and the question who will be chosen.

Each decision is made here, and ``sandbox.kernel.transitions`` makes it happen.
"""

from __future__ import annotations

from sandbox.kernel.machine import Freeze, Order, Run, Stop
from sandbox.kernel.process import Cpu, Process
from sandbox.kernel.transitions import Transitions
from sandbox.model.events import Clause, Dispatched, Figure, Operator
from sandbox.model.states import State, move
from sandbox.policies.base import Policy

RESUMED = Clause("goes on after a pause")
KEEPS = Clause("keeps the CPU")
#: By whom the machine is paused while it asks who will run.
QUESTION = "question"


class Decisions(Transitions):
    """Processes, CPUs and a policy that is asked."""

    def __init__(self, policy: Policy, cpus: int) -> None:
        super().__init__(policy, cpus)
        #: Decisions still to be made before the machine pauses again; 0: it just runs.
        self._steps = 0
        #: Whether to ask before each choice who will run, and whether that has just been said.
        self._asks = False
        self._answered = False

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
