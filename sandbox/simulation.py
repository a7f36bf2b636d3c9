"""A scenario in virtual time: kernel and virtual machine put together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sandbox import policies
from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import Emit, run
from sandbox.machines.virtual import VirtualMachine
from sandbox.policies.base import Policy
from sandbox.spec import Scenario


def simulate(
    scenario: Scenario, emit: Emit, policy: Policy | None = None, find: Callable[[str], type[Policy]] | None = None
) -> None:
    """Run the scenario exactly. ``policy``: instead of the one that it names; ``find``: gives the class of a name
    that its script asks for, by default looked up as the scenario's own. Raises Refused."""
    spec = scenario.machine
    kernel = Kernel(
        policy or policies.build(spec, scenario.folder),
        spec.cpus,
        spec.ties,
        find or partial(policies.find, folder=scenario.folder),
    )
    run(kernel, VirtualMachine(scenario), emit, scenario.name)
