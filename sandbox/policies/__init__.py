"""Scheduling policies: one small class in one file each, found by name, entry point or ``file.py:Class``.

A policy's file needs to import nothing else: ``from sandbox.policies import Parameter, Policy, Task``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sandbox.model.clause import Clause, Figure
from sandbox.model.reasons import DescheduledReason, ReadyReason
from sandbox.model.spec import MachineSpec
from sandbox.model.values import BadValue, Choice, Duration, Flag, ListOf, Number, Text, Whole, Words, nearest
from sandbox.policies.base import Parameter, Policy, Queue, Task
from sandbox.policies.common.ranking import Ranked, RankedPreemptive, Ranking
from sandbox.util.distributions import may_have_entry_points
from sandbox.util.timeout import NO_LIMIT, TimeLimit
from sandbox.util.units import write_duration

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "BUILT_IN",
    "Choice",
    "Clause",
    "DescheduledReason",
    "Duration",
    "Figure",
    "Flag",
    "ListOf",
    "Number",
    "Parameter",
    "Policy",
    "Queue",
    "Ranked",
    "RankedPreemptive",
    "Ranking",
    "ReadyReason",
    "Task",
    "Text",
    "Whole",
    "Words",
    "build",
    "find",
    "names",
]

GROUP = "ossandbox.policies"
#: The built-in policies in the order in which a course introduces them, each in the file of its name.
BUILT_IN = (
    *("fcfs", "sjf", "srtf", "hrrn", "rr", "priority", "mlfq", "feedback"),
    *("lottery", "stride", "fair", "eevdf", "edf", "rm", "manual", "scripted"),
)


def names() -> list[str]:
    """Return the names of the built-in policies, then of installed ones."""
    installed = [point.name for point in _installed()]
    return [*BUILT_IN, *(name for name in installed if name not in BUILT_IN)]


def _installed() -> Iterable[EntryPoint]:
    if not may_have_entry_points(GROUP):
        return ()
    from importlib.metadata import entry_points  # it is large

    return entry_points(group=GROUP)


def find(name: str, folder: str = ".") -> type[Policy]:
    """Return the policy class of a name, or of ``file.py:Class`` below ``folder``. A file is read anew each time.
    Raises BadValue."""
    if name in BUILT_IN:
        return _only_policy(importlib.import_module(f"{__name__}.{name}"), name)
    from sandbox.policies.host.loader import (  # not needed by most, and the kernel process shall stay small
        checked,
        load,
    )

    if ":" in name or name.endswith(".py"):
        return load(name, folder)
    for point in _installed():
        if point.name == name:
            return checked(point.load(), name)
    raise BadValue("no such policy", value=name, allowed=" | ".join(names()), hint=nearest(name, names()))


def _only_policy(module: object, name: str) -> type[Policy]:
    for item in vars(module).values():
        if isinstance(item, type) and issubclass(item, Policy) and item.name == name:
            return item
    raise BadValue("no policy in the file", value=name)


#: Wraps a policy in a guard, given the policy and the time limit of each call to it.
GuardMaker = Callable[[Policy, TimeLimit], Policy]


def build(spec: MachineSpec, folder: str = ".", alarm: TimeLimit = NO_LIMIT, guard: GuardMaker | None = None) -> Policy:
    """Return the policy that a scenario names, with its parameters, and with its quantum if the policy has one.

    A policy that is not built in is wrapped in a ``Guard``; if ``guard`` is given, every policy is wrapped in that.
    ``alarm`` limits the time of each call to the policy. Raises BadValue.
    """
    if guard is None and spec.policy in BUILT_IN:
        return _made(find(spec.policy), spec)
    from sandbox.policies.host.guard import Guard
    from sandbox.policies.host.loader import started

    made = guard or Guard
    with alarm:
        return started(lambda: made(_made(find(spec.policy, folder), spec), alarm), spec.policy, folder)


def _made(kind: type[Policy], spec: MachineSpec) -> Policy:
    parameters = dict(spec.parameters)
    if spec.quantum_ns is not None and any(parameter.name == "quantum" for parameter in kind.declared()):
        parameters.setdefault("quantum", write_duration(spec.quantum_ns))
    policy = kind(parameters, spec.seed)
    policy.source = spec.policy
    return policy
