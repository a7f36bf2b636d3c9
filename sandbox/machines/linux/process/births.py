"""Who is started: the scenario's processes before the clock runs, and those that the operator asks for later."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Callable, Iterator
from itertools import takewhile

from sandbox.machines.clock import Clock
from sandbox.machines.life import SpawnFailed, operators_program
from sandbox.machines.linux.cpus import CpuAssignment
from sandbox.machines.linux.net.listeners import Listeners
from sandbox.machines.linux.process.birth_notes import DoneWithout
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.spawn import Spawner
from sandbox.model.spec import Boot, ProcessSpec


class Births:
    """``overlapped``: whether the next process is continued before the last one has stopped; ``notes``: where programs
    note their locks."""

    #: There is one from ``all`` on.
    _spawner: Spawner

    def __init__(self, boot: Boot, cpus: CpuAssignment, clock: Clock, overlapped: bool, notes: str = "") -> None:
        self._boot = boot
        self._cpus = cpus
        self._notes = notes
        self._clock = clock
        # On a CPU that we share no woken process may preempt us either.
        self._batch = overlapped or not cpus.dedicated

    def all(self, dismissed: Callable[[], bool]) -> Iterator[Child | SpawnFailed]:
        """The scenario's processes, all of them before the clock starts: each waits, stopped, for its arrival, because
        a fork in the middle of a run would take the dispatcher's time. A thousand of them take seconds: none is begun
        once we are ``dismissed``."""
        scenario, zero = self._boot.scenario, self._clock.zero
        listeners = Listeners(scenario.processes, self._boot.exposed)
        how = (self._batch, self._boot.setuid, self._notes)
        self._spawner = Spawner(self._cpus.mini[0], scenario.folder, listeners, zero, *how)
        yield from self._spawner.spawn_many(takewhile(lambda _: not dismissed(), scenario.processes))
        listeners.close()

    @property
    def done_without(self) -> list[DoneWithout]:
        """What all processes here do without."""
        return self._spawner.done_without

    def one(self, argv: list[str], expect: Callable[[list[ProcessSpec]], None]) -> Child | SpawnFailed:
        """A program that the operator asks for, where the operator is. ``expect`` is told before it starts."""
        program = operators_program(argv)
        expect([program])
        try:
            return self._spawner.spawn(program, folder=".")
        except SpawnFailed as failure:
            return failure
