"""Runs a scenario in virtual time: connects the kernel to the virtual machine."""

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
    """Return the parts of the scenario that cannot run in virtual time."""
    if scenario.machine.stepped:
        return [Problem(0, "machine.slice", Clause(LINES_ARE_REAL, {"value": scenario.machine.slice}))]
    programs = [
        Problem(0, f"process {process.name}", Clause("cannot be simulated", {"value": process.runs}))
        for process in scenario.processes
        if process.work is None and process.estimate_ns is None
    ]
    return programs + [Problem(0, f"client {client.name}", Clause("no network")) for client in scenario.clients]


class Policies(Protocol):
    """Makes the policies of a run, like ``PolicyFactory``."""

    def first(self) -> Policy:
        """Return the scenario's policy. Raises BadValue."""
        ...

    def next(self, name: str, present: Policy) -> Policy:
        """Return the policy of this name, which takes over from the current one. Raises BadValue."""
        ...


def simulate(scenario: Scenario, emit: Emit, policy: Policy | None = None, factory: Policies | None = None) -> None:
    """Run the scenario. ``policy``: replaces the scenario's own; ``factory``: makes the policies. Raises BadValue if a
    policy is not available."""
    spec = scenario.machine
    factory = factory or PolicyFactory(spec, scenario.folder, ALARM)
    kernel = Kernel(policy or factory.first(), spec.cpus, spec.ties, spec.kept)
    run(kernel, CommandInterpreter(kernel, factory.next), VirtualMachine(scenario), emit, scenario.name)
