"""What scheduling by signals alone cannot do."""

from __future__ import annotations

from sandbox.model.clause import Clause
from sandbox.model.problems import Problem
from sandbox.model.spec import ProcessSpec, Scenario
from sandbox.util.cpus import usable_cpus

_ONLY = Clause("only on Linux")


def lacks(scenario: Scenario) -> list[Problem]:
    """Return the parts of the scenario that cannot run here."""
    machine, there = scenario.machine, len(usable_cpus())
    problems = [Problem(0, "machine.slice", _ONLY)] if machine.stepped else []
    if machine.cpus > there:
        problems.append(Problem(0, "machine.cpus", Clause("too many cpus", {"number": machine.cpus, "allowed": there})))
    problems += [Problem(0, f"process {spec.name}", _ONLY) for spec in scenario.processes if _needs_more(spec)]
    return problems + [Problem(0, f"client {client.name}", _ONLY) for client in scenario.clients]


def _needs_more(spec: ProcessSpec) -> bool:
    """Whether a process needs watched sockets or limits of memory."""
    return spec.program is not None or spec.memory is not None or spec.address_space is not None
