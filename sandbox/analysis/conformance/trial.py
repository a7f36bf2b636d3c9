"""One run of a policy on one workload."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import msgspec

from sandbox.analysis.conformance.verdicts import Violation
from sandbox.analysis.conformance.workloads import EXAMINED
from sandbox.machines.simulate import Policies, simulate
from sandbox.model.commands import UsePolicy
from sandbox.model.events import Clause, Fault
from sandbox.model.spec import At, Scenario
from sandbox.util.units import US

#: A run with slices no shorter than this has not more events than these; with more it counts as endless.
MIN_SLICE_NS = 100 * US
_EVENTS_A_SLICE, _EVENTS_BESIDES = 3, 1_000
#: So often in a row a policy's timer may come while nothing happens: whoever waits until then has been lost.
_MAX_QUIET = 2_000
#: A question whose answer takes so long (in seconds) is never answered: the process ends with a dump of its stack. Who
#: computes is ended long before, by the CPU time that it uses; this is for those who sleep, on however busy a machine.
LIMIT_S = 12.0

NO_END, TOO_LONG, OVER_LIMIT, ENDS, MISFIT = (
    "no end",
    "policy takes too long",
    "over the limit",
    "ends the process",
    "answers do not fit",
)
#: After one of these there is nobody left to ask, or no sense in asking again.
HOPELESS = (NO_END, TOO_LONG, OVER_LIMIT, ENDS, MISFIT)


class Trial(NamedTuple):
    """``failure``: the policy raised, did not answer, or answered nonsense, or there was no end to it; then the run
    says nothing about the other laws."""

    events: list[Any]
    failure: Violation | None

    @property
    def hopeless(self) -> bool:
        """Whether another world would take as long, and tell no more."""
        return self.failure is not None and self.failure.what.rule in HOPELESS


class NoEnd(Exception):
    """More events than there can be."""


class Quiet(Exception):
    """Nothing happens any more but the policy's timer."""


class Candidate(Protocol):
    """A policy to be tried. ``name``: what it is called in the report; ``declared``: the laws that its class says it
    need not keep."""

    @property
    def name(self) -> str: ...
    @property
    def declared(self) -> list[str]: ...

    def expect(self, world: Scenario, twice: bool = True) -> None:
        """This one will be tried next; ``twice``: and once ``again``."""
        ...

    def attempt(self, world: Scenario) -> Trial:
        """Run the world under this policy, or let it take over where the world's script says so."""
        ...

    def again(self, world: Scenario, trial: Trial) -> list[Any]:
        """The events of another run of the world that was tried last."""
        ...

    @property
    def hurried(self) -> bool:
        """Whether there is no time left for what is not necessary."""
        ...


class Native(msgspec.Struct, frozen=True):
    """A policy of ours, run in this process."""

    name: str
    source: str
    parameters: dict[str, object] = {}
    declared: list[str] = []
    hurried: bool = False

    def expect(self, world: Scenario, twice: bool = True) -> None:
        """It is here anyway."""

    def attempt(self, world: Scenario) -> Trial:
        return attempt(enter(world, self.source, self.parameters))

    def again(self, world: Scenario, trial: Trial) -> list[Any]:
        return self.attempt(world).events


class Bound:
    """Takes in the events of a run, which it ends when there is no end to them. Two runs in which the same happens end
    at the same point."""

    def __init__(self, world: Scenario) -> None:
        self.events: list[Any] = []
        self.most = events_most(world)
        self._quiet = 0

    def take(self, happened: list[Any]) -> None:
        """Raises NoEnd and Quiet."""
        self._quiet = 0 if happened else self._quiet + 1
        self.events += happened
        if len(self.events) > self.most:
            raise NoEnd
        if self._quiet > _MAX_QUIET:
            raise Quiet


def attempt(world: Scenario, factory: Policies | None = None) -> Trial:
    """The world, run until its end or the failure of its policy."""
    bound = Bound(world)
    events = bound.events
    try:
        simulate(world, bound.take, factory=factory)
    except NoEnd:
        return Trial(events, Violation(Clause(NO_END, {"number": bound.most}), events[-1].t_ns))
    except Quiet:
        return Trial(events, None)
    return tried(events)


def tried(events: list[Any]) -> Trial:
    """What there is to be judged of a run that is over: nothing of what happened after the policy's failure."""
    fault = next((event for event in events if isinstance(event, Fault) and event.successor is not None), None)
    if fault is None:
        return Trial(events, None)
    return Trial([event for event in events if event.t_ns <= fault.t_ns], Violation(fault.what, fault.t_ns))


def enter(world: Scenario, source: str, parameters: dict[str, object]) -> Scenario:
    """The world with this policy where it says that one is examined. What its own parameters leave open, the world
    decides."""
    machine = world.machine
    if machine.policy == EXAMINED:
        machine = msgspec.structs.replace(machine, policy=source, parameters=parameters)
    use = UsePolicy(source)
    script = [At(at.time_ns, use) if at.do == UsePolicy(EXAMINED) else at for at in world.script]
    return msgspec.structs.replace(world, machine=machine, script=script)


def events_most(world: Scenario) -> int:
    """More events cannot come of it."""
    demand_ns = sum(process.demand_ns or 0 for process in world.processes)
    return _EVENTS_BESIDES + _EVENTS_A_SLICE * (demand_ns // MIN_SLICE_NS)
