"""A scenario in virtual time: kernel and virtual machine put together."""

from __future__ import annotations

from typing import Protocol

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import Emit, run
from sandbox.kernel.operator import CommandInterpreter
from sandbox.machines.virtual import VirtualMachine
from sandbox.model.events import Clause
from sandbox.model.problems import Problem
from sandbox.model.rules import LINES_ARE_REAL
from sandbox.model.spec import Scenario
from sandbox.policies.base import Policy
from sandbox.policies.host.factory import PolicyFactory
from sandbox.util.timeout import ALARM


def obstacles(scenario: Scenario) -> list[Problem]:
    """What of the scenario there is in no virtual time."""
    if scenario.machine.stepped:
        return [Problem(0, "machine.slice", Clause(LINES_ARE_REAL, {"value": scenario.machine.slice}))]
    programs = [
        Problem(0, f"process {process.name}", Clause("cannot be simulated", {"value": process.runs}))
        for process in scenario.processes
        if process.work is None and process.estimate_ns is None
    ]
    return programs + [Problem(0, f"client {client.name}", Clause("no network")) for client in scenario.clients]


class Policies(Protocol):
    """Where the policies of a run come from; ``PolicyFactory`` is one."""

    def first(self) -> Policy:
        """The scenario's. Raises BadValue."""
        ...

    def next(self, name: str, present: Policy) -> Policy:
        """The one that takes over from the present one. Raises BadValue."""
        ...


def simulate(scenario: Scenario, emit: Emit, policy: Policy | None = None, factory: Policies | None = None) -> None:
    """Run the scenario exactly; by this policy, if one is given, instead of its own, and with those of this factory.
    Raises BadValue where one cannot be had."""
    spec = scenario.machine
    factory = factory or PolicyFactory(spec, scenario.folder, ALARM)
    kernel = Kernel(policy or factory.first(), spec.cpus, spec.ties, spec.kept)
    run(kernel, CommandInterpreter(kernel, factory.next), VirtualMachine(scenario), emit, scenario.name)
