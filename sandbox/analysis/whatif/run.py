"""Runs the load of a recording under its own policy and under another one."""

from __future__ import annotations

import msgspec

from sandbox.analysis.whatif.derive import Load, same_again
from sandbox.analysis.whatif.report import WhatIf
from sandbox.machines.simulate import simulate
from sandbox.model.events import Event
from sandbox.model.spec import Scenario
from sandbox.policies import choice
from sandbox.views.history import History
from sandbox.views.metrics import fold


def what_if(load: Load, policy: str | None, quantum_ns: int | None) -> WhatIf:
    """The load under another policy, written as on a command line, with another quantum, or both. Raises BadValue."""
    scenario, label = load.scenario, policy or load.scenario.machine.policy
    if policy is not None:
        scenario = choice.parse(policy, scenario).enter(scenario)
    if quantum_ns is not None:
        parameters = {name: value for name, value in scenario.machine.parameters.items() if name != "quantum"}
        machine = msgspec.structs.replace(scenario.machine, quantum_ns=quantum_ns, parameters=parameters)
        scenario = msgspec.structs.replace(scenario, machine=machine)
    return WhatIf(load, _run(same_again(load)), _run(scenario), label)


def _run(scenario: Scenario) -> History:
    events: list[Event] = []
    simulate(scenario, events.extend)
    return fold(events)
