"""An examination: every law on every workload, and the smallest workload found that breaks a law."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from sandbox.analysis.conformance.divergence import diverge
from sandbox.analysis.conformance.laws import judge
from sandbox.analysis.conformance.shrink import shrink
from sandbox.analysis.conformance.trial import ENDS, MISFIT, NO_END, OVER_LIMIT, TOO_LONG, Candidate, Trial
from sandbox.analysis.conformance.verdicts import LAWFUL, LAWS, Example, Verdict, Violation, likeness
from sandbox.analysis.conformance.workloads import EXAMINED
from sandbox.model.events import Clause, Dispatched
from sandbox.model.spec import Scenario

#: A policy that has failed in each of the first so many worlds, or for half of its time, is not examined further.
_MAX_FAILED = 150
#: Failures after which the policy cannot answer any more. They do not depend on the world.
LOST_FOR_GOOD = (ENDS, MISFIT, OVER_LIMIT, TOO_LONG)


def examine(
    candidate: Candidate,
    like: Candidate | None,
    worlds: Sequence[Scenario],
    tell: Callable[[int], None],
    held_to: Sequence[str] = LAWS,
) -> Iterator[Verdict]:
    """Yield the verdict on each law that the policy is ``held_to``: on a broken law as soon as it is broken, on the
    others at the end.

    ``like``: the policy with which it is compared, if any; ``tell`` is called with each world's number before it is
    tried.
    """
    declared = [law for law in candidate.declared if law in held_to]
    yield from (Verdict(law, "declared") for law in declared)
    laws = [law for law in held_to if law not in declared]
    alike = like is not None
    tried = False
    failed = 0
    for number, world in enumerate(worlds):
        tell(number)
        if number == 0:
            candidate.expect(world)
        if number + 1 < len(worlds):
            candidate.expect(worlds[number + 1])
        trial = candidate.attempt(world)
        tried = tried or decided(world, trial)
        for law in [*laws]:
            violation = judge(law, candidate, world, trial)
            if violation is not None:
                laws.remove(law)
                yield Verdict(law, "broken", _example(law, candidate, world, violation, trial))
        failed = 0 if trial.failure is None else failed + 1
        if trial.hopeless or (failed == number + 1 and (failed == _MAX_FAILED or candidate.hurried)):
            tried = False  # not sufficiently, at least
            break
        if like is not None and alike and (violation := unlike(candidate, like, world, trial)):
            alike = False
            yield Verdict(likeness(like.name), "broken", unlike_example(candidate, like, world, violation))
    if like is not None and alike:
        laws.append(likeness(like.name))
    yield from (Verdict(law, "holds" if tried or law == LAWFUL else "unjudged") for law in laws)


def decided(world: Scenario, trial: Trial) -> bool:
    """Whether the policy under examination, and no other, made decisions and did not fail."""
    alone = trial.failure is None and world.machine.policy == EXAMINED
    return alone and any(isinstance(event, Dispatched) for event in trial.events)


def _example(law: str, candidate: Candidate, world: Scenario, violation: Violation, trial: Trial) -> Example:
    """Return the smallest world found; the given one, if the policy cannot answer any more, or there is no time
    left."""
    if trial.hopeless and violation.what.rule != NO_END:
        return Example(world, violation, trial.events)

    def breaks(smaller: Scenario) -> Violation | None:
        if candidate.hurried:
            return None
        found = judge(law, candidate, smaller, candidate.attempt(smaller))
        return None if found is not None and found.what.rule in LOST_FOR_GOOD else found

    small, violation = shrink(world, breaks, violation)
    if small is world:
        return Example(world, violation, trial.events)
    return Example(small, violation, candidate.attempt(small).events)


def unlike(candidate: Candidate, like: Candidate, world: Scenario, trial: Trial) -> Violation | None:
    """Return where the two policies decide differently, or None. Worlds in which other policies decide, too, are
    ignored. If the policy has no quantum that the world could set, the other one uses its default as well."""
    if not decided(world, trial):
        return None
    if "quantum_ns" not in trial.events[0].parameters:
        world = msgspec.structs.replace(world, machine=msgspec.structs.replace(world.machine, quantum_ns=None))
    violation = diverge(trial.events, like.attempt(world).events)
    if violation is None:
        return None
    figures = {"policy": candidate.name, "like": like.name, "at_ns": violation.t_ns, **violation.what.figures}
    return Violation(Clause(violation.what.rule, figures), violation.t_ns)


def unlike_example(candidate: Candidate, like: Candidate, world: Scenario, violation: Violation) -> Example:
    """Return the smallest world found in which the two decide differently, and both runs of it."""

    def differs(smaller: Scenario) -> Violation | None:
        return None if candidate.hurried else unlike(candidate, like, smaller, candidate.attempt(smaller))

    world, violation = shrink(world, differs, violation)
    return Example(world, violation, candidate.attempt(world).events, like.attempt(world).events)
