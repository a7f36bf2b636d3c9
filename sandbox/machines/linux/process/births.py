"""Starts processes: those of the scenario before the clock runs, and those that the operator asks for later."""

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
    """Starts the processes of a boot.

    ``overlapped``: whether the next process is continued before the last one has stopped; ``notes``: where Python
    programs note their locks ("": nowhere).
    """

    #: Set by ``all``.
    _spawner: Spawner

    def __init__(self, boot: Boot, cpus: CpuAssignment, clock: Clock, overlapped: bool, notes: str = "") -> None:
        self._boot = boot
        self._cpus = cpus
        self._notes = notes
        self._clock = clock
        # On a CPU that is shared with us, a woken process must not preempt us either.
        self._batch = overlapped or not cpus.dedicated

    def all(self, dismissed: Callable[[], bool]) -> Iterator[Child | SpawnFailed]:
        """Start the scenario's processes, and return each of them, stopped, or why it failed. All are forked before the
        clock starts, because a fork in the middle of a run would take the dispatcher's time. A thousand of them take
        seconds, so no more are started once ``dismissed()`` is true."""
        scenario, zero = self._boot.scenario, self._clock.zero
        listeners = Listeners(scenario.processes, self._boot.exposed)
        how = (self._batch, self._boot.setuid, self._notes)
        self._spawner = Spawner(self._cpus.mini[0], scenario.folder, listeners, zero, *how)
        yield from self._spawner.spawn_many(takewhile(lambda _: not dismissed(), scenario.processes))
        listeners.close()

    @property
    def done_without(self) -> list[DoneWithout]:
        """What was refused to all processes that are started here, although they can do without."""
        return self._spawner.done_without or []

    def one(self, argv: list[str], expect: Callable[[list[ProcessSpec]], None]) -> Child | SpawnFailed:
        """Start a program that the operator asks for, in our own working directory. ``expect`` is told of it before
        that."""
        program = operators_program(argv)
        expect([program])
        try:
            return self._spawner.spawn(program, folder=".")
        except SpawnFailed as failure:
            return failure
