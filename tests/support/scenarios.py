"""Short ways to make scenarios and to run them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from select import select
from typing import Any

from sandbox.clients.script import ClientThread
from sandbox.link.client import KernelProcess
from sandbox.machines import simulate as simulation
from sandbox.machines.linux.blocking.sensors import NAMES, obstacle
from sandbox.model.commands import AnyCommand, Farewell
from sandbox.model.events import Admitted, AnyEvent, Descheduled, Dispatched, Event, Exited
from sandbox.model.spec import At, Boot, MachineSpec, ProcessSpec, Scenario, parse_segment
from sandbox.policies.base import Policy
from sandbox.util.units import MS, parse_duration

UNIT = 10 * MS


#: The beginning of a command that has the file systems for itself, and may mount what it likes where that is permitted.
OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]
#: The sensors that this machine permits.
SENSORS = [name for name in NAMES if name != "auto" and obstacle(name, 1) is None]


def process(name: str, *work: str, **more: Any) -> ProcessSpec:
    """A synthetic process: ``process("a", "cpu 30ms", "io 10ms", arrive="5ms")``."""
    arrive = parse_duration(more.pop("arrive", "0ms"))
    return ProcessSpec(name, arrive, [parse_segment(text) for text in work] or None, **more)


def scenario(*processes: ProcessSpec, script: Iterable[tuple[str, AnyCommand]] = (), **machine: Any) -> Scenario:
    """A scenario of these processes; times of the script as people write them."""
    at = [At(parse_duration(time), command) for time, command in script]
    return Scenario("test", "test", MachineSpec(**machine), list(processes), at, folder=os.getcwd())


def simulate(world: Scenario, policy: Policy | None = None) -> list[Event]:
    """All events of a virtual run; by this policy, if one is given, instead of the scenario's."""
    events: list[Event] = []
    simulation.simulate(world, events.extend, policy)
    return events


@contextmanager
def kernel_process(world: Scenario, **boot: Any) -> Iterator[KernelProcess]:
    """The kernel process of a scenario; ended afterwards."""
    link = KernelProcess(Boot(world, **boot))
    try:
        yield link
    finally:
        link.end()


def run_real(world: Scenario, **boot: Any) -> list[AnyEvent]:
    """All events of a run on real processes; the scenario's clients play their parts."""
    events: list[AnyEvent] = []
    with kernel_process(world, **boot) as link:
        clientele = ClientThread(world.clients)

        def wait(*arguments: Any) -> None:
            if world.clients and clientele.leave():
                link.send(Farewell())
            select(*arguments)

        try:
            for event in link.events(wait=wait):
                clientele.take(event)
                events.append(event)
        finally:
            clientele.end()
        assert link.halted, link.last_words()
    return events


def ossandbox(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would."""
    options.setdefault("timeout", 50)
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *words], capture_output=True, text=True, check=False, **options
    )


def gantt(events: Iterable[Event]) -> list[tuple[str, float, float]]:
    """Who had the CPU from when to when, in ms; pieces that touch are one."""
    names = {event.pid: event.name for event in events if isinstance(event, Admitted)}
    pieces: list[tuple[str, float, float]] = []
    since: dict[int, int] = {}
    for event in events:
        if isinstance(event, Dispatched):
            since[event.pid] = event.t_ns
        elif isinstance(event, Descheduled):
            name, start, end = names[event.pid], since[event.pid] / MS, event.t_ns / MS
            if pieces and pieces[-1][0] == name and pieces[-1][2] == start:
                start = pieces.pop()[1]
            pieces.append((name, start, end))
    return pieces


def exits(events: Iterable[Event]) -> dict[str, Exited]:
    """How each process ended, by name."""
    names = {event.pid: event.name for event in events if isinstance(event, Admitted)}
    return {names[event.pid]: event for event in events if isinstance(event, Exited)}
