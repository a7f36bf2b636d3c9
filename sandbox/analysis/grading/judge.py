"""Judges one submission task by task. A failure in one task does not affect the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from sandbox.analysis.conformance.examination import examine, unlike, unlike_example
from sandbox.analysis.conformance.room import RoomEnded
from sandbox.analysis.conformance.shrink import shrink
from sandbox.analysis.conformance.trial import Candidate, Trial
from sandbox.analysis.conformance.verdicts import LAWS, Example, Verdict, Violation, likeness
from sandbox.analysis.conformance.workloads import EXAMINED, worlds
from sandbox.analysis.grading import figures
from sandbox.analysis.grading.assignment import Assignment, Task
from sandbox.analysis.grading.hidden import hidden
from sandbox.analysis.grading.marks import Mark, Part
from sandbox.analysis.grading.reader import figure_name
from sandbox.model.claims import AnyClaim
from sandbox.model.clause import Clause
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue
from sandbox.views.figures import Figure
from sandbox.views.verdicts import Verdict as Claimed

#: The most events of all runs that search for a smaller counterexample, which take one or two seconds.
_MAX_EVENTS = 40_000


class Lodging(Protocol):
    """Provides the policies that are judged, and those of the teacher. Both methods raise BadValue."""

    def candidate(self, task: Task) -> Candidate: ...
    def reference(self, text: str, task: Task) -> Candidate: ...


class Judge:
    """Marks tasks."""

    def __init__(self, assignment: Assignment, lodging: Lodging) -> None:
        self._assignment, self._lodging = assignment, lodging
        self._laws: dict[str, dict[str, Verdict]] = {}
        self._worlds = worlds(assignment.spec.seed, assignment.spec.workloads)
        self._references: dict[tuple[str, bool], Candidate] = {}

    def mark(self, task: Task) -> Mark:
        """Return the mark of a task."""
        spec = task.spec
        try:
            if spec.law:
                return self._by_laws(task)
            return self._by_likeness(task, spec.like) if spec.like is not None else self._by_claims(task)
        except BadValue as bad:
            return Mark(0.0, says=bad.what, lost=True)
        except RoomEnded as ended:
            return Mark(0.0, says=ended.what)

    def _reference(self, text: str, task: Task) -> Candidate:
        key = (text, task.spec.real)
        if key not in self._references:
            self._references[key] = self._lodging.reference(text, task)
        return self._references[key]

    # The ways of judging

    def _by_laws(self, task: Task) -> Mark:
        """Judge by laws: a share of the points for each of them, or all or nothing."""
        verdicts = self._verdicts(task)
        parts = [_part_of(verdicts[law]) for law in task.spec.law]
        worst = next((verdicts[law] for law in task.spec.law if verdicts[law].state != "holds"), None)
        mark = Mark(_share(parts, task.spec.partial), parts)
        if worst is not None:
            mark.says, mark.example = _part_of(worst).says, worst.example
        return mark

    def _verdicts(self, task: Task) -> dict[str, Verdict]:
        """Return the verdicts on the laws of all tasks about the same policy, which are checked together, once."""
        which = self._who(task)
        if which not in self._laws:
            alike = [other for other in self._assignment.tasks if self._who(other) == which]
            wanted = {law for other in alike for law in other.spec.law}
            held_to = [law for law in LAWS if law in wanted]
            found = examine(self._lodging.candidate(task), None, self._worlds, _nobody, held_to)
            verdicts = {verdict.law: verdict for verdict in found}
            self._laws[which] = {law: verdicts.get(law, Verdict(law, "unjudged")) for law in held_to}
        return self._laws[which]

    def _who(self, task: Task) -> str:
        """Return a key of the policy that a task judges."""
        return str([self._assignment.class_of(task), self._assignment.parameters_of(task)])

    def _by_likeness(self, task: Task, like: str) -> Mark:
        """Judge by equal decisions: all points if they are equal in all workloads, or a share for those where they
        are."""
        candidate, reference = self._lodging.candidate(task), self._reference(like, task)
        first: Example | None = None
        said: Clause | None = None
        alike = tried = 0
        small = self._worlds[: self._assignment.spec.workloads]  # the long ones are for starvation only
        for index, world in enumerate(small):
            if index + 1 < len(small):
                candidate.expect(small[index + 1], twice=False)
            trial = candidate.attempt(world)
            if trial.failure is not None:
                failed = Example(world, trial.failure, trial.events)
                return Mark(0.0, says=trial.failure.what, example=failed)
            tried += 1
            violation = unlike(candidate, reference, world, trial)
            alike += violation is None
            if violation is not None and first is None:
                first, said = Example(world, violation, trial.events), violation.what
                if not task.spec.partial:
                    break
        if first is not None:
            first = unlike_example(candidate, reference, first.scenario, first.violation)
            said = first.violation.what
        share = alike / tried if task.spec.partial else float(first is None)
        part = Part(likeness(like), first is None, said)
        return Mark(share, [part], said, example=first, reference=figure_name(like))

    def _by_claims(self, task: Task) -> Mark:
        """Judge by claims: a share of the points for each claim about each workload, or all or nothing."""
        candidate = self._lodging.candidate(task)
        numbers = task.spec.seeds if task.scenario is None else [None]
        scenes = [self._world(task, number) for number in numbers]
        parts: list[Part] = []
        example: Example | None = None
        for index, (number, world) in enumerate(zip(numbers, scenes, strict=True)):
            if index + 1 < len(scenes):
                candidate.expect(scenes[index + 1], twice=False)
            trial = candidate.attempt(world)
            found = self._claims(task, world, trial)
            parts += [Part(claim.text, held, says, number) for claim, held, says in found]
            broken = next((claim for claim, held, _ in found if not held), None)
            if broken is not None and example is None:
                example = self._smallest(task, broken, candidate, world, trial)
            if trial.hopeless:
                missing = [(other, claim) for other in numbers[index + 1 :] for claim in task.spec.claim]
                parts += [Part(claim.text, False, None, other) for other, claim in missing]
                break
        says = next((part.says or Clause("does not hold") for part in parts if not part.held), None)
        if example is not None and example.violation.what.rule == "claim fails":
            says = example.violation.what
        reference = self._assignment.reference_of(task) or ""
        share = _share(parts, task.spec.partial)
        return Mark(share, parts, says, example=example, reference=figure_name(reference))

    def _world(self, task: Task, number: int | None) -> Scenario:
        if task.scenario is None:
            assert task.spec.workload is not None, "the reader sees to that"
            return hidden(task.spec.workload, self._assignment.spec.seed, number or 0)
        machine = msgspec.structs.replace(task.scenario.machine, policy=EXAMINED, parameters={})
        folder = task.scenario.folder if task.spec.real else ""
        return msgspec.structs.replace(task.scenario, machine=machine, folder=folder)

    def _claims(self, task: Task, world: Scenario, trial: Trial) -> list[tuple[AnyClaim, bool, Clause | None]]:
        """Return each claim with whether it holds, and if not, why."""
        if trial.failure is not None:
            return [(claim, False, trial.failure.what) for claim in task.spec.claim]
        beside = self._beside(task, world)
        verdicts = figures.verdicts(world, trial.events, task.spec.claim, beside)
        return [(each.claim, each.held, None if each.held else _fails(each)) for each in verdicts]

    def _beside(self, task: Task, world: Scenario) -> dict[str, Figure]:
        """Return the figures of the other policies that claims refer to."""
        found: dict[str, Figure] = {}
        for text in task.spec.beside:
            known, _ = figures.known(world, self._reference(text, task).attempt(world).events)
            found |= {f"{figure_name(text)}.{name}": figure for name, figure in known.items()}
        return found

    def _smallest(self, task: Task, claim: AnyClaim, candidate: Candidate, world: Scenario, trial: Trial) -> Example:
        """Return the smallest workload found in which the claim fails, but holds under the policy that solves the task;
        if no such policy is known, the given workload."""
        if trial.failure is not None:
            return Example(world, trial.failure, trial.events)
        solved = self._assignment.reference_of(task)
        reference = self._reference(solved, task) if solved is not None else None

        def fails(smaller: Scenario, tried: Trial) -> Violation | None:
            if tried.failure is not None or not tried.events:
                return None
            beside = self._beside(task, smaller)
            (found,) = figures.verdicts(smaller, tried.events, [claim], beside)
            if found.held or found.found.rule == "no such figure":
                return None
            if reference is not None and smaller is not world:
                (right,) = figures.verdicts(smaller, reference.attempt(smaller).events, [claim], beside)
                if not right.held:
                    return None
            return Violation(_fails(found), tried.events[-1].t_ns)

        seen = fails(world, trial)
        if seen is None:  # a figure is unknown, because the run did not get so far
            return Example(world, Violation(Clause("claim fails", {"claim": claim.text, "found": ""}), 0), trial.events)
        if reference is None:
            return Example(world, seen, trial.events)

        events_left = _MAX_EVENTS

        def shows(smaller: Scenario) -> Violation | None:
            nonlocal events_left
            if candidate.hurried or events_left <= 0:
                return None
            tried = candidate.attempt(smaller)
            events_left -= len(tried.events)
            return fails(smaller, tried)

        small, violation = shrink(world, shows, seen)
        events = trial.events if small is world else candidate.attempt(small).events
        return Example(small, violation, events, reference.attempt(small).events)


def _nobody(number: int) -> None:
    """Ignore the progress."""


def _fails(verdict: Claimed) -> Clause:
    found = verdict.found
    return Clause("claim fails", {"claim": verdict.claim.text, "found": found.rule, **found.figures})


def _part_of(verdict: Verdict) -> Part:
    """Return the part of a verdict. A law that the policy declares not to keep counts as not kept."""
    says = verdict.example.violation.what if verdict.example is not None else None
    if says is None and verdict.state != "holds":
        says = Clause(verdict.state)
    return Part(verdict.law, verdict.state == "holds", says)


def _share(parts: Sequence[Part], partial: bool) -> float:
    held = sum(part.held for part in parts)
    return held / len(parts) if partial else float(held == len(parts))
