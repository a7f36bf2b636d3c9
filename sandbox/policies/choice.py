"""Policies as they are written on a command line: ``rr``, ``rr:quantum=20ms``, ``mine.py:Mine:boost=1s``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import product
from math import prod
from typing import Any, NamedTuple

import msgspec

from sandbox import policies
from sandbox.model.clause import Clause
from sandbox.model.ranges import MAX_VALUES, expand
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario
from sandbox.model.values import BadValue, shown
from sandbox.util.text import clean_line
from sandbox.util.timeout import ALARM


class Contender(NamedTuple):
    """A policy to compare, and its parameters as they would be in a scenario file. ``label``: what the user wrote."""

    label: str
    policy: str
    parameters: dict[str, object]

    def enter(self, scenario: Scenario) -> Scenario:
        """Return the scenario under this policy. Parameters that the scenario sets for the same policy stay, unless
        they were given here."""
        machine = scenario.machine
        own = machine.parameters if machine.policy == self.policy else {}
        machine = msgspec.structs.replace(machine, policy=self.policy, parameters={**own, **self.parameters})
        return msgspec.structs.replace(scenario, machine=machine)


def parse(text: str, scenario: Scenario | None = None) -> Contender:
    """Parse a contender: a policy's name or ``file.py:Class``, relative to the current folder, then parameters that
    differ from the default as ``:name=value``. To check it, the policy is created once, with the parameters that
    ``scenario`` has for it, if given. Raises BadValue."""
    label, settings = _split(text)
    name = os.path.abspath(label) if ":" in label else label
    entered = Contender(text, name, {}).enter(scenario).machine if scenario is not None else MachineSpec(policy=name)
    policy = policies.build(entered, alarm=ALARM)
    parameters: dict[str, object] = {}
    faults: list[tuple[str, Clause]] = []
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            faults.append((label, Clause("not a setting", {"value": shown(setting), "name": clean_line(label)})))
            continue
        parameters[key] = policy.raw(key, value)
        try:
            policy.tune(key, value)
        except BadValue as bad:
            faults += [(label + inside, clause) for inside, clause in bad.faults]
    if faults:
        raise BadValue.all(faults)
    return Contender(text, name, parameters)


def parse_list(text: str, scenario: Scenario | None = None) -> list[Contender]:
    """Parse contenders separated by commas; one with a range stands for several. Duplicates are dropped. Raises one
    BadValue with the faults of all."""
    contenders: list[Contender] = []
    faults: list[tuple[str, Clause]] = []
    for item in text.split(","):
        try:
            contenders += [parse(each, scenario) for each in expanded(item.strip())]
        except BadValue as bad:
            faults += bad.faults
    if faults:
        raise BadValue.all(faults)
    return [*{contender.label: contender for contender in contenders}.values()]


def expanded(text: str) -> list[str]:
    """Expand the ranges among a contender's settings: ``rr:quantum=1ms..4ms*2`` becomes three contenders. Raises
    BadValue."""
    label, settings = _split(text)
    choices: list[list[str]] = []
    for setting in settings:
        key, equals, value = setting.partition("=")
        try:
            choices.append([f"{key}{equals}{each}" for each in expand(value)] if equals else [setting])
        except BadValue as bad:
            raise BadValue.all([(f"{label}.{key}", clause) for _, clause in bad.faults]) from None
    found = prod(map(len, choices))
    if found > MAX_VALUES:
        raise BadValue("too many values", value=shown(text), allowed=MAX_VALUES)
    return [":".join((label, *chosen)) for chosen in product(*choices)]


def sensible(scenario: Scenario) -> list[Contender]:
    """Return the scenario's own policy, and all named policies whose needs the scenario meets."""
    own = scenario.machine.policy
    named = ":" not in own or bool(scenario.folder) or os.path.isabs(own)  # a file that a recording names is not run
    names = [
        *([own] if named else []),
        *(name for name in policies.names() if name != own and _makes_sense(name, scenario)),
    ]
    return [Contender(name, name, {}) for name in names]


def _split(text: str) -> tuple[str, list[str]]:
    """Split the text into the policy and its settings."""
    parts = text.split(":")
    words = 2 if parts[0].endswith(".py") else 1
    return ":".join(parts[:words]), parts[words:]


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in msgspec.structs.fields(ProcessSpec)}


def _makes_sense(name: str, scenario: Scenario) -> bool:
    """Whether the policy of this name makes its own decisions, and some process has a figure that it needs."""
    try:
        kind = policies.find(name)
    except (BadValue, ImportError):  # an installed policy that cannot be loaded
        return False
    return kind.decides and (not kind.needs or any(_says(process, kind.needs) for process in scenario.processes))


def _says(process: ProcessSpec, figures: Iterable[str]) -> bool:
    return any(getattr(process, figure) != _DEFAULTS[figure] for figure in figures)
