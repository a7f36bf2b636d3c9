"""What has to be done now and then beside the scheduling: the operator, relatives, stops, the condemned, consoles,
sockets."""

from __future__ import annotations

import time
from collections import deque
from typing import Protocol

from sandbox.kernel.machine import Asked
from sandbox.machines.linux.blocking.block_reason import READS_CONSOLE
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.process_table import Population
from sandbox.machines.linux.reports import Outbox
from sandbox.model.commands import Command, Farewell, Quit, Resume, Step
from sandbox.model.spec import CLIENT, SERVERS, Boot
from sandbox.util.units import MS, S

#: An unattended run in which all wait for somebody to type ends after so long.
_HOPELESS_NS = 1 * S
#: So long after the last client has left an unattended run goes on, for its servers' children to end.
_CLOSING_NS = 200 * MS


class Outside(Protocol):
    """Where commands come from: the link to whoever sits at the terminal."""

    def fileno(self) -> int: ...

    def read(self) -> list[Command]:
        """The commands that have come since."""
        ...

    def dismissed(self) -> bool:
        """Whether the other end is gone or has asked us to quit; the command itself still comes."""
        ...

    def check(self) -> list[Command]:
        """What follows from the time alone: nobody has been heard for too long."""
        ...

    @property
    def next_check_ns(self) -> int | None:
        """When to check (CLOCK_MONOTONIC)."""
        ...

    @property
    def behind(self) -> bool:
        """Whether too much is waiting to be read at the other end."""
        ...

    @property
    def lost(self) -> bool:
        """Whether the other end is gone: then nothing is done politely."""
        ...


class Household:
    """Does it all in one go, when the first of it is due or something has ``stirred``: most turns of the loop are
    the end of a slice and nothing else. Times are of CLOCK_MONOTONIC, because a pause has to be kept, too."""

    def __init__(self, boot: Boot, outside: Outside, clock: Clock, population: Population, out: Outbox) -> None:
        self._attended = boot.attended
        self._script = deque(sorted(boot.scenario.script, key=lambda at: at.time_ns))
        self._outside = outside
        self._clock = clock
        self._population = population
        self._out = out
        self._moved_ns = 0
        scenario = boot.scenario
        connected = [process.connect for process in scenario.processes if process.program == CLIENT]
        #: Whether clients may still come from outside: where the scenario has none at all, anybody may.
        self._open = bool(scenario.clients) or not connected
        self._servers = {*connected, *(client.connect for client in scenario.clients)}
        self._served_ns = 0
        self._due_ns = 0
        #: Set by whoever does something that may have to be followed up.
        self.stirred = True

    @property
    def expects(self) -> bool:
        """Whether a scripted command is still to come."""
        return bool(self._script)

    @property
    def ends_pauses(self) -> bool:
        """Whether the script will go on after a pause; if not, it is somebody else's, and the script waits for him."""
        return any(isinstance(at.do, (Resume, Step)) for at in self._script)

    @property
    def next_ns(self) -> int:
        """When something is due."""
        due_ns = min(self._due_ns, self._population.vigil.next_ns, self._population.traffic.next_ns)
        check_ns = self._outside.next_check_ns
        return due_ns if check_ns is None else min(due_ns, check_ns)

    def listen(self) -> None:
        """The operator has asked for something."""
        self._heed(self._outside.read())

    def _heed(self, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, Farewell):
                self._open = False
            else:
                self._out.add(Asked(command))

    def keep(self) -> None:
        """Do what is due."""
        if not self.stirred and time.monotonic_ns() < self.next_ns:
            return
        self.stirred = False
        population = self._population
        population.look_for_relatives()
        population.mind_stops()
        self._operate()
        population.undertaker.insist()
        population.traffic.look()
        population.consoles.tick()
        population.consoles.hold_back(self._outside.behind)
        self._mind_hopelessness()
        self._mind_servers()
        self._due_ns = self._next_due_ns()

    def _next_due_ns(self) -> int:
        times = [self._population.undertaker.next_ns, self._population.consoles.next_ns]
        if not self._open:
            times.append(time.monotonic_ns() + _CLOSING_NS // 2)
        if self._script and not self._clock.watch_stands:
            times.append(self._clock.watch_monotonic_ns(self._script[0].time_ns))
        return min((at_ns for at_ns in times if at_ns is not None), default=time.monotonic_ns() + _HOPELESS_NS // 2)

    def _operate(self) -> None:
        self._heed(self._outside.check())
        while self._script and self._script[0].time_ns <= self._clock.watch_ns():
            self._out.add(Asked(self._script.popleft().do))

    def _mind_hopelessness(self) -> None:
        """A run that nobody attends ends when all that is left waits for somebody to type."""
        population, now_ns = self._population, self._clock.now_ns()
        waiting = population.waiting.children
        hopeless = (
            not self._attended
            and waiting
            and not (population.running or population.born or self._script or self._clock.frozen)
            and all(child.on == READS_CONSOLE for child in waiting.values())
        )
        if not hopeless:
            self._moved_ns = now_ns
        elif now_ns - self._moved_ns > _HOPELESS_NS:
            names = ", ".join(child.spec.name for child in waiting.values())
            self._out.fault(None, "waits for somebody to type", names=names)
            self._out.add(Asked(Quit()))

    def _mind_servers(self) -> None:
        """A run that nobody attends ends when all clients have left, and only servers are there."""
        population, now_ns = self._population, self._clock.now_ns()
        done = (
            not (self._attended or self._open or self._out)
            and population.children
            and not (population.born or self._script or self._clock.frozen)
            and all(map(self._serves, population.children.values()))
        )
        if not done:
            self._served_ns = now_ns
        elif now_ns - self._served_ns > _CLOSING_NS:
            self._out.add(Asked(Quit()))

    def _serves(self, child: Child | None) -> bool:
        """Whether this one, or one of those that it comes from, is a server, or was meant to be one."""
        while child is not None:
            if child.spec.program in SERVERS or child.spec.name in self._servers:
                return True
            child = child.parent
        return False
