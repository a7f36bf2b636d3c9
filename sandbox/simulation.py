"""A scenario in virtual time: kernel and virtual machine put together."""

from __future__ import annotations

from functools import partial

from sandbox import policies
from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import Emit, run
from sandbox.machines.virtual import VirtualMachine
from sandbox.spec import Scenario


def simulate(scenario: Scenario, emit: Emit) -> None:
    """Run the scenario exactly. Raises Refused where its policy cannot be had."""
    spec, folder = scenario.machine, scenario.folder
    kernel = Kernel(policies.build(spec, folder), spec.cpus, spec.ties, partial(policies.find, folder=folder))
    run(kernel, VirtualMachine(scenario), emit, scenario.name)
