"""The Linux machine: schedules real processes by signals, or by the cgroup freezer."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Iterable
from typing import Literal

from sandbox.kernel.machine import Carry, Freeze, Happened, Obeyed, Order, Run, Started, Stop, Thaw, Told
from sandbox.machines.clock import Clock
from sandbox.machines.commands import Commands
from sandbox.machines.consoles import Consoles
from sandbox.machines.life import SpawnFailed
from sandbox.machines.linux.blocking.blocked import BlockedProcesses
from sandbox.machines.linux.blocking.detector import Detector
from sandbox.machines.linux.blocking.said import SaidLocks
from sandbox.machines.linux.blocking.sensors.base import SensorContext
from sandbox.machines.linux.blocking.waits import WaitMonitor
from sandbox.machines.linux.cgroup import entered_group
from sandbox.machines.linux.chores import Chores
from sandbox.machines.linux.cpus import CpuAssignment, raise_priority
from sandbox.machines.linux.monopoly import Monopoly
from sandbox.machines.linux.net.monitor import NetMonitor
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.population import Population
from sandbox.machines.linux.process.births import Births
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.memory import MemoryLimits
from sandbox.machines.linux.process.privileges import Privileges
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.process.reaper import Reaper
from sandbox.machines.linux.process.signals import SentSignals
from sandbox.machines.linux.process.terminate import Terminator, end_all, let_end
from sandbox.machines.linux.switching.dispatch import Dispatcher
from sandbox.machines.linux.switching.pinning import Pinning
from sandbox.machines.linux.switching.recipe import RecipeInForce, switching_order
from sandbox.machines.linux.switching.slice_timer import SliceTimer
from sandbox.machines.linux.switching.stolen import StolenTime
from sandbox.machines.linux.switching.stop_monitor import StopMonitor
from sandbox.machines.linux.switching.switch_log import open_switch_log
from sandbox.machines.linux.switching.writes import WriteGuard
from sandbox.machines.linux.unattended import UnattendedRun
from sandbox.machines.operator_link import OperatorLink
from sandbox.machines.reports import Reports
from sandbox.model.commands import Command, Keys, Kill, Press, Resize, Signal, Spawn, Type
from sandbox.model.events import Event, Unseen, Wrote
from sandbox.model.rules import AT_A_CONSOLE
from sandbox.model.spec import Boot, ProcessSpec
from sandbox.util import libc
from sandbox.util.units import US

#: Events on real CPUs within this time count as happening at one instant.
_INSTANT_NS = 300 * US


class LinuxMachine:
    """Runs the processes of a scenario on real CPUs.

    ``boot``: what to run; ``cpus``: the real CPU of each mini CPU, and our own; ``link``: where commands come from.

    It owns all parts and passes each of them what it needs. What concerns several of them is done here: the beginning
    and the end of a process, a switch, a pause. Times are those of the machine, except for those of chores (work other
    than scheduling), which are of CLOCK_MONOTONIC, because chores are done in pauses, too.
    """

    kind: Literal["linux"] = "linux"

    def __init__(self, boot: Boot, cpus: CpuAssignment, link: OperatorLink) -> None:
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
        self._boot = boot
        self._cpus = cpus
        self._link = link
        self._clock = Clock()
        self._reports = Reports(self._clock)
        self._poller = Poller()
        self._table = ProcessTable()
        self._commands = Commands(link, boot.scenario.script, self._clock, self._reports, self._table.echoes)
        # Births and exits of processes
        order = switching_order(boot.recipe, cpus.dedicated)
        self._reaper = Reaper(stops=order == "sequential")
        self._terminator = Terminator()
        self._consoles: Consoles[Child] = Consoles(self._poller, self._reports.wrote, self._reports.terminal)
        self._net = NetMonitor(self._table.by_os_pid, self._poller, self._reports)
        # Switching: which process has a CPU
        self._guard = WriteGuard(cpus.dedicated, self._reports)
        self._timer = SliceTimer(self._clock, self._poller, cpus.dedicated)
        self._group, obstacle = entered_group()
        self._recipe = RecipeInForce(boot.recipe, order, self._group, obstacle, self._table, self._reports)
        self._privileges = Privileges(boot.setuid, self._reports)
        self._expect(boot.scenario.processes)
        self._said = SaidLocks()
        self._births = Births(boot, cpus, self._clock, order == "overlapped", self._said.path)
        self._memory = MemoryLimits(self._group, self._table.by_os_pid.values(), self._reports)
        self._pinning = Pinning(cpus.mini, self._reports)
        self._dispatcher = Dispatcher(self._pinning, self._clock, self._reaper, order == "overlapped", self._guard)
        self._stolen = StolenTime()
        self._stop_monitor = StopMonitor(self._dispatcher, self._guard, self._reports, self._recipe)
        children, expect = self._table.by_os_pid.values(), self._stop_monitor.expect
        self._signals = SentSignals(children, self._reports, expect, self._changed)
        # Blocking: which process can use one
        context = SensorContext(cpus, self._clock, self._poller, self._table)
        self._blocked = BlockedProcesses(self._table.by_os_pid, self._guard, self._reports)
        self._detector = Detector(boot.sensor, context, self._blocked, self._stop_monitor, self._guard, self._reports)
        busy = self._table.running.values
        self._waits = WaitMonitor(self._table.by_os_pid, self._blocked, self._said, self._reports, busy)
        self._switch_log = (
            open_switch_log(cpus.mini, self._clock, self._table.relative, self._reports) if boot.verify else None
        )
        self._population = self._make_population()
        self._chores = self._make_chores()
        self._poller.add(link.fileno(), self._commands.read)

    def _make_population(self) -> Population:
        return Population(
            self._table,
            self._clock,
            self._poller,
            self._reports,
            detector=self._detector,
            blocked=self._blocked,
            stop_monitor=self._stop_monitor,
            reaper=self._reaper,
            terminator=self._terminator,
            consoles=self._consoles,
            net=self._net,
            recipe=self._recipe,
            stolen=self._stolen,
            memory=self._memory,
            privileges=self._privileges,
        )

    def _make_chores(self) -> Chores:
        boot, table, reports = self._boot, self._table, self._reports
        return Chores(
            self._clock,
            self._link,
            table,
            reports,
            attended=boot.attended,
            population=self._population,
            recipe=self._recipe,
            stop_monitor=self._stop_monitor,
            stolen=self._stolen,
            pinning=self._pinning,
            commands=self._commands,
            memory=self._memory,
            terminator=self._terminator,
            net=self._net,
            waits=self._waits,
            signals=self._signals,
            consoles=self._consoles,
            monopoly=Monopoly(table, reports),
            unattended=UnattendedRun(
                boot.scenario, table, self._blocked.by_pid, self._commands, reports, waits=self._waits
            ),
        )

    @property
    def sensor(self) -> str:
        return self._detector.sensor

    @property
    def recipe(self) -> str:
        return self._recipe.name

    @property
    def expects(self) -> bool:
        """Whether an arrival, a scripted command or a report is still to come."""
        return bool(self._table.arriving or self._commands.expected or self._reports)

    # Called by the kernel's loop

    def start(self) -> None:
        """Start the scenario's processes, then the clock."""
        self._spawn_all()
        raise_priority()
        self._timer.start()
        self._clock.start()

    def wait(self, deadline_ns: int | None) -> Happened:
        """Wait until something happens, at most until the deadline.

        At the end of a slice every microsecond counts, so as much as possible is done before sleeping.
        """
        self._timer.begin()
        expiry_ns = None if deadline_ns is None else self._timer.expiry_ns(deadline_ns)
        while True:
            chores_ns = self._chores.do(None if expiry_ns is None else self._clock.monotonic_ns(expiry_ns))
            if self._switch_log is not None:
                self._reports.add(*map(Told, self._switch_log.look(self._clock.now_ns())))
            # Existing reports go to the kernel first, because an arrival has to come before other events of the
            # process.
            now_ns = self._clock.now_ns() if self._reports else self._sleep(expiry_ns, chores_ns)
            expired = expiry_ns is not None and now_ns >= expiry_ns
            if expired and deadline_ns is not None:
                now_ns = self._let_finish(now_ns)
                self._timer.expired(now_ns)
                now_ns = self._clock.round_up(deadline_ns)
            if not self._clock.frozen:
                self._look(now_ns, last=expired)
                if self._table.arriving:
                    self._population.admit_arrivals(now_ns)
            if expired or self._reports:
                break
        for child in self._table.running.values():
            self._reports.used[child.pid] = child.estimated_cpu_ns(now_ns)
        return self._reports.take(now_ns)

    def obey(self, orders: list[Order]) -> Obeyed:
        """Carry out the orders."""
        children = self._table.by_pid
        stops: list[Child] = []
        runs: list[tuple[Child, int]] = []
        obeyed = Obeyed({}, {}, {}, {}, {})
        for order in orders:
            match order:
                case Stop(pid) if pid in children:
                    stops.append(self._take_off(pid))
                case Run(pid, cpu) if pid in children:
                    runs.append((self._take_off(pid), cpu))
                case Freeze():
                    self._explain(obeyed)  # a stopped process does not show what it waits for
                    self._freeze()
                case Thaw():
                    self._thaw()
                case Carry(command, pid):
                    self._carry(command, children.get(pid or 0))
        if stops or runs:
            self._switch(stops, runs)
        for child, _ in runs:
            obeyed.started[child.pid] = Started(child.started_ns, child.started_cpu_ns)
        self._explain(obeyed)  # done while the next process runs already, and stops take effect
        if stops:
            self._close_accounts(stops, obeyed)
        self._guard.switched(stops, runs)
        for child, _ in runs:
            if child.writes and self._guard.sleeps(child):
                del self._table.running[child.pid]
                self._blocked.add(child, None)
        return obeyed

    def _close_accounts(self, stops: list[Child], obeyed: Obeyed) -> None:
        """Add the CPU times of stopped processes."""
        self._dispatcher.confirm()
        stopped_ns = self._clock.machine_ns(self._dispatcher.sent_ns)
        for child in stops:
            cpu_ns = child.cpu_ns()
            (obeyed.used if child.stopping_ns is None else obeyed.at_least)[child.pid] = cpu_ns
            if stolen_ns := self._stolen.end(child, stopped_ns, cpu_ns=cpu_ns):
                obeyed.stolen[child.pid] = stolen_ns
        if obeyed.at_least:
            self._stop_monitor.expect(stops)
        self._population.refresh_names(stops)

    def _explain(self, obeyed: Obeyed) -> None:
        """Add the reasons of waits that have begun since the last time."""
        for child, on in self._blocked.explain():
            self._population.refresh_names((child,))
            self._recipe.look_at_wait(child, on)
            self._detector.explained(child, child.blocked_since_ns())
            self._chores.stirred |= self._blocked.for_others
            obeyed.used[child.pid], obeyed.waits_on[child.pid] = child.cpu_ns(), on
            obeyed.stolen[child.pid] = self._stolen.end(child, child.blocked_ns)
            if on.rule in AT_A_CONSOLE:
                self._consoles.look(child)

    def halt(self) -> list[Event]:
        """End all processes and free all resources. Returns the last output of processes that were given time to end,
        and the unseen CPU time of children."""
        self._clock.freeze(watch_stands=True)
        if not self._link.lost:
            let_end(self._table.by_os_pid, self._listen)
        told = [report.event for report in self._reports.rest() if isinstance(report, Told)]
        unseen = self._population.unseen()
        witnessed = [] if self._switch_log is None else [*self._switch_log.read()]
        end_all([*self._table.by_os_pid.values()], self._group)
        users = (self._memory, self._recipe, self._table, self._consoles, self._population, self._net)
        for part in (*users, self._detector, self._said, self._switch_log, self._reaper, self._poller):
            if part is not None:
                part.close()
        return [event for event in told if isinstance(event, Wrote | Unseen)] + unseen + witnessed

    def _listen(self, until_ns: int) -> bool:
        """Wait at the end of the run (CLOCK_MONOTONIC). Returns False if the other end of the link is gone."""
        self._poller.wait(until_ns)
        self._consoles.tick()
        return not self._link.lost

    # Sleeping and looking

    def _sleep(self, expiry_ns: int | None, chores_ns: int) -> int:
        """Sleep until there is something to do, or exactly until the end of a slice. Returns the time."""
        until_ns = chores_ns if self._clock.frozen else self._next_ns(expiry_ns, chores_ns)
        handled, stalled_ns = self._timer.sleep(until_ns, precisely=expiry_ns is not None and until_ns < chores_ns)
        if handled:
            self._chores.heard()
        if stalled_ns:
            self._reports.fault(None, "stood still", for_ns=stalled_ns)
        if self._detector.forecast.next_ns is not None and not self._clock.frozen:
            self._detector.await_block(expiry_ns)
        if expiry_ns is None or self._clock.frozen:
            return self._clock.now_ns()
        return self._timer.spin(expiry_ns)

    def _next_ns(self, expiry_ns: int | None, chores_ns: int) -> int:
        """Return when to wake up at the latest (CLOCK_MONOTONIC)."""
        clock, arriving = self._clock, self._table.arriving
        next_ns = clock.machine_ns(chores_ns)
        if expiry_ns is not None and (wake_ns := self._timer.wake_ns(expiry_ns)) < next_ns:
            next_ns = wake_ns
        look_ns = self._detector.next_ns(clock.now_ns())
        if look_ns is not None and look_ns < next_ns:
            next_ns = look_ns
        if arriving and arriving[0].spec.arrive_ns < next_ns:
            next_ns = arriving[0].spec.arrive_ns
        return clock.monotonic_ns(next_ns)

    def _let_finish(self, now_ns: int) -> int:
        """Let a process finish that is within an instant of the end of its declared burst, and let one block that is
        about to wait for room, because both have precedence over expiry. Returns the time."""
        until_ns, running = now_ns + _INSTANT_NS, self._table.running.values()
        while not self._reports and now_ns < until_ns:
            for child in running:
                if child.burst_ends(now_ns, _INSTANT_NS):
                    break
            else:
                break
            self._poller.wait(self._clock.monotonic_ns(until_ns))
            now_ns = self._clock.now_ns()
            if now_ns < until_ns:
                self._look(now_ns, last=False)
        for child in running:
            if child.may_write:
                self._guard.let_fill(running)
                return self._clock.now_ns()
        return now_ns

    def _look(self, now_ns: int, last: bool) -> None:
        """Find processes that have blocked, woken up or forked. ``last``: a slice has just expired; a block at the same
        time still counts as a block."""
        if not self._detector.sees_nothing(now_ns, last):
            self._population.look(now_ns)
            self._detector.look(now_ns, last)

    # Switching

    def _take_off(self, pid: int) -> Child:
        """Remove the process from the running and the blocked ones."""
        self._table.running.pop(pid, None)
        self._blocked.by_pid.pop(pid, None)
        return self._table.by_pid[pid]

    def _switch(self, stops: list[Child], runs: list[tuple[Child, int]]) -> None:
        self._recipe.look_at_handlers(stops)
        self._dispatcher.switch(stops, runs)
        stopped_ns = self._clock.machine_ns(self._dispatcher.sent_ns) if stops else None
        self._timer.switched(stopped_ns, runs[-1][0].started_ns if runs else None)
        for child, _ in runs:
            self._table.running[child.pid] = child
            self._stolen.begin(child)
            self._detector.dispatched(child)
            if child.held:
                self._detector.found_held(child)

    def _freeze(self) -> None:
        """Begin a pause, in which blocked processes are stopped, too."""
        self._clock.freeze(watch_stands=not self._commands.script_ends_pauses)
        self._blocked.stop()
        self._stop_monitor.expect(self._blocked.by_pid.values())
        self._chores.stirred = True

    def _thaw(self) -> None:
        if self._switch_log is not None:  # its times are converted with the offset of the time before this pause
            self._reports.add(*map(Told, self._switch_log.read()))
        self._blocked.resume()
        self._clock.thaw()
        self._chores.stirred = True

    # Commands

    def _carry(self, command: Command, child: Child | None) -> None:
        self._chores.stirred = True
        match command:
            case Kill() if child is not None:
                self._terminator.terminate(child)
            case Signal(_, name) if child is not None:
                self._dispatcher.careful = True  # the signal may stop it
                self._signals.send(child, name)
            case Type(_, text) if child is not None:
                self._consoles.type(child, text + "\n")
            case Press() if child is not None:
                self._type_keys(child, command.character)
            case Keys(_, text) if child is not None:
                self._type_keys(child, text)
            case Resize(_, rows, columns) if child is not None:
                self._consoles.resize(child, rows, columns)
            case Spawn(argv):
                self._spawn(argv)

    def _changed(self, child: Child) -> bool:
        """Take in that a signal has had its effect. Returns whether it has been taken in completely."""
        waits = child.pid in self._blocked.by_pid and child.state()[0] != "R"
        return not waits or self._blocked.blocked_again(child, self._clock.now_ns())

    def _type_keys(self, child: Child, keys: str) -> None:
        """Type keys into a process's console, which it may share with its descendants."""
        self._signals.by_keys(keys, child)
        self._dispatcher.prepare_for_keys(keys, child.console, self._table.by_os_pid.values())
        self._consoles.type(child, keys)

    # Births of processes

    def _spawn_all(self) -> None:
        """Start the scenario's processes, each of which is stopped until its arrival."""
        born = [
            child for outcome in self._births.all(self._link.dismissed) if (child := self._add(outcome)) is not None
        ]
        if self._boot.shared:
            self._reports.fault(None, "shares its CPUs", cpus=", ".join(map(str, self._boot.shared)))
        for rule, reason in self._births.done_without:
            self._reports.fault(None, rule, reason=reason)
            if rule == "not a batch task":
                self._dispatcher.wait_for_stops()
        self._table.arriving.extend(sorted(born, key=lambda child: child.spec.arrive_ns))

    def _spawn(self, argv: list[str]) -> None:
        """Start a program for the operator."""
        child = self._add(self._births.one(argv, self._expect))
        if child is not None:
            self._population.admit(child)

    def _expect(self, specs: Iterable[ProcessSpec]) -> None:
        """Report what is known about processes before they are started."""
        self._recipe.expect(specs)
        self._privileges.expect(specs)

    def _add(self, outcome: Child | SpawnFailed) -> Child | None:
        """Add a process that was started, or report why it could not be."""
        if isinstance(outcome, SpawnFailed):
            self._reports.fault(None, outcome.what.rule, **outcome.what.figures)
            return None
        self._table.add(outcome)
        self._memory.born(outcome)
        self._recipe.born(outcome)
        self._stop_monitor.add(outcome)
        self._dispatcher.careful |= outcome.spec.work is None
        return outcome
