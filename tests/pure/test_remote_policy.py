"""A policy that lives elsewhere decides as it does here: told of every change, and asked call by call."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sandbox.analysis.conformance.workloads import worlds
from sandbox.machines.simulate import simulate
from sandbox.model.spec import Guest, MachineSpec, Scenario
from sandbox.policies import BUILT_IN, build
from sandbox.policies.base import Policy
from sandbox.policies.host.factory import PolicyFactory
from sandbox.policies.host.guard import Guard
from sandbox.policies.host.remote import Call, Remote, Said, Seat, Seated
from sandbox.util.timeout import NO_LIMIT

_encode = msgspec.json.Encoder().encode
_question = msgspec.json.Decoder(Seat | Call)


class _AtHome:
    """As a ``Line``, but whoever is seated is at the other end of a string of bytes."""

    def __init__(self) -> None:
        self._seated: Seated | None = None

    def ask(self, question: Seat | Call) -> list[Any]:
        asked = _question.decode(_encode(question))
        if isinstance(asked, Seat):
            self._seated = Seated(asked, NO_LIMIT)
            return []
        assert self._seated is not None
        said = msgspec.json.decode(_encode(self._seated.answer(asked)), type=Said)
        return list(msgspec.json.decode(bytes(said.answers)))


class _Remotes(PolicyFactory):
    def __init__(self, spec: MachineSpec) -> None:
        super().__init__(spec)
        self._machine = spec

    def first(self) -> Policy:
        own = build(self._machine)
        kind = type("Elsewhere", (Remote,), {"name": own.name, "ties": own.ties})
        guest = Guest(self._machine.policy, self._machine.parameters, own.name, own.ties)
        remote = kind(guest, self._machine, _AtHome())
        remote.source = self._machine.policy
        return Guard(remote)


def _events(world: Scenario, factory: PolicyFactory | None = None) -> list[Any]:
    events: list[Any] = []
    simulate(world, events.extend, factory=factory)
    return events


@pytest.mark.parametrize("name", BUILT_IN)
def test_it_decides_as_it_does_here(name: str) -> None:
    for world in worlds(7, 4)[:4]:  # behind these come long ones
        machine = msgspec.structs.replace(world.machine, policy=name, parameters={})
        here = msgspec.structs.replace(world, machine=machine, script=[])
        assert _events(here, _Remotes(machine)) == _events(here)
