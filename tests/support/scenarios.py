"""Short ways to make scenarios and to run them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, cast

from sandbox.machines import simulate as simulation
from sandbox.model.commands import AnyCommand, Command
from sandbox.model.events import Admitted, Descheduled, Dispatched, Event, Exited, Figure
from sandbox.model.spec import At, MachineSpec, ProcessSpec, Scenario, parse_segment
from sandbox.policies.base import Policy
from sandbox.util.units import MS, parse_duration

UNIT = 10 * MS


def process(name: str, *work: str, **more: Any) -> ProcessSpec:
    """A synthetic process: ``process("a", "cpu 30ms", "io 10ms", arrive="5ms")``."""
    arrive = parse_duration(more.pop("arrive", "0ms"))
    return ProcessSpec(name, arrive, [parse_segment(text) for text in work] or None, **more)


def command(name: str, *argv: str, **more: Any) -> ProcessSpec:
    """A process that runs a program."""
    return ProcessSpec(name, command=list(argv), **more)


def quick_python(*lines: str) -> list[str]:
    """A small Python program as a command, without what makes an interpreter start slowly."""
    return [sys.executable, "-I", "-S", "-c", "\n".join(lines)]


def scenario(*processes: ProcessSpec, script: Iterable[tuple[str, Command]] = (), **machine: Any) -> Scenario:
    """A scenario of these processes; times of the script as people write them."""
    at = [At(parse_duration(time), cast(AnyCommand, command)) for time, command in script]
    return Scenario("test", "test", MachineSpec(**machine), list(processes), at, folder=os.getcwd())


def simulate(world: Scenario, policy: Policy | None = None) -> list[Event]:
    """All events of a virtual run; by this policy, if one is given, instead of the scenario's."""
    events: list[Event] = []
    simulation.simulate(world, events.extend, policy)
    return events


def names(events: Sequence[Event]) -> dict[int, str]:
    """Each process's name as it was born, by pid."""
    return {event.pid: event.name for event in events if isinstance(event, Admitted)}


def gantt(events: Sequence[Event]) -> list[tuple[str, float, float]]:
    """Who had the CPU from when to when, in ms; pieces that touch are one."""
    called = names(events)
    pieces: list[tuple[str, float, float]] = []
    since: dict[int, int] = {}
    for event in events:
        if isinstance(event, Dispatched):
            since[event.pid] = event.t_ns
        elif isinstance(event, Descheduled):
            name, start, end = called[event.pid], since[event.pid] / MS, event.t_ns / MS
            if pieces and pieces[-1][0] == name and pieces[-1][2] == start:
                start = pieces.pop()[1]
            pieces.append((name, start, end))
    return pieces


def exits(events: Sequence[Event]) -> dict[str, Exited]:
    """How each process ended, by name: of several the one that came first."""
    called = names(events)
    ended = sorted((event for event in events if isinstance(event, Exited)), key=lambda event: -event.pid)
    return {called[event.pid]: event for event in ended}


def whole(figure: Figure) -> int:
    """A figure of an event that must be a whole number."""
    assert isinstance(figure, int)
    return figure
