"""The whole operating system in one loop: wait, tell, decide, obey, emit."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.machine import Machine
from sandbox.model.events import Booted, Clause, Event, Halted

Emit = Callable[[list[Event]], None]


def run(kernel: Kernel, machine: Machine, emit: Emit, scenario: str, stay: bool = False) -> None:
    """Drive a machine by a kernel until everything has ended (``stay``: until the operator quits).

    Whatever happens, nothing of the machine is left afterwards.
    """
    policy = kernel.policy
    try:
        emit(
            [
                Booted(
                    0,
                    machine.kind,
                    len(kernel.cpus),
                    policy.name,
                    policy.parameters,
                    kernel.ties,
                    scenario,
                    machine.sensor,
                    machine.recipe,
                )
            ]
        )
        machine.start()
        while not kernel.quitting and (stay or kernel.alive or machine.expects):
            happened = machine.wait(kernel.deadline_ns)
            kernel.tell(happened)
            obeyed = machine.obey(kernel.decide())
            emit(kernel.settle(obeyed))
    finally:
        machine.halt()
    emit([Halted(kernel.now_ns, Clause("quit" if kernel.quitting else "done"))])
