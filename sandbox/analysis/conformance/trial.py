"""A trial: one run of a policy on one workload."""

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

#: With slices no shorter than this a run has no more events than follow from these numbers. With more it counts as
#: endless.
MIN_SLICE_NS = 100 * US
_EVENTS_A_SLICE, _EVENTS_BESIDES = 3, 1_000
#: How often in a row a policy's timer may fire while nothing else happens. After that, a process that waits is lost.
_MAX_QUIET = 2_000
#: A question that takes longer (in seconds) is never answered: the process exits with a dump of its stack. A policy
#: that computes is ended much earlier, by its CPU time; this limit is for one that sleeps, on a machine of any load.
LIMIT_S = 12.0

NO_END, TOO_LONG, OVER_LIMIT, ENDS, MISFIT = (
    "no end",
    "policy takes too long",
    "over the limit",
    "ends the process",
    "answers do not fit",
)
#: Failures after which the policy cannot answer any more, or asking again is pointless.
HOPELESS = (NO_END, TOO_LONG, OVER_LIMIT, ENDS, MISFIT)


class Trial(NamedTuple):
    """The result of a run. ``failure``: the policy raised, did not answer, gave an invalid answer, or did not end
    (None: none of these). Then the run says nothing about the other laws."""

    events: list[Any]
    failure: Violation | None

    @property
    def hopeless(self) -> bool:
        """Whether another world would take as long and lead to the same result."""
        return self.failure is not None and self.failure.what.rule in HOPELESS


class NoEnd(Exception):
    """There are more events than possible."""


class Quiet(Exception):
    """Nothing happens any more except for the policy's timer."""


class Candidate(Protocol):
    """A policy to be tried. ``name``: its name in the report; ``declared``: the laws that its class declares not to
    keep."""

    @property
    def name(self) -> str: ...
    @property
    def declared(self) -> list[str]: ...

    def expect(self, world: Scenario, twice: bool = True) -> None:
        """Announce the world that will be tried next; ``twice``: whether ``again`` will be called, too."""
        ...

    def attempt(self, world: Scenario) -> Trial:
        """Run the world under this policy, or have it take over if the world's script says so."""
        ...

    def again(self, world: Scenario, trial: Trial) -> list[Any]:
        """Return the events of another run of the world that was tried last."""
        ...

    @property
    def hurried(self) -> bool:
        """Whether there is no time left for optional work."""
        ...


class Native(msgspec.Struct, frozen=True):
    """A built-in policy, run in this process."""

    name: str
    source: str
    parameters: dict[str, object] = {}
    declared: list[str] = []
    hurried: bool = False

    def expect(self, world: Scenario, twice: bool = True) -> None:
        """Do nothing, since no room needs time."""

    def attempt(self, world: Scenario) -> Trial:
        return attempt(enter(world, self.source, self.parameters))

    def again(self, world: Scenario, trial: Trial) -> list[Any]:
        return self.attempt(world).events


class Bound:
    """Collects the events of a run, and ends it when there are too many. Two equal runs end at the same point."""

    def __init__(self, world: Scenario) -> None:
        self.events: list[Any] = []
        self.most = events_most(world)
        self._quiet = 0

    def take(self, happened: list[Any]) -> None:
        """Add the events of an instant. Raises NoEnd and Quiet."""
        self._quiet = 0 if happened else self._quiet + 1
        self.events += happened
        if len(self.events) > self.most:
            raise NoEnd
        if self._quiet > _MAX_QUIET:
            raise Quiet


def attempt(world: Scenario, factory: Policies | None = None) -> Trial:
    """Run the world until its end or the failure of its policy."""
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
    """Return what is judged of a finished run, which excludes all that happened after a failure of the policy."""
    fault = next((event for event in events if isinstance(event, Fault) and event.successor is not None), None)
    if fault is None:
        return Trial(events, None)
    return Trial([event for event in events if event.t_ns <= fault.t_ns], Violation(fault.what, fault.t_ns))


def enter(world: Scenario, source: str, parameters: dict[str, object]) -> Scenario:
    """Return the world with this policy in place of ``EXAMINED``. What the parameters do not set is decided by the
    world."""
    machine = world.machine
    if machine.policy == EXAMINED:
        machine = msgspec.structs.replace(machine, policy=source, parameters=parameters)
    use = UsePolicy(source)
    script = [At(at.time_ns, use) if at.do == UsePolicy(EXAMINED) else at for at in world.script]
    return msgspec.structs.replace(world, machine=machine, script=script)


def events_most(world: Scenario) -> int:
    """Return the maximum number of events that are possible."""
    demand_ns = sum(process.demand_ns or 0 for process in world.processes)
    return _EVENTS_BESIDES + _EVENTS_A_SLICE * (demand_ns // MIN_SLICE_NS)
