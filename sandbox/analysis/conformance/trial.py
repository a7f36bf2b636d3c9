"""One run of a policy on one workload."""

from __future__ import annotations

import faulthandler
from typing import Any, NamedTuple

import msgspec

from sandbox.analysis.conformance.verdicts import Violation
from sandbox.analysis.conformance.workloads import EXAMINED
from sandbox.machines.simulate import simulate
from sandbox.model.commands import UsePolicy
from sandbox.model.events import Clause, Fault
from sandbox.model.spec import At, Scenario
from sandbox.util.units import US

#: A run with slices no shorter than this has not more events than these; with more it counts as endless.
MIN_SLICE_NS = 100 * US
_EVENTS_A_SLICE, _EVENTS_BESIDES = 3, 1_000
#: A run that takes so long (in seconds) hangs in C code: the process ends with a dump of its stack.
LIMIT_S = 3.0


NO_END, TOO_LONG = "no end", "policy takes too long"


class Trial(NamedTuple):
    """``failure``: the policy raised, did not answer, or answered nonsense, or there was no end to it; then the run
    says nothing about the other laws."""

    events: list[Any]
    failure: Violation | None

    @property
    def hopeless(self) -> bool:
        """Whether another world would take as long, and tell no more."""
        return self.failure is not None and self.failure.what.rule in (NO_END, TOO_LONG)


class _NoEnd(Exception):
    """More events than there can be."""


class Candidate(msgspec.Struct, frozen=True):
    """A policy to be tried. ``name``: what it is called in the report; ``source``: its name, or its file's path and
    its class. What its own parameters leave open, the world decides."""

    name: str
    source: str
    parameters: dict[str, object] = {}

    def attempt(self, world: Scenario) -> Trial:
        """Run the world under this policy, or let it take over where the world's script says so."""
        events: list[Any] = []

        most = _events_most(world)

        def take(happened: list[Any]) -> None:
            events.extend(happened)
            if len(events) > most:
                raise _NoEnd

        faulthandler.dump_traceback_later(LIMIT_S, exit=True)
        try:
            simulate(self._enter(world), take)
        except _NoEnd:
            return Trial(events, Violation(Clause(NO_END, {"number": most}), events[-1].t_ns))
        finally:
            faulthandler.cancel_dump_traceback_later()
        fault = next((event for event in events if isinstance(event, Fault) and event.successor is not None), None)
        if fault is None:
            return Trial(events, None)
        return Trial([event for event in events if event.t_ns <= fault.t_ns], Violation(fault.what, fault.t_ns))

    def _enter(self, world: Scenario) -> Scenario:
        """The world with this policy where it says that one is examined."""
        machine = world.machine
        if machine.policy == EXAMINED:
            machine = msgspec.structs.replace(machine, policy=self.source, parameters=self.parameters)
        use = UsePolicy(self.source)
        script = [At(at.time_ns, use) if at.do == UsePolicy(EXAMINED) else at for at in world.script]
        return msgspec.structs.replace(world, machine=machine, script=script)


def _events_most(world: Scenario) -> int:
    demand_ns = sum(process.demand_ns or 0 for process in world.processes)
    return _EVENTS_BESIDES + _EVENTS_A_SLICE * (demand_ns // MIN_SLICE_NS)
