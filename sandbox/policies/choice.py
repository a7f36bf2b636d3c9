"""A policy as people write it on a command line: ``rr``, ``rr:quantum=20ms``, ``mine.py:Mine:boost=1s``."""

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
    """A policy and the parameters that were asked for, as a scenario file would hold them. ``label``: what the user
    wrote."""

    label: str
    policy: str
    parameters: dict[str, object]

    def enter(self, scenario: Scenario) -> Scenario:
        """The same scenario under this policy. Parameters that the scenario sets for this very policy hold where
        nothing else was asked for."""
        machine = scenario.machine
        own = machine.parameters if machine.policy == self.policy else {}
        machine = msgspec.structs.replace(machine, policy=self.policy, parameters={**own, **self.parameters})
        return msgspec.structs.replace(scenario, machine=machine)


def parse(text: str, scenario: Scenario | None = None) -> Contender:
    """A contender as people write it: a policy's name or ``file.py:Class``, looked up from the folder that the user is
    in, and the parameters that shall be others than the default, each as ``:name=value``. It is made once, to be
    tried: with what a ``scenario`` says for it, if there is one. Raises BadValue."""
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
    """Contenders, with commas between; one that has a range stands for several. Each is there once. Raises BadValue
    with the faults of all of them."""
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
    """A contender with ranges among its settings as one for each of their values: ``rr:quantum=1ms..4ms*2`` is three.
    Raises BadValue."""
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
    """The scenario's own policy, and every other that goes by name and finds what it goes by in the scenario."""
    own = scenario.machine.policy
    named = ":" not in own or bool(scenario.folder) or os.path.isabs(own)  # else a recording names it
    names = [
        *([own] if named else []),
        *(name for name in policies.names() if name != own and _makes_sense(name, scenario)),
    ]
    return [Contender(name, name, {}) for name in names]


def _split(text: str) -> tuple[str, list[str]]:
    """The policy and its settings."""
    parts = text.split(":")
    words = 2 if parts[0].endswith(".py") else 1
    return ":".join(parts[:words]), parts[words:]


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in msgspec.structs.fields(ProcessSpec)}


def _makes_sense(name: str, scenario: Scenario) -> bool:
    """Whether there is a policy of this name that decides by itself, and some process says something that it goes
    by."""
    try:
        kind = policies.find(name)
    except BadValue:  # an installed one that does not load
        return False
    return kind.decides and (not kind.needs or any(_says(process, kind.needs) for process in scenario.processes))


def _says(process: ProcessSpec, figures: Iterable[str]) -> bool:
    return any(getattr(process, figure) != _DEFAULTS[figure] for figure in figures)
