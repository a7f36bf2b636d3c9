"""The linux machine: real processes, scheduled by signals."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from itertools import takewhile
from typing import Literal

from sandbox.kernel.machine import (
    Arrived,
    Carry,
    Ended,
    Freeze,
    Happened,
    Obeyed,
    Order,
    Run,
    Started,
    Stop,
    Thaw,
    Told,
)
from sandbox.machines.linux.blocking.blocked import BlockedProcesses
from sandbox.machines.linux.blocking.detector import Detector
from sandbox.machines.linux.blocking.sensors.base import SensorContext
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.commands import Commands, OperatorLink
from sandbox.machines.linux.cpus import CpuAssignment, raise_priority
from sandbox.machines.linux.net.listeners import Listeners
from sandbox.machines.linux.net.monitor import NetMonitor
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.process.consoles import Consoles
from sandbox.machines.linux.process.descendants import DescendantScanner
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.process.reaper import Reaper, exit_status
from sandbox.machines.linux.process.spawn import Spawner, SpawnFailed, operators_program
from sandbox.machines.linux.process.terminate import Terminator, end_all
from sandbox.machines.linux.reports import Reports
from sandbox.machines.linux.switching.dispatch import Dispatcher
from sandbox.machines.linux.switching.slice_timer import SliceTimer
from sandbox.machines.linux.switching.stop_monitor import StopMonitor
from sandbox.machines.linux.switching.switch_log import SwitchLog
from sandbox.machines.linux.unattended import UnattendedRun
from sandbox.model.commands import Command, Keys, Kill, Press, Resize, Spawn, Type
from sandbox.model.events import AT_A_CONSOLE, Clause
from sandbox.model.spec import Boot
from sandbox.util import libc
from sandbox.util.units import US

#: What happens within so long on real CPUs counts as happening at one instant.
_INSTANT_NS = 300 * US
#: What a terminal sends for that key.
_CTRL_Z = "\x1a"


class LinuxMachine:
    """Processes of a scenario on real CPUs.

    ``boot``: what to run; ``cpus``: the real CPU of each mini CPU, and our own; ``recipe``: how the dispatcher
    switches; ``link``: where commands come from.

    It owns all parts and hands each of them what that needs. What concerns several of them is done here: the beginning
    and the end of a process, a switch, a pause. Times are the machine's, but those of chores (what is due beside
    scheduling) are of CLOCK_MONOTONIC, because chores have to be done in a pause, too.
    """

    kind: Literal["linux"] = "linux"
    #: There is one from ``start`` on.
    _spawner: Spawner

    def __init__(self, boot: Boot, cpus: CpuAssignment, recipe: str, link: OperatorLink) -> None:
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
        self._boot = boot
        self._cpus = cpus
        self._link = link
        self._clock = Clock()
        self._reports = Reports(self._clock)
        self._poller = Poller()
        self._table = ProcessTable()
        self._commands = Commands(link, boot.scenario.script, self._clock, self._reports)
        # Processes: how they begin and end.
        self._reaper = Reaper(stops=recipe == "sequential")
        self._scanner = DescendantScanner(self._table, self._reports)
        self._terminator = Terminator()
        self._consoles = Consoles(self._poller, self._reports.wrote, self._reports.terminal)
        self._net = NetMonitor(self._table.by_os_pid, self._poller, self._reports)
        # Switching: which of them has a CPU.
        self._timer = SliceTimer(self._clock, self._poller, cpus.dedicated)
        self._dispatcher = Dispatcher(cpus.mini, self._clock, self._reaper, recipe)
        self._stop_monitor = StopMonitor(self._dispatcher, self._reports)
        # Blocking: which of them can use one.
        context = SensorContext(cpus, self._clock, self._poller, self._table)
        self._blocked = BlockedProcesses(self._table.by_os_pid, self._reports)
        self._detector = Detector(boot.sensor, context, self._blocked, self._stop_monitor, self._reports)
        self._switch_log = self._open_switch_log() if boot.verify else None
        # Chores.
        self._unattended = UnattendedRun(
            boot.scenario, self._table, self._blocked.by_pid, self._commands, self._reports
        )
        self._chores_due_ns = 0
        #: Something has happened that chores may have to follow up.
        self._stirred = True
        self._poller.add(self._reaper.fileno(), self._reap_ended)
        self._poller.add(link.fileno(), self._commands.read)

    def _open_switch_log(self) -> SwitchLog | None:
        try:
            return SwitchLog(self._cpus.mini, self._clock, self._table.by_os_pid)
        except OSError as error:
            self._reports.fault(None, "no witness", reason=error.strerror)
            return None

    @property
    def sensor(self) -> str:
        return self._detector.sensor

    @property
    def recipe(self) -> str:
        return self._dispatcher.recipe

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
            self._do_chores()
            if not self._reports:  # else the kernel is told first: of an arrival before anything else of that process
                self._sleep(deadline_ns)
            now_ns = self._clock.now_ns()
            expired = deadline_ns is not None and now_ns >= self._timer.expiry_ns(deadline_ns)
            if expired and deadline_ns is not None:
                self._let_finish(now_ns)
                self._timer.expired()
                now_ns = self._clock.round_up(deadline_ns)
            if not self._clock.frozen:
                self._look(now_ns, last=expired)
                self._admit_arrivals(now_ns)
            if self._reports or expired:
                break
        for child in self._table.running.values():
            self._reports.used[child.pid] = child.estimated_cpu_ns(now_ns)
        return self._reports.take(now_ns)

    def obey(self, orders: list[Order]) -> Obeyed:
        """Make the orders true by signals."""
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
        used = {child.pid: child.cpu_ns() for child in stops if child.stopping_ns is None}
        at_least = {child.pid: child.cpu_ns() for child in stops if child.stopping_ns is not None}
        if at_least:
            self._stop_monitor.expect(stops)
        self._refresh_names(stops)
        waits_on: dict[int, Clause] = {}
        for child, on in self._blocked.explain():  # another one has the CPU by now, and it may take its time
            self._refresh_names((child,))
            self._detector.explained(child, child.blocked_since_ns())
            used[child.pid], waits_on[child.pid] = child.cpu_ns(), on
            if on.rule in AT_A_CONSOLE:
                self._consoles.look(child)
        return Obeyed(started, used, waits_on, at_least)

    def halt(self) -> None:
        """End everything; afterwards nothing of the machine is left."""
        end_all([*self._table.by_os_pid.values()], politely=not self._link.lost)
        self._table.close()
        self._consoles.close()
        self._scanner.close()
        self._net.close()
        self._detector.close()
        if self._switch_log is not None:
            self._switch_log.close()
        self._reaper.close()
        self._poller.close()

    # Sleeping and looking

    def _sleep(self, deadline_ns: int | None) -> None:
        """Until something can be done, and to the very end of a slice."""
        handled, stalled_ns = self._timer.sleep(self._next_ns(deadline_ns))
        if handled:
            self._stirred = True
        if stalled_ns:
            self._reports.fault(None, "stood still", for_ns=stalled_ns)
        if deadline_ns is not None and not self._clock.frozen:
            self._timer.spin(deadline_ns)

    def _next_ns(self, deadline_ns: int | None) -> int:
        """When to wake up at the latest (CLOCK_MONOTONIC)."""
        chores_ns, clock, arriving = self._next_chore_ns(), self._clock, self._table.arriving
        if clock.frozen:
            return chores_ns
        times = [clock.machine_ns(chores_ns)]
        if deadline_ns is not None:
            times.append(self._timer.wake_ns(deadline_ns))
        look_ns = self._detector.next_ns(clock.now_ns())
        if look_ns is not None:
            times.append(look_ns)
        if arriving:
            times.append(arriving[0].spec.arrive_ns)
        return clock.monotonic_ns(min(times))

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
        if self._detector.forked(now_ns):
            self._adopt_descendants()
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
        self._dispatcher.switch(stops, runs)
        stopped_ns = self._clock.machine_ns(self._dispatcher.sent_ns) if stops else None
        self._timer.switched(stopped_ns, runs[-1][0].started_ns if runs else None)
        for child, _ in runs:
            self._table.running[child.pid] = child
            self._detector.dispatched(child)

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

    def _type_keys(self, child: Child, keys: str) -> None:
        """Press keys in a process's console, which it may share with its descendants."""
        if _CTRL_Z in keys:
            for each in self._table.by_pid.values():
                each.suspended |= each.console is child.console
        self._consoles.type(child, keys)

    # How processes begin

    def _spawn_all(self) -> None:
        """Spawn the scenario's processes, all of them before the clock starts: each waits, stopped, for its arrival,
        because a fork in the middle of a run would take the dispatcher's time. A thousand of them take seconds: none
        is begun once we are dismissed."""
        scenario = self._boot.scenario
        listeners = Listeners(scenario.processes, self._boot.exposed)
        self._spawner = Spawner(self._cpus.mini[0], scenario.folder, listeners, self._clock.zero)
        specs = takewhile(lambda _: not self._link.dismissed(), scenario.processes)
        spawned = [child for outcome in self._spawner.spawn_many(specs) if (child := self._add(outcome)) is not None]
        listeners.close()
        self._table.arriving.extend(sorted(spawned, key=lambda child: child.spec.arrive_ns))

    def _spawn(self, argv: list[str]) -> None:
        """Start a program that the operator asks for, where the operator is."""
        outcome: Child | SpawnFailed
        try:
            outcome = self._spawner.spawn(operators_program(argv), folder=".")
        except SpawnFailed as failure:
            outcome = failure
        child = self._add(outcome)
        if child is not None:
            self._admit(child)

    def _add(self, outcome: Child | SpawnFailed) -> Child | None:
        """Take in a process that was spawned; one that could not be is told of."""
        if isinstance(outcome, SpawnFailed):
            self._reports.fault(None, outcome.what.rule, **outcome.what.figures)
            return None
        self._table.add(outcome)
        self._stop_monitor.add(outcome)
        return outcome

    def _adopt_descendants(self) -> None:
        """What children have forked is admitted like any other process; it goes on running meanwhile."""
        for child in self._scanner.scan():
            child.mode = Mode.RUNNING
            self._table.add(child)
            self._stop_monitor.add(child)
            self._poller.add(child.pidfd, partial(self._reap_adopted, child))
            self._admit(child, continued=True)

    def _admit_arrivals(self, now_ns: int) -> None:
        """Those whose time has come, in scenario order."""
        arriving = self._table.arriving
        while arriving and arriving[0].spec.arrive_ns <= now_ns:
            self._admit(arriving.popleft())

    def _admit(self, child: Child, continued: bool = False) -> None:
        self._table.admit(child)
        self._consoles.add(child)
        self._net.add(child)
        parent = child.parent.pid if child.parent else None
        self._reports.add(Arrived(child.pid, child.spec, child.order, child.os_pid, parent, continued))

    def _refresh_names(self, children: Iterable[Child]) -> None:
        """One that was found may have become another program since."""
        for child in children:
            if not child.forked:
                self._scanner.refresh_name(child)

    # How processes end

    def _reap_ended(self) -> None:
        """Children have ended: ours, and orphans that came to us."""
        self._reaper.clear()
        for os_pid, code, number in self._reaper.ends():
            child = self._table.by_os_pid.get(os_pid)
            if child is not None:  # else an orphan that ended before it was found
                self._reap(child, code, number)

    def _reap_adopted(self, child: Child) -> None:
        """An adopted process has ended; its status went to its parent, unless that is us by now."""
        if self._table.by_os_pid.get(child.os_pid) is child:
            self._reap(child, *exit_status(child.pidfd, child.stat_fd))

    def _reap(self, child: Child, code: int | None, number: int | None) -> None:
        child.mode = Mode.ENDED
        cpu_ns = child.cpu_ns()
        self._poller.remove(child.pidfd)
        self._terminator.remove(child)
        self._stop_monitor.remove(child)
        self._table.remove(child)
        if child.pid:
            self._blocked.by_pid.pop(child.pid, None)
            self._consoles.remove(child)
            self._reports.add(Ended(child.pid, cpu_ns, code, number))
        else:
            self._reports.fault(None, "ended before its arrival", name=child.spec.name)
            if child.console is not None:
                child.console.close()
        child.close()

    # Chores

    def _do_chores(self) -> None:
        """Do all of them in one go, when the first is due or something has stirred: most turns of the loop are the end
        of a slice and nothing else."""
        if not self._stirred and time.monotonic_ns() < self._next_chore_ns():
            return
        self._stirred = False
        self._adopt_descendants()
        self._stop_monitor.check()
        self._commands.check()
        self._terminator.escalate()
        self._net.look()
        self._consoles.tick()
        self._consoles.hold_back(self._link.behind)
        if not (self._boot.attended or self._clock.frozen):
            self._unattended.check(self._clock.now_ns())
        times = (self._terminator.next_ns, self._consoles.next_ns, self._commands.next_ns)
        latest_ns = time.monotonic_ns() + self._unattended.pause_ns
        self._chores_due_ns = min([latest_ns, *(at_ns for at_ns in times if at_ns is not None)])

    def _next_chore_ns(self) -> int:
        due_ns = min(self._chores_due_ns, self._stop_monitor.next_ns, self._net.next_ns)
        check_ns = self._link.next_check_ns
        return due_ns if check_ns is None else min(due_ns, check_ns)
