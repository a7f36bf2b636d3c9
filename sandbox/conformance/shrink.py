"""From a workload that shows something to a small one that still shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from sandbox.conformance.worlds import GRID_NS
from sandbox.spec import ProcessSpec, Scenario, Segment

T = TypeVar("T")

#: So many smaller workloads are tried at most.
_TRIES_MOST = 300


def shrink(world: Scenario, shows: Callable[[Scenario], T | None], seen: T) -> tuple[Scenario, T]:
    """A small world that ``shows`` something, and what it shows. ``seen``: what the given world shows."""
    tries = 0
    smaller = _smaller(world)
    while tries < _TRIES_MOST and (candidate := next(smaller, None)) is not None:
        tries += 1
        found = shows(candidate)
        if found is not None:
            world, seen = candidate, found
            smaller = _smaller(world)
    return world, seen


def _smaller(world: Scenario) -> Iterator[Scenario]:
    """Worlds with one thing less, the boldest first."""
    for index in range(len(world.script)):
        yield msgspec.structs.replace(world, script=_without(world.script, index))
    if len(world.processes) > 1:
        half = len(world.processes) // 2
        if half > 2:
            yield msgspec.structs.replace(world, processes=world.processes[:half])
            yield msgspec.structs.replace(world, processes=world.processes[half:])
        for index in range(len(world.processes)):
            yield msgspec.structs.replace(world, processes=_without(world.processes, index))
    if world.machine.cpus > 1:
        fewer = msgspec.structs.replace(world.machine, cpus=world.machine.cpus - 1)
        yield msgspec.structs.replace(world, machine=fewer)
    for index, process in enumerate(world.processes):
        for simpler in _simpler(process):
            processes = [*world.processes]
            processes[index] = simpler
            yield msgspec.structs.replace(world, processes=processes)
    if world.machine.quantum_ns is not None:
        plain = msgspec.structs.replace(world.machine, quantum_ns=None)
        yield msgspec.structs.replace(world, machine=plain)


def _simpler(process: ProcessSpec) -> Iterator[ProcessSpec]:
    """The process with a little less to it."""
    plain = ProcessSpec(process.name, process.arrive_ns, process.work, repeat=process.repeat)
    if plain != process:
        yield plain
    if process.arrive_ns:
        yield msgspec.structs.replace(process, arrive_ns=0)
    if process.repeat > 1:
        yield msgspec.structs.replace(process, repeat=process.repeat // 2)
    work = process.work or []
    for index in range(len(work)):
        if len(work) > 1:
            yield msgspec.structs.replace(process, work=_without(work, index))
        for ns in sorted({GRID_NS, work[index].ns // 2 // GRID_NS * GRID_NS, work[index].ns - GRID_NS}):
            if GRID_NS <= ns < work[index].ns:
                shorter = [*work[:index], Segment(work[index].kind, ns), *work[index + 1 :]]
                yield msgspec.structs.replace(process, work=shorter)


def _without(items: list[T], index: int) -> list[T]:
    return items[:index] + items[index + 1 :]
