"""An examination: every law on every workload, and the smallest workload found that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from sandbox import policies
from sandbox.analysis.conformance.divergence import diverge
from sandbox.analysis.conformance.laws import judge
from sandbox.analysis.conformance.shrink import shrink
from sandbox.analysis.conformance.trial import TOO_LONG, Candidate, Trial
from sandbox.analysis.conformance.verdicts import IDLE, LAWFUL, LAWS, STARVED, Example, Verdict, Violation, likeness
from sandbox.analysis.conformance.workloads import EXAMINED
from sandbox.model.events import Clause, Dispatched
from sandbox.model.spec import MachineSpec, Scenario


def examine(
    candidate: Candidate, like: Candidate | None, worlds: Sequence[Scenario], tell: Callable[[int], None]
) -> Iterator[Verdict]:
    """The verdict on each law: on a broken one as soon as it is broken, on the others at the end. ``like``: the policy
    that it shall be like, if any; ``tell`` is called with each world's number before it is tried."""
    declared = _declared(candidate)
    yield from (Verdict(law, "declared") for law in declared)
    laws = [law for law in LAWS if law not in declared]
    alike = like is not None
    tried = False
    for number, world in enumerate(worlds):
        tell(number)
        trial = candidate.attempt(world)
        tried = tried or _decided(world, trial)
        for law in [*laws]:
            violation = judge(law, candidate, world, trial)
            if violation is not None:
                laws.remove(law)
                yield Verdict(law, "broken", _example(law, candidate, world, violation))
        if trial.hopeless:
            tried = False  # not enough, at least
            break
        if like is not None and alike and (violation := _unlike(candidate, like, world, trial)):
            alike = False
            yield Verdict(likeness(like.name), "broken", _unlike_example(candidate, like, world, violation))
    if like is not None and alike:
        laws.append(likeness(like.name))
    yield from (Verdict(law, "holds" if tried or law == LAWFUL else "unjudged") for law in laws)


def _decided(world: Scenario, trial: Trial) -> bool:
    """Whether the policy, and nobody else, made a decision and did not fail."""
    alone = trial.failure is None and world.machine.policy == EXAMINED
    return alone and any(isinstance(event, Dispatched) for event in trial.events)


def _declared(candidate: Candidate) -> list[str]:
    """The laws that the class itself says it does not keep."""
    policy = policies.build(MachineSpec(policy=candidate.source, parameters=candidate.parameters))
    return [law for law, says in ((IDLE, policy.idles), (STARVED, policy.starves)) if says]


def _example(law: str, candidate: Candidate, world: Scenario, violation: Violation) -> Example:
    def breaks(smaller: Scenario) -> Violation | None:
        return judge(law, candidate, smaller, candidate.attempt(smaller))

    if violation.what.rule != TOO_LONG:
        world, violation = shrink(world, breaks, violation)
    return Example(world, violation, candidate.attempt(world).events)


def _unlike(candidate: Candidate, like: Candidate, world: Scenario, trial: Trial) -> Violation | None:
    """Where the two decide differently; worlds in which others decide, too, tell nothing. Where the policy has no
    quantum that the world could set, the other one has its own default, too."""
    if not _decided(world, trial):
        return None
    if "quantum_ns" not in trial.events[0].parameters:
        world = msgspec.structs.replace(world, machine=msgspec.structs.replace(world.machine, quantum_ns=None))
    violation = diverge(trial.events, like.attempt(world).events)
    if violation is None:
        return None
    figures = {"policy": candidate.name, "like": like.name, "at_ns": violation.t_ns, **violation.what.figures}
    return Violation(Clause(violation.what.rule, figures), violation.t_ns)


def _unlike_example(candidate: Candidate, like: Candidate, world: Scenario, violation: Violation) -> Example:
    def differs(smaller: Scenario) -> Violation | None:
        return _unlike(candidate, like, smaller, candidate.attempt(smaller))

    world, violation = shrink(world, differs, violation)
    return Example(world, violation, candidate.attempt(world).events, like.attempt(world).events)
