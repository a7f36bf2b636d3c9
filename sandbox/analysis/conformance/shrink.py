"""Reduces a workload that shows something to a small one that still does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from string import ascii_uppercase
from typing import TypeVar

import msgspec

from sandbox.analysis.conformance.workloads import GRID_NS
from sandbox.model.commands import Kill
from sandbox.model.spec import At, ProcessSpec, Scenario, Segment

T = TypeVar("T")

#: The maximum number of smaller workloads that are tried, and of work segments in all of them.
_MAX_TRIES, _MAX_STRETCHES = 300, 40_000


def shrink(world: Scenario, shows: Callable[[Scenario], T | None], seen: T) -> tuple[Scenario, T]:
    """Return a small world that ``shows`` something, and what it shows. ``seen``: what the given world shows."""
    tries = stretches = 0
    smaller = _smaller(world)
    while tries < _MAX_TRIES and stretches < _MAX_STRETCHES and (candidate := next(smaller, None)) is not None:
        tries += 1
        stretches += sum(len(process.segments) for process in candidate.processes)
        found = shows(candidate)
        if found is not None:
            world, seen = candidate, found
            smaller = _smaller(world)
    named = _named_anew(world)
    found = shows(named)
    return (world, seen) if found is None else (named, found)


def _named_anew(world: Scenario) -> Scenario:
    """Rename the processes to A, B, …, without gaps."""
    if len(world.processes) > len(ascii_uppercase):
        return world
    names = dict(zip((process.name for process in world.processes), ascii_uppercase, strict=False))
    processes = [msgspec.structs.replace(process, name=names[process.name]) for process in world.processes]
    script = [At(at.time_ns, Kill(names[at.do.who])) if isinstance(at.do, Kill) else at for at in world.script]
    return msgspec.structs.replace(world, processes=processes, script=script)


def _smaller(world: Scenario) -> Iterator[Scenario]:
    """Yield worlds with one thing removed, the greatest reductions first."""
    for index in range(len(world.script)):
        yield msgspec.structs.replace(world, script=_without(world.script, index))
    if len(world.processes) > 1:
        half = len(world.processes) // 2
        if half > 2:
            yield _only(world, world.processes[:half])
            yield _only(world, world.processes[half:])
        for index in range(len(world.processes)):
            yield _only(world, _without(world.processes, index))
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


def _only(world: Scenario, processes: list[ProcessSpec]) -> Scenario:
    """Return the world with these processes only, without commands for the others."""
    names = {process.name for process in processes}
    script = [at for at in world.script if not isinstance(at.do, Kill) or at.do.who in names]
    return msgspec.structs.replace(world, processes=processes, script=script)


def _simpler(process: ProcessSpec) -> Iterator[ProcessSpec]:
    """Yield simpler variants of the process."""
    plain = ProcessSpec(process.name, process.arrive_ns, process.work, repeat=process.repeat)
    if plain != process:
        yield plain
    if process.arrive_ns:
        yield msgspec.structs.replace(process, arrive_ns=0)
    for repeat in sorted({1, process.repeat // 2}):
        if 0 < repeat < process.repeat:
            yield msgspec.structs.replace(process, repeat=repeat)
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
