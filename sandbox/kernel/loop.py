"""The whole operating system in one loop: wait, tell, decide, obey, emit."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.machine import Machine
from sandbox.kernel.operator import CommandInterpreter
from sandbox.model.events import Booted, Clause, Event, Halted

Emit = Callable[[list[Event]], None]


def run(
    kernel: Kernel, operator: CommandInterpreter, machine: Machine, emit: Emit, scenario: str, stay: bool = False
) -> None:
    """Run a kernel on a machine until all processes have exited (``stay``: until the operator quits).

    The machine is halted in any case, also after an exception.
    """
    try:
        emit([_booted(kernel, machine, scenario)])
        machine.start()
        while not kernel.quitting and (stay or kernel.alive or machine.expects):
            happened = machine.wait(kernel.deadline_ns)
            kernel.tell(happened)
            if happened.reports:
                operator.obey(happened)
            obeyed = machine.obey(kernel.decide())
            emit(kernel.settle(obeyed))
    finally:
        last = machine.halt()
    ended_ns = max([kernel.now_ns, *(event.t_ns for event in last)])
    emit([*last, Halted(ended_ns, Clause("quit" if kernel.quitting else "done"))])


def _booted(kernel: Kernel, machine: Machine, scenario: str) -> Booted:
    return Booted(
        t_ns=0,
        machine=machine.kind,
        cpus=len(kernel.cpus),
        policy=kernel.policy.kind.name,
        parameters=kernel.policy.parameters,
        ties=kernel.ties,
        scenario=scenario,
        sensor=machine.sensor,
        recipe=machine.recipe,
        kept=kernel.processes.kept,
    )
