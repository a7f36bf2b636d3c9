"""The linux machine: real processes, scheduled by signals."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal, Protocol

from sandbox.commands import Command, Kill, Quit, Spawn, Type
from sandbox.kernel.machine import Asked, Carry, Freeze, Happened, Obeyed, Order, Run, Stop, Thaw
from sandbox.machines.linux import libc
from sandbox.machines.linux.causes import READS_CONSOLE
from sandbox.machines.linux.child import Child
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.dispatch import Dispatcher
from sandbox.machines.linux.outbox import Outbox
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.population import Population
from sandbox.machines.linux.reaper import Reaper
from sandbox.machines.linux.sensors import open_sensor
from sandbox.machines.linux.undertaker import end_all
from sandbox.spec import Scenario
from sandbox.units import S

#: An unattended run in which all wait for somebody to type ends after so long.
_HOPELESS_NS = 1 * S


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


class LinuxMachine:
    """Processes of a scenario on real CPUs.

    ``cpus``: the real CPU of each mini CPU; ``recipe``: how the dispatcher switches; ``attended``: whether
    somebody is there to type and to end a run in which nothing moves.
    """

    kind: Literal["linux"] = "linux"

    def __init__(
        self, scenario: Scenario, cpus: Sequence[int], recipe: str, sensor: str, outside: Outside, attended: bool
    ) -> None:
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
        self._scenario = scenario
        self._script = deque(sorted(scenario.script, key=lambda at: at.time_ns))
        self._outside = outside
        self._attended = attended
        self._moved_ns = 0
        self._clock = Clock()
        self._out = Outbox(self._clock)
        self._poller = Poller()
        self._reaper = Reaper()
        self._dispatcher = Dispatcher(cpus, self._clock, self._reaper, recipe)
        self._population = Population(cpus, self._poller, self._reaper, self._dispatcher, self._out)
        self._sensor = open_sensor(sensor)
        self._poller.add(outside.fileno(), self._listen)

    @property
    def sensor(self) -> str:
        return self._sensor.name

    @property
    def recipe(self) -> str:
        return self._dispatcher.recipe

    @property
    def expects(self) -> bool:
        """Whether an arrival, a scripted command or a report is still to come."""
        return bool(self._population.born or self._script or self._out)

    # What the loop calls

    def start(self) -> None:
        """Bear the scenario's processes; the clock starts when that is done."""
        self._population.bear_all(self._scenario, self._outside.dismissed)
        self._clock.start()

    def wait(self, deadline_ns: int | None) -> Happened:
        """Wait until something happens, at most until the deadline."""
        population = self._population
        while True:
            if not self._out:  # else the kernel is told first: of a birth before anything else of that process
                self._poller.wait(self._next_ns(deadline_ns))
            now_ns = self._clock.now_ns()
            due = deadline_ns is not None and now_ns >= deadline_ns
            if not self._clock.frozen:
                self._look(now_ns, due)
                population.let_in(now_ns)
            self._keep_order()
            self._operate()
            population.undertaker.insist()
            population.consoles.tick()
            population.consoles.hold_back(self._outside.behind)
            if self._out or due:
                break
            self._mind_hopelessness(now_ns)
        for child in population.running.values():
            self._out.used[child.pid] = child.started_cpu_ns + now_ns - child.started_ns
        return self._out.take(now_ns)

    def obey(self, orders: list[Order]) -> Obeyed:
        """Make the orders true by signals."""
        population = self._population
        stops: list[Child] = []
        runs: list[tuple[Child, int]] = []
        for order in orders:
            match order:
                case Stop(pid) if pid in population.children:
                    stops.append(population.take_off(pid))
                case Run(pid, cpu) if pid in population.children:
                    runs.append((population.take_off(pid), cpu))
                case Freeze():
                    self._freeze()
                case Thaw():
                    self._thaw()
                case Carry(command, pid):
                    self._carry(command, population.children.get(pid or 0))
        if stops or runs:
            self._dispatcher.switch(stops, runs)
            population.vigil.sent(stops)
        for child, _ in runs:
            population.running[child.pid] = child
            self._sensor.dispatched(child.started_ns)
        started = {child.pid: child.started_ns for child, _ in runs}
        return Obeyed(started, {child.pid: child.cpu_ns() for child in stops})

    def halt(self) -> None:
        """End everything; afterwards nothing of the machine is left."""
        end_all([*self._population.by_os_pid.values()], politely=not self._outside.lost)
        self._population.close()
        self._sensor.close()
        self._reaper.close()
        self._poller.close()

    # Looking around

    def _next_ns(self, deadline_ns: int | None) -> int | None:
        """When to wake up at the latest (CLOCK_MONOTONIC)."""
        population, clock = self._population, self._clock
        times = [self._outside.next_check_ns, population.undertaker.next_ns, population.consoles.next_ns]
        times.append(population.vigil.next_ns(clock.frozen))
        if self._script:
            times.append(clock.watch_monotonic_ns(self._script[0].time_ns))
        if not clock.frozen:
            now_ns = clock.now_ns()
            look_ns = self._sensor.next_look_ns(now_ns, bool(population.running or population.waiting))
            arrival_ns = population.born[0].spec.arrive_ns if population.born else None
            machine_times = (deadline_ns, look_ns, arrival_ns)
            times += [clock.monotonic_ns(at_ns) for at_ns in machine_times if at_ns is not None]
        return min((at_ns for at_ns in times if at_ns is not None), default=None)

    def _look(self, now_ns: int, due: bool) -> None:
        """Who blocked, who woke. At the end of a slice its process is looked at in any case: one that blocked with
        its last breath has blocked."""
        population = self._population
        seen = self._sensor.look(now_ns, population.running.values(), population.waiting.values())
        late = population.running.values() if due else ()
        for child in {*seen.blocked, *(child for child in late if self._sensor.blocked(child))}:
            population.begin_wait(child)
        for child in seen.woken:
            population.wake(child)
        for child in population.vigil.fallen(population.running.values()):
            population.let_rest(child)

    def _keep_order(self) -> None:
        """Who was born in a family, and who does not stand still; in a pause too."""
        population = self._population
        population.look_for_relatives()
        for child in population.vigil.overdue():
            self._out.fault(child, "stop not confirmed")
        for child in population.vigil.strays():
            population.stop_again(child)

    def _mind_hopelessness(self, now_ns: int) -> None:
        """A run that nobody attends ends when all that is left waits for somebody to type."""
        population = self._population
        hopeless = (
            not self._attended
            and population.waiting
            and not (population.running or population.born or self._script or self._clock.frozen)
            and all(child.on == READS_CONSOLE for child in population.waiting.values())
        )
        if not hopeless:
            self._moved_ns = now_ns
        elif now_ns - self._moved_ns > _HOPELESS_NS:
            names = ", ".join(child.spec.name for child in population.waiting.values())
            self._out.fault(None, "waits for somebody to type", names=names)
            self._out.add(Asked(Quit()))

    # The operator

    def _listen(self) -> None:
        self._out.add(*map(Asked, self._outside.read()))

    def _operate(self) -> None:
        self._out.add(*map(Asked, self._outside.check()))
        while self._script and self._script[0].time_ns <= self._clock.watch_ns():
            self._out.add(Asked(self._script.popleft().do))

    def _carry(self, command: Command, child: Child | None) -> None:
        match command:
            case Kill() if child is not None:
                self._population.undertaker.end(child)
            case Type(_, text) if child is not None:
                self._population.consoles.type(child, text + "\n")
            case Spawn(argv):
                self._population.spawn(argv)

    def _freeze(self) -> None:
        self._clock.freeze()
        self._population.hold_waiting()

    def _thaw(self) -> None:
        self._clock.thaw()
        self._population.let_waiting_go()
