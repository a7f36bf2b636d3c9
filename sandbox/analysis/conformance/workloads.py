"""Generates workloads: small ones with many ties, blocks and surprises, and long ones in which processes could
starve."""

from __future__ import annotations

from random import Random
from typing import Literal

from sandbox.model.commands import AnyCommand, Kill, UsePolicy
from sandbox.model.spec import At, MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.util.units import MS

#: The name that stands for the policy under examination.
EXAMINED = "examined"
#: All times are multiples of this, so that much happens at the same instant.
GRID_NS = 10 * MS
#: The maximum time that a ready process may wait, in workloads whose bursts are a hundred times shorter.
BOUND_NS = 5_000 * MS
_BURST_NS = BOUND_NS // 100
_LONG_NS = 2 * BOUND_NS

_MAX_PROCESSES = 6
_MAX_SEGMENTS = 5
_QUANTA_NS = (None, 10 * MS, 20 * MS, 30 * MS)


def worlds(seed: int, count: int) -> list[Scenario]:
    """Return ``count`` random workloads, the small ones first, and then the long ones. They are the same for the same
    seed."""
    dice = Random(seed)
    found = [_random(dice, 1 + number * _MAX_PROCESSES // count) for number in range(count)]
    return [*sorted(found, key=_size), *_long_ones()]


def _size(world: Scenario) -> int:
    return sum(len(process.segments) for process in world.processes) + 4 * len(world.script) + world.machine.cpus


def _random(dice: Random, most: int) -> Scenario:
    processes = [_process(dice, number) for number in range(dice.randint(1, most))]
    machine = MachineSpec(
        cpus=dice.choices((1, 2, 3), (6, 2, 1))[0],
        policy=EXAMINED,
        quantum_ns=dice.choice(_QUANTA_NS),
        seed=dice.randrange(1_000),
    )
    script: list[At] = []
    if dice.random() < 0.2:
        script.append(_at(dice, Kill(dice.choice(processes).name)))
    if dice.random() < 0.2:  # it takes over in the middle of a run
        machine.policy = "fcfs"
        script.append(_at(dice, UsePolicy(EXAMINED)))
    return Scenario("generated", "generated", machine, processes, script)


def _at(dice: Random, command: AnyCommand) -> At:
    return At(GRID_NS * dice.randint(1, 8), command)


def _process(dice: Random, number: int) -> ProcessSpec:
    work = []
    for index in range(dice.randint(1, _MAX_SEGMENTS)):
        kind: Literal["cpu", "io"] = "cpu" if index % 2 == 0 else "io"
        work.append(Segment(kind, GRID_NS * dice.randint(1, 4)))
    if dice.random() < 0.1:
        work.insert(0, Segment("io", GRID_NS))
    process = ProcessSpec(chr(ord("A") + number), GRID_NS * dice.choice((0, 0, 1, 2, 3, 5)), work)
    process.priority = dice.randint(0, 3)
    process.nice = dice.choice((-5, 0, 0, 5))
    process.tickets = dice.choice((50, 100, 100, 200))
    if dice.random() < 0.2:
        process.period_ns = process.deadline_ns = GRID_NS * dice.randint(5, 20)
    return process


def _long_ones() -> list[Scenario]:
    """Return workloads with rivals of which one is always ready, and a process that must get its turn nevertheless."""
    busy = [Segment("cpu", _BURST_NS // 5), Segment("io", _BURST_NS // 10)]
    rivals = [ProcessSpec(name, 0, busy, repeat=_LONG_NS // _BURST_NS * 3) for name in ("B", "C", "D")]
    stream = [
        ProcessSpec(f"n{number}", number * _BURST_NS // 2, [Segment("cpu", _BURST_NS // 2)])
        for number in range(_LONG_NS // _BURST_NS * 2)
    ]
    long_burst = ProcessSpec("A", 0, [Segment("cpu", 2 * _BURST_NS)], priority=3, nice=5, tickets=50)
    late = ProcessSpec("A", 2 * _BURST_NS, [Segment("cpu", _BURST_NS)])
    return [
        _long([long_burst, *rivals]),
        _long([*rivals, late]),
        _long([long_burst, *stream]),
    ]


def _long(processes: list[ProcessSpec]) -> Scenario:
    return Scenario("generated", "generated", MachineSpec(policy=EXAMINED), processes)
