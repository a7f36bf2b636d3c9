"""A scenario in virtual time: kernel and virtual machine put together."""

from __future__ import annotations

from sandbox.kernel.kernel import Kernel
from sandbox.kernel.loop import Emit, run
from sandbox.machines.virtual import VirtualMachine
from sandbox.policies.guard import ALL_THE_TIME, Alarm
from sandbox.policies.succession import Succession
from sandbox.spec import Scenario


def simulate(scenario: Scenario, emit: Emit, alarm: Alarm = ALL_THE_TIME) -> None:
    """Run the scenario exactly. ``alarm``: ends what takes a policy too long. Raises Refused where the policy cannot be
    had."""
    spec = scenario.machine
    succession = Succession(spec, scenario.folder, alarm)
    kernel = Kernel(succession.first(), spec.cpus, spec.ties, succession.next)
    run(kernel, VirtualMachine(scenario), emit, scenario.name)
