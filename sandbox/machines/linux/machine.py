"""The linux machine: real processes, scheduled by signals."""

from __future__ import annotations

from typing import Literal

from sandbox.kernel.machine import Carry, Freeze, Happened, Obeyed, Order, Run, Stop, Thaw
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.cpus import Places, take_precedence
from sandbox.machines.linux.housekeeping import Household, Outside
from sandbox.machines.linux.lookout import Lookout
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.process_table import Population
from sandbox.machines.linux.process.reaper import Reaper
from sandbox.machines.linux.process.terminate import end_all
from sandbox.machines.linux.reports import Outbox
from sandbox.machines.linux.switching.dispatch import Dispatcher
from sandbox.machines.linux.switching.pace import Pace
from sandbox.machines.linux.switching.pulse import Pulse
from sandbox.model.commands import Command, Kill, Press, Spawn, Type
from sandbox.model.events import Clause
from sandbox.model.spec import Boot
from sandbox.util import libc
from sandbox.util.units import US

#: What happens within so long on real CPUs happens at one instant.
_INSTANT_NS = 300 * US


class LinuxMachine:
    """Processes of a scenario on real CPUs.

    ``boot``: what to run; ``places``: the real CPU of each mini CPU, and our own; ``recipe``: how the dispatcher
    switches.
    """

    kind: Literal["linux"] = "linux"

    def __init__(self, boot: Boot, places: Places, recipe: str, outside: Outside) -> None:
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
        self._boot = boot
        self._outside = outside
        self._clock = Clock()
        self._out = Outbox(self._clock)
        self._poller = Poller()
        self._reaper = Reaper(stops=recipe == "sequential")
        self._dispatcher = Dispatcher(places.mini, self._clock, self._reaper, recipe)
        self._population = Population(places.mini, self._poller, self._reaper, self._dispatcher, self._clock, self._out)
        self._lookout = Lookout(boot, places, self._clock, self._poller, self._population, self._out)
        self._household = Household(boot, outside, self._clock, self._population, self._out)
        self._poller.add(outside.fileno(), self._household.listen)
        self._pulse = Pulse()
        self._pace = Pace(self._clock, self._poller, places.alone)

    @property
    def sensor(self) -> str:
        return self._lookout.sensor.name

    @property
    def recipe(self) -> str:
        return self._dispatcher.recipe

    @property
    def expects(self) -> bool:
        """Whether an arrival, a scripted command or a report is still to come."""
        return bool(self._population.born or self._household.expects or self._out)

    # What the loop calls

    def start(self) -> None:
        """Bear the scenario's processes; the clock starts when that is done."""
        self._population.bear_all(self._boot.scenario, self._boot.exposed, self._outside.dismissed)
        take_precedence()
        self._pulse.beat()
        self._clock.start()

    def wait(self, deadline_ns: int | None) -> Happened:
        """Wait until something happens, at most until the deadline.

        At the end of a slice every moment counts: what can be done before we sleep is done before.
        """
        self._pace.begin()
        while True:
            self._household.keep()
            if not self._out:  # else the kernel is told first: of a birth before anything else of that process
                self._sleep(deadline_ns)
            now_ns = self._clock.now_ns()
            over = deadline_ns is not None and now_ns >= self._pace.call_ns(deadline_ns)
            if over and deadline_ns is not None:
                self._let_finish(now_ns)
                self._pace.called()
                now_ns = self._clock.round_up(deadline_ns)
            if not self._clock.frozen:
                self._lookout.look(now_ns, last=over)
                self._population.let_in(now_ns)
            if self._out or over:
                break
        for child in self._population.running.values():
            self._out.used[child.pid] = child.used_by(now_ns)
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
            stopped_ns = self._clock.machine_ns(self._dispatcher.sent_ns) if stops else None
            self._pace.switched(stopped_ns, runs[-1][0].started_ns if runs else None)
        started = self._lookout.follow(child for child, _ in runs)
        used = {child.pid: child.cpu_ns() for child in stops if child.stopping_ns is None}
        at_least = {child.pid: child.cpu_ns() for child in stops if child.stopping_ns is not None}
        if at_least:
            population.vigil.sent(stops)
        for child in stops:
            population.look_at_name(child)
        waits_on: dict[int, Clause] = {}
        for child, on in population.waiting.explain():  # the others have the CPU by now, and it may take its time
            population.look_at_name(child)
            self._lookout.sensor.waits(child, child.left_cpu_ns())
            used[child.pid], waits_on[child.pid] = child.cpu_ns(), on
        return Obeyed(started, used, waits_on, at_least)

    def halt(self) -> None:
        """End everything; afterwards nothing of the machine is left."""
        end_all([*self._population.by_os_pid.values()], politely=not self._outside.lost)
        self._population.close()
        self._lookout.close()
        self._reaper.close()
        self._poller.close()

    # Sleeping

    def _sleep(self, deadline_ns: int | None) -> None:
        """Until something can be done, and to the very end of a slice."""
        next_ns = self._next_ns(deadline_ns)
        late_ns = self._pulse.beat(next_ns)
        if self._poller.wait(next_ns):
            self._household.stirred = True
        late_ns += self._pulse.beat()
        if late_ns:
            self._out.fault(None, "stood still", for_ns=late_ns)
        if deadline_ns is not None and not self._clock.frozen:
            self._pace.await_call(deadline_ns)

    def _let_finish(self, now_ns: int) -> None:
        """Finishing beats expiry: to whoever is within an instant of the end of its declared burst it is left."""
        running = self._population.running
        until_ns = now_ns + _INSTANT_NS
        while not self._out and any(child.burst_ends(now_ns, _INSTANT_NS) for child in running.values()):
            self._poller.wait(self._clock.monotonic_ns(until_ns))
            now_ns = self._clock.now_ns()
            if now_ns >= until_ns:
                return
            self._lookout.look(now_ns, last=False)

    def _next_ns(self, deadline_ns: int | None) -> int:
        """When to wake up at the latest (CLOCK_MONOTONIC)."""
        next_ns, clock, born = self._household.next_ns, self._clock, self._population.born
        if clock.frozen:
            return next_ns
        times = [clock.machine_ns(next_ns)]
        if deadline_ns is not None:
            times.append(self._pace.wake_ns(deadline_ns))
        look_ns = self._lookout.next_ns(clock.now_ns())
        if look_ns is not None:
            times.append(look_ns)
        if born:
            times.append(born[0].spec.arrive_ns)
        return clock.monotonic_ns(min(times))

    # The operator

    def _carry(self, command: Command, child: Child | None) -> None:
        self._household.stirred = True
        match command:
            case Kill() if child is not None:
                self._population.undertaker.end(child)
            case Type(_, text) if child is not None:
                self._population.consoles.type(child, text + "\n")
            case Press() if child is not None:
                self._population.press(child, command)
            case Spawn(argv):
                self._population.spawn(argv)

    def _freeze(self) -> None:
        self._clock.freeze(watch_stands=not self._household.ends_pauses)
        self._population.hold_waiting()
        self._household.stirred = True

    def _thaw(self) -> None:
        self._population.waiting.let_go()
        self._clock.thaw()
        self._household.stirred = True
