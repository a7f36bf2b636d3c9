"""Slow motion: multiplies all times of a scenario by a factor, including those in its claims.

The running times of real programs cannot be stretched. Their arrivals, periods and deadlines are, as these belong to
the scenario; their estimates are stretched only in virtual time, where they stand for the programs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar, cast

import msgspec

from sandbox import policies
from sandbox.model.claims import OPERATOR, RUN_FIGURES, AnyClaim, Compares, Happening, Happens, InOrder, owner
from sandbox.model.commands import AnyCommand, Command, Reload, Tune, UsePolicy
from sandbox.model.problems import Problem, problems_of
from sandbox.model.spec import CLIENT, SERVERS, At, MachineSpec, ProcessSpec, Scenario, Segment, Step, WhatIf
from sandbox.model.values import BadValue, Duration
from sandbox.policies.base import Policy
from sandbox.policies.host.factory import PolicyFactory
from sandbox.scenario.tables import kinds
from sandbox.util.timeout import ALARM
from sandbox.util.units import parse_duration, write_duration

S = TypeVar("S", bound=msgspec.Struct)


def stretched(scenario: Scenario, by: int, real: bool) -> tuple[Scenario, list[Problem]]:
    """Return the scenario with all of its times multiplied by ``by``, and problems for those that would become too
    long. ``real``: the real programs run; else their estimates stand for them."""
    stretcher = _Stretcher(by, real)
    return stretcher.scenario(scenario), stretcher.problems


def real_programs(scenario: Scenario) -> list[str]:
    """Return the names of processes that run real programs, whose running times cannot be stretched."""
    return [process.name for process in scenario.processes if process.work is None]


class _Stretcher:
    def __init__(self, by: int, real: bool) -> None:
        self.problems: list[Problem] = []
        self._by, self._real = by, real

    def scenario(self, scenario: Scenario) -> Scenario:
        machine = self._machine(scenario.machine, scenario.folder, "machine")
        programs = real_programs(scenario) if self._real else []
        return msgspec.structs.replace(
            scenario,
            machine=machine,
            processes=[self._process(process) for process in scenario.processes],
            clients=[self._times(client, f"client {client.name}") for client in scenario.clients],
            script=[*self._script(scenario, msgspec.structs.replace(scenario, machine=machine))],
            steps=[self._step(step) for step in scenario.steps],
            whatifs=[self._whatif(whatif, scenario) for whatif in scenario.whatifs],
            claims=[claim for each in scenario.claims if (claim := self._claim(each, programs)) is not None],
        )

    # Times

    def _times(self, struct: S, place: str, but: Sequence[str] = ()) -> S:
        """Return a struct with its durations multiplied, except for the keys in ``but``."""
        changes: dict[str, int] = {}
        for key, (field, kind) in kinds(type(struct)).items():
            ns = getattr(struct, field)
            if isinstance(kind, Duration) and isinstance(ns, int) and key not in but:
                changes[field] = self._checked(ns, kind, f"{place} {key}")
        return msgspec.structs.replace(struct, **changes)

    def _checked(self, ns: int, kind: Duration, place: str) -> int:
        try:
            return kind.read(write_duration(ns * self._by))
        except BadValue as bad:
            self._add(place, bad)
            return ns

    def _add(self, place: str, bad: BadValue) -> None:
        self.problems += problems_of(bad, f"--stretch {place}")

    def _text(self, text: str) -> str:
        """Multiply the durations in a typed value or list of values."""
        return ", ".join(self._word(word) for word in text.replace("/", ",").split(","))

    def _word(self, word: str) -> str:
        try:
            return write_duration(parse_duration(word) * self._by)
        except ValueError:
            return word.strip()

    def _words(self, text: str) -> str:
        return " ".join(map(self._word, text.split(" ")))

    # Processes

    def _process(self, process: ProcessSpec) -> ProcessSpec:
        place = f"process {process.name}"
        others = [
            *(() if process.program in SERVERS else ("idle",)),
            *(() if process.program == CLIENT else ("every",)),
            *(("estimate",) if process.work is None and self._real else ()),
        ]
        longer = self._times(process, place, others)
        if process.work is None:
            return longer
        work = [Segment(part.kind, self._checked(part.ns, Duration(), f"{place} work")) for part in process.work]
        return msgspec.structs.replace(longer, work=work)

    # Policies

    def _machine(self, machine: MachineSpec, folder: str, place: str) -> MachineSpec:
        """Return a machine with multiplied times; the policy's default times are replaced by explicit ones."""
        longer = self._times(machine, place)
        try:
            policy = policies.build(machine, folder, ALARM)
            parameters = dict(machine.parameters)
            for name, text in _times_of(policy).items():
                if name == "quantum" and name not in parameters:  # set via [machine], so that it can be overridden
                    if (quantum_ns := parse_duration(text)) > 0:
                        longer = msgspec.structs.replace(longer, quantum_ns=quantum_ns * self._by)
                else:
                    parameters[name] = policy.raw(name, self._text(text))
            longer = msgspec.structs.replace(longer, parameters=parameters)
            if not self.problems:
                policies.build(longer, folder, ALARM)
        except BadValue as bad:
            self._add(place, bad)
        return longer

    def _whatif(self, whatif: WhatIf, scenario: Scenario) -> WhatIf:
        longer = self._times(whatif, f"whatif {whatif.name}")
        if not (whatif.policy or whatif.parameters or whatif.quantum_ns):
            return longer
        machine = self._machine(whatif.applied(scenario).machine, scenario.folder, f"whatif {whatif.name}")
        return msgspec.structs.replace(longer, quantum_ns=machine.quantum_ns, parameters=machine.parameters)

    def _script(self, scenario: Scenario, longer: Scenario) -> Iterator[At]:
        """Yield the script's commands at multiplied times. After a change of policy, commands are added that set the
        new policy's times."""
        made = PolicyFactory(scenario.machine, scenario.folder, ALARM)
        making = PolicyFactory(longer.machine, longer.folder, ALARM)
        if self.problems:
            return
        was, now = made.first(), making.first()
        for at in sorted(scenario.script, key=lambda at: at.time_ns):
            later = self._times(at, f"at {write_duration(at.time_ns)}")
            later.do = cast(AnyCommand, self._command(at.do))
            yield later
            try:
                was = _after(at.do, was, made)
            except BadValue:
                continue  # the command will fail, which is reported when it is tried
            try:
                now = _after(later.do, now, making)
                if isinstance(at.do, (UsePolicy, Reload)):
                    for tune in self._tuned(was, now):
                        yield At(later.time_ns, tune)
            except BadValue as bad:
                self._add(f"at {write_duration(at.time_ns)}", bad)

    def _tuned(self, was: Policy, now: Policy) -> Iterator[Tune]:
        """Yield, and apply to ``now``, the commands that give it the times of the policy ``was``, multiplied."""
        for name, text in _times_of(was).items():
            if (value := self._text(text)) != now.written[name]:
                now.tune(name, value)
                yield Tune(name, value)

    def _command(self, command: Command) -> Command:
        return Tune(command.parameter, self._text(command.value)) if isinstance(command, Tune) else command

    # Lessons

    def _step(self, step: Step) -> Step:
        return msgspec.structs.replace(step, until=self._happening(step.until))

    def _happening(self, happening: Happening) -> Happening:
        """Multiply times in a happening of the operator, who may set a parameter to a time."""
        if happening.who != OPERATOR:
            return happening
        return msgspec.structs.replace(happening, what=self._words(happening.what))

    def _claim(self, claim: AnyClaim, programs: Sequence[str]) -> AnyClaim | None:
        """Return a claim with multiplied times. A claim about the time of one of the real ``programs`` is unchanged;
        for one about a figure of the whole run that includes such programs, return None, as the right value is
        unknown."""
        match claim:
            case Happens():
                happening = self._happening(claim.happening)
                text = self._words(claim.text) if happening != claim.happening else claim.text
                return msgspec.structs.replace(claim, text=text, happening=happening)
            case InOrder():
                happenings = [*map(self._happening, claim.happenings)]
                text = self._words(claim.text) if happenings != claim.happenings else claim.text
                return msgspec.structs.replace(claim, text=text, happenings=happenings)
            case Compares():
                longer = self._word(claim.right)
                if longer == claim.right or owner(claim.left, programs) is not None:
                    return claim
                if programs and claim.left in RUN_FIGURES:
                    return None
                return msgspec.structs.replace(claim, right=longer, text=claim.text.removesuffix(claim.right) + longer)


def _times_of(policy: Policy) -> dict[str, str]:
    """Return a policy's parameters that are times, as people type them."""
    return {name: text for name, text in policy.written.items() if name not in policy.parameters}


def _after(command: Command, policy: Policy, factory: PolicyFactory) -> Policy:
    """Return the policy in force after a command. Raises BadValue if the command is refused."""
    match command:
        case UsePolicy(name):
            return factory.next(name, policy)
        case Reload():
            return factory.next(policy.source, policy)
        case Tune(parameter, value):
            policy.tune(parameter, value)
    return policy
