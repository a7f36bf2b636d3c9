"""The linux machine: real processes, scheduled by signals, or by freezing them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Literal

from sandbox.kernel.machine import Carry, Freeze, Happened, Obeyed, Order, Run, Started, Stop, Thaw, Told
from sandbox.machines.linux.blocking.blocked import BlockedProcesses
from sandbox.machines.linux.blocking.detector import Detector
from sandbox.machines.linux.blocking.said import SaidLocks
from sandbox.machines.linux.blocking.sensors.base import SensorContext
from sandbox.machines.linux.blocking.waits import WaitMonitor
from sandbox.machines.linux.cgroup import entered_group
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.commands import Commands
from sandbox.machines.linux.cpus import CpuAssignment, raise_priority
from sandbox.machines.linux.monopoly import Monopoly
from sandbox.machines.linux.net.monitor import NetMonitor
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.population import Population
from sandbox.machines.linux.process.births import Births
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.consoles import Consoles
from sandbox.machines.linux.process.memory import MemoryLimits
from sandbox.machines.linux.process.privileges import Privileges
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.process.reaper import Reaper
from sandbox.machines.linux.process.signals import SentSignals
from sandbox.machines.linux.process.spawn import SpawnFailed
from sandbox.machines.linux.process.terminate import Terminator, end_all, let_end
from sandbox.machines.linux.reports import Reports
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
from sandbox.model.commands import Command, Keys, Kill, Press, Resize, Signal, Spawn, Type
from sandbox.model.events import Event, Unseen, Wrote
from sandbox.model.rules import AT_A_CONSOLE
from sandbox.model.spec import Boot, ProcessSpec
from sandbox.util import libc
from sandbox.util.units import US

#: What happens within so long on real CPUs counts as happening at one instant.
_INSTANT_NS = 300 * US
#: What a terminal sends for that key.
_CTRL_Z = "\x1a"


class LinuxMachine:
    """Processes of a scenario on real CPUs.

    ``boot``: what to run; ``cpus``: the real CPU of each mini CPU, and our own; ``link``: where commands come from.

    It owns all parts and hands each of them what that needs. What concerns several of them is done here: the beginning
    and the end of a process, a switch, a pause. Times are the machine's, but those of chores (what is due beside
    scheduling) are of CLOCK_MONOTONIC, because chores have to be done in a pause, too.
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
        # Processes: how they begin and end.
        order = switching_order(boot.recipe, cpus.dedicated)
        self._reaper = Reaper(stops=order == "sequential")
        self._terminator = Terminator()
        self._consoles = Consoles(self._poller, self._reports.wrote, self._reports.terminal)
        self._net = NetMonitor(self._table.by_os_pid, self._poller, self._reports)
        # Switching: which of them has a CPU.
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
        self._signals = SentSignals(lambda child: self._stop_monitor.expect([child]), self._changed)
        # Blocking: which of them can use one.
        context = SensorContext(cpus, self._clock, self._poller, self._table)
        self._blocked = BlockedProcesses(self._table.by_os_pid, self._guard, self._reports)
        self._detector = Detector(boot.sensor, context, self._blocked, self._stop_monitor, self._guard, self._reports)
        self._waits = WaitMonitor(self._table.by_os_pid, self._blocked, self._said, self._reports)
        self._switch_log = (
            open_switch_log(cpus.mini, self._clock, self._table.by_os_pid, self._reports) if boot.verify else None
        )
        self._population = self._make_population()
        # Chores.
        self._unattended = UnattendedRun(
            boot.scenario, self._table, self._blocked.by_pid, self._commands, self._reports, waits=self._waits
        )
        self._monopoly = Monopoly(self._table, self._reports)
        self._chores_due_ns = 0
        #: Something has happened that chores may have to follow up.
        self._stirred = True
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

    # What the loop calls

    def start(self) -> None:
        """Spawn the scenario's processes; the clock starts when that is done."""
        self._spawn_all()
        raise_priority()
        self._timer.start()
        self._clock.start()

    def wait(self, deadline_ns: int | None) -> Happened:
        """Wait until something happens, at most until the deadline.

        At the end of a slice every moment counts: what can be done before we sleep is done before.
        """
        self._timer.begin()
        while True:
            chores_ns = self._do_chores()
            if not self._reports:  # else the kernel is told first: of an arrival before anything else of that process
                self._sleep(deadline_ns, chores_ns)
            now_ns = self._clock.now_ns()
            expired = deadline_ns is not None and now_ns >= self._timer.expiry_ns(deadline_ns)
            if expired and deadline_ns is not None:
                self._let_finish(now_ns)
                self._guard.let_fill(self._table.running.values())
                self._timer.expired()
                now_ns = self._clock.round_up(deadline_ns)
            if not self._clock.frozen:
                self._look(now_ns, last=expired)
                self._population.admit_arrivals(now_ns)
            if self._reports or expired:
                break
        for child in self._table.running.values():
            self._reports.used[child.pid] = child.estimated_cpu_ns(now_ns)
        return self._reports.take(now_ns)

    def obey(self, orders: list[Order]) -> Obeyed:
        """Make the orders true."""
        children = self._table.by_pid
        stops: list[Child] = []
        runs: list[tuple[Child, int]] = []
        for order in orders:
            match order:
                case Stop(pid) if pid in children:
                    stops.append(self._take_off(pid))
                case Run(pid, cpu) if pid in children:
                    runs.append((self._take_off(pid), cpu))
                case Freeze():
                    self._freeze()
                case Thaw():
                    self._thaw()
                case Carry(command, pid):
                    self._carry(command, children.get(pid or 0))
        if stops or runs:
            self._switch(stops, runs)
        started = {child.pid: Started(child.started_ns, child.started_cpu_ns) for child, _ in runs}
        obeyed = Obeyed(started, {}, {}, {}, {})
        self._explain(obeyed)  # another one has the CPU by now, and stops take a moment
        self._dispatcher.confirm()
        stopped_ns = self._clock.machine_ns(self._dispatcher.sent_ns)
        for child in stops:
            cpu_ns = child.cpu_ns()
            (obeyed.used if child.stopping_ns is None else obeyed.at_least)[child.pid] = cpu_ns
            if child.turn_ns is not None:
                obeyed.stolen[child.pid] = self._stolen.end(child, stopped_ns, cpu_ns=cpu_ns)
        if obeyed.at_least:
            self._stop_monitor.expect(stops)
        self._population.refresh_names(stops)
        self._guard.switched(stops, runs)
        for child, _ in runs:
            if self._guard.sleeps(child):
                del self._table.running[child.pid]
                self._blocked.add(child, None)
        return obeyed

    def _explain(self, obeyed: Obeyed) -> None:
        """On what those are blocked that were added since the last time."""
        for child, on in self._blocked.explain():
            self._population.refresh_names((child,))
            self._recipe.look_at_wait(child, on)
            self._detector.explained(child, child.blocked_since_ns())
            self._stirred |= self._blocked.for_others
            obeyed.used[child.pid], obeyed.waits_on[child.pid] = child.cpu_ns(), on
            obeyed.stolen[child.pid] = self._stolen.end(child, child.blocked_ns)
            if on.rule in AT_A_CONSOLE:
                self._consoles.look(child)

    def halt(self) -> list[Event]:
        """End everything; afterwards nothing of the machine is left. The last words of those that were given the time
        to end by themselves, and what nobody saw of their children."""
        self._clock.freeze(watch_stands=True)
        if not self._link.lost:
            let_end(self._table.by_os_pid, self._listen)
        told = [report.event for report in self._reports.rest() if isinstance(report, Told)]
        unseen = self._population.unseen()
        end_all([*self._table.by_os_pid.values()], self._group)
        users = (self._memory, self._recipe, self._table, self._consoles, self._population, self._net)
        for part in (*users, self._detector, self._said, self._switch_log, self._reaper, self._poller):
            if part is not None:
                part.close()
        return [event for event in told if isinstance(event, Wrote | Unseen)] + unseen

    def _listen(self, until_ns: int) -> bool:
        """At the end of the run, until then (CLOCK_MONOTONIC); False: nobody waits for that."""
        self._poller.wait(until_ns)
        self._consoles.tick()
        return not self._link.lost

    # Sleeping and looking

    def _sleep(self, deadline_ns: int | None, chores_ns: int) -> None:
        """Until something can be done, and to the very end of a slice."""
        handled, stalled_ns = self._timer.sleep(self._next_ns(deadline_ns, chores_ns))
        if handled:
            self._stirred = True
        if stalled_ns:
            self._reports.fault(None, "stood still", for_ns=stalled_ns)
        if deadline_ns is not None and not self._clock.frozen:
            self._timer.spin(deadline_ns)

    def _next_ns(self, deadline_ns: int | None, chores_ns: int) -> int:
        """When to wake up at the latest (CLOCK_MONOTONIC)."""
        clock, arriving = self._clock, self._table.arriving
        if clock.frozen:
            return chores_ns
        next_ns = clock.machine_ns(chores_ns)
        if deadline_ns is not None and (wake_ns := self._timer.wake_ns(deadline_ns)) < next_ns:
            next_ns = wake_ns
        look_ns = self._detector.next_ns(clock.now_ns())
        if look_ns is not None and look_ns < next_ns:
            next_ns = look_ns
        if arriving and arriving[0].spec.arrive_ns < next_ns:
            next_ns = arriving[0].spec.arrive_ns
        return clock.monotonic_ns(next_ns)

    def _let_finish(self, now_ns: int) -> None:
        """Finishing beats expiry: a process within an instant of the end of its declared burst may get there."""
        running = self._table.running
        until_ns = now_ns + _INSTANT_NS
        while not self._reports and any(child.burst_ends(now_ns, _INSTANT_NS) for child in running.values()):
            self._poller.wait(self._clock.monotonic_ns(until_ns))
            now_ns = self._clock.now_ns()
            if now_ns >= until_ns:
                return
            self._look(now_ns, last=False)

    def _look(self, now_ns: int, last: bool) -> None:
        """See what has blocked, woken, forked. ``last``: a slice has just expired; a block at the same moment counts as
        a block."""
        self._population.look(now_ns)
        self._detector.look(now_ns, last)
        if self._switch_log is not None:
            self._reports.add(*map(Told, self._switch_log.read()))

    # Switching

    def _take_off(self, pid: int) -> Child:
        """Wherever the process was, it is neither running nor blocked for now."""
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
        """Those that are blocked stand still in a pause, too."""
        self._clock.freeze(watch_stands=not self._commands.script_ends_pauses)
        self._blocked.stop()
        self._stop_monitor.expect(self._blocked.by_pid.values())
        self._stirred = True

    def _thaw(self) -> None:
        self._blocked.resume()
        self._clock.thaw()
        self._stirred = True

    # Commands

    def _carry(self, command: Command, child: Child | None) -> None:
        self._stirred = True
        match command:
            case Kill() if child is not None:
                self._terminator.terminate(child)
            case Signal(_, name) if child is not None:
                self._dispatcher.careful = True  # it may stop by it
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
        """A blocked one has stopped by a signal that was sent, or waits on after one."""
        waits = child.pid in self._blocked.by_pid and child.state()[0] != "R"
        return not waits or self._blocked.blocked_again(child, self._clock.now_ns())

    def _type_keys(self, child: Child, keys: str) -> None:
        """Press keys in a process's console, which it may share with its descendants."""
        self._dispatcher.careful |= _CTRL_Z in keys
        self._consoles.type(child, keys)

    # How processes begin

    def _spawn_all(self) -> None:
        """Spawn the scenario's processes; each waits, stopped, for its arrival."""
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
        """Start a program that the operator asks for."""
        child = self._add(self._births.one(argv, self._expect))
        if child is not None:
            self._population.admit(child)

    def _expect(self, specs: Iterable[ProcessSpec]) -> None:
        """These will be started: what can be told of them before?"""
        self._recipe.expect(specs)
        self._privileges.expect(specs)

    def _add(self, outcome: Child | SpawnFailed) -> Child | None:
        """Take in a process that was spawned; one that could not be is told of."""
        if isinstance(outcome, SpawnFailed):
            self._reports.fault(None, outcome.what.rule, **outcome.what.figures)
            return None
        self._table.add(outcome)
        self._memory.born(outcome)
        self._recipe.born(outcome)
        self._stop_monitor.add(outcome)
        self._dispatcher.careful |= outcome.spec.work is None
        return outcome

    # Chores

    def _do_chores(self) -> int:
        """Do all of them in one go, when the first is due or something has stirred: most turns of the loop are the end
        of a slice and nothing else. Returns when the next one is due."""
        if not self._stirred and time.monotonic_ns() < (due_ns := self._next_chore_ns()):
            return due_ns
        self._stirred = False
        self._population.scan()
        self._recipe.check()
        self._stop_monitor.check()
        self._account_long_turns()
        self._pinning.check(self._table.running.values())
        self._commands.check()
        self._memory.check()
        self._terminator.escalate()
        self._net.look()
        self._waits.look(self._clock.frozen)
        self._population.remains.look()
        self._signals.look()
        self._consoles.tick()
        # In a pause nobody shall get on with a write because we have made room for it.
        self._consoles.hold_back(self._link.behind or (self._clock.frozen and self._stop_monitor.spares))
        if not self._clock.frozen:
            self._monopoly.check(self._clock.now_ns())
            if not self._boot.attended:
                self._unattended.check(self._clock.now_ns())
        times = (self._terminator.next_ns, self._consoles.next_ns, self._commands.next_ns, self._memory.next_ns)
        latest_ns = time.monotonic_ns() + (self._recipe.pause_ns or self._unattended.pause_ns)
        self._chores_due_ns = min([latest_ns, *(at_ns for at_ns in times if at_ns is not None)])
        return self._next_chore_ns()

    def _account_long_turns(self) -> None:
        """A turn may last for as long as the run."""
        now_ns = self._clock.now_ns()
        for child in self._table.running.values():
            self._reports.add_stolen(child, self._stolen.end_piece(child, now_ns))

    def _next_chore_ns(self) -> int:
        parts = (self._stop_monitor, self._net, self._waits, self._population.remains, self._signals)
        due_ns = min(self._chores_due_ns, *(part.next_ns for part in parts))
        check_ns = self._link.next_check_ns
        return due_ns if check_ns is None else min(due_ns, check_ns)
