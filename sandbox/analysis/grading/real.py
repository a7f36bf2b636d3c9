"""Real runs of a submission: the kernel process calls the policy in its room, and schedules real processes with it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import msgspec

from sandbox.analysis.conformance.examinee import Examinee
from sandbox.analysis.conformance.trial import ENDS, OVER_LIMIT, Native, Trial, enter, tried
from sandbox.analysis.conformance.verdicts import Violation
from sandbox.model.clause import Clause
from sandbox.model.commands import Quit
from sandbox.model.events import Exited
from sandbox.model.spec import At, Boot, Scenario
from sandbox.model.values import BadValue
from sandbox.policies.host.failures import cause_of_death
from sandbox.util.units import S

#: The most events of a run that are kept.
_MAX_EVENTS = 1_000_000
#: How much longer than its limit a run may take, for its start and its end.
_GRACE_S = 10.0


class RealRuns:
    """A policy that is tried on real processes only. ``run``: makes one run of a workload; it raises BadValue, also if
    real processes are not available."""

    #: Smaller counterexamples are not searched for, because each run takes real time.
    hurried = True

    def __init__(self, name: str, run: Callable[[Scenario], Trial]) -> None:
        self.name, self.attempt = name, run
        self.declared: list[str] = []

    def expect(self, world: Scenario, twice: bool = True) -> None:
        """Do nothing: runs cannot be prepared in advance."""

    def again(self, world: Scenario, trial: Trial) -> list[Any]:
        return self.attempt(world).events


def strangers(move_in: Callable[[], Examinee], limit_s: float) -> Callable[[Scenario], Trial]:
    """Return a function that makes runs of an untrusted policy, each of at most ``limit_s`` seconds. ``move_in``:
    returns the policy in a room of its own, for one run."""

    def run(world: Scenario) -> Trial:
        examinee = move_in()
        try:
            known = enter(world, "fcfs", {})  # a stand-in that is not used while the guest decides
            trial = _run(Boot(known, guest=examinee.guest), limit_s, examinee.room.descriptors)
            if trial.failure is not None and trial.failure.what.rule == ENDS:
                failure = Violation(examinee.room.end_of_it(), trial.failure.t_ns)
                trial = trial._replace(failure=failure)
            return trial
        finally:
            examinee.room.end()

    return run


def ours(native: Native, limit_s: float) -> Callable[[Scenario], Trial]:
    """Return a function that makes runs of a built-in policy, which the kernel process calls directly."""
    return lambda world: _run(Boot(enter(world, native.source, native.parameters)), limit_s, ())


def _run(boot: Boot, limit_s: float, along: tuple[int, ...]) -> Trial:
    """Make a run, until its end or the failure of its policy."""
    if sys.platform != "linux":
        raise BadValue("needs Linux")
    from sandbox.link.client import KernelProcess

    world, limit_ns = boot.scenario, round(limit_s * S)
    script = sorted([*world.script, At(limit_ns, Quit())], key=lambda at: at.time_ns)
    boot.scenario = msgspec.structs.replace(world, script=script)
    link = KernelProcess(boot, along=along)
    events: list[Any] = []
    words = ""
    try:
        for event in link.events(limit_s + _GRACE_S):
            events.append(event)
            if len(events) >= _MAX_EVENTS:
                break
    finally:
        words = link.last_words() if not link.halted else ""
        link.end()
    if not link.halted or not events:
        return Trial(events, Violation(cause_of_death(words), 0))
    ended = {event.pid for event in events if isinstance(event, Exited)}
    if events[-1].t_ns >= limit_ns and len(ended) < len(world.processes):
        return Trial(events, Violation(Clause(OVER_LIMIT, {"limit_ns": limit_ns}), limit_ns))
    return tried(events)
