"""One run of a policy on one workload."""

from __future__ import annotations

import faulthandler
import traceback
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from sandbox.commands import UsePolicy
from sandbox.conformance.verdicts import Violation
from sandbox.conformance.worlds import EXAMINED
from sandbox.events import Clause, Figure
from sandbox.simulation import simulate
from sandbox.spec import At, Scenario
from sandbox.text import clean_line
from sandbox.units import US

#: Slices no shorter than this bring about so many events at most; more means that there is no end to it.
SLICE_LEAST_NS = 100 * US
_EVENTS_A_SLICE, _EVENTS_BESIDES = 3, 1_000
#: A run that takes so long hangs: the process ends and says where it was.
LIMIT_S = 3.0


class Trial(NamedTuple):
    """``failure``: the policy raised, or there was no end to it; then the run says nothing about the other laws."""

    events: list[Any]
    failure: Violation | None

    @property
    def endless(self) -> bool:
        return self.failure is not None and self.failure.what.rule == "no end"


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
        failure: Violation | None = None

        most = _events_most(world)

        def take(happened: list[Any]) -> None:
            events.extend(happened)
            if len(events) > most:
                raise _NoEnd

        faulthandler.dump_traceback_later(LIMIT_S, exit=True)
        try:
            simulate(self._enter(world), take)
        except _NoEnd:
            failure = Violation(Clause("no end", {"number": most}), events[-1].t_ns)
        except Exception as error:  # whatever somebody's own policy raises
            failure = Violation(raised(error), events[-1].t_ns if events else 0)
        finally:
            faulthandler.cancel_dump_traceback_later()
        return Trial(events, failure)

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
    return _EVENTS_BESIDES + _EVENTS_A_SLICE * (demand_ns // SLICE_LEAST_NS)


def raised(error: Exception) -> Clause:
    """An exception, and the line of somebody's own file that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    package = str(Path(__file__).parents[1])
    own = [frame for frame in frames if not frame.filename.startswith(package)] or frames
    said = clean_line(f"{type(error).__name__}: {error}")
    figures: dict[str, Figure] = {"error": said, "file": clean_line(own[-1].filename), "line": own[-1].lineno}
    return Clause("raised", {**figures, "in": own[-1].name, "text": clean_line(own[-1].line or "")})
