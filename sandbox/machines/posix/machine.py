"""The machine for UNIX systems other than Linux: schedules real processes by signals alone.

It has neither pinned CPUs nor records of switches, and does not know the reasons of waits. Blocks are detected by
polling, see ``accounts``; exits by SIGCHLD. Descendants of a process are not on the board: they run, stop and end
together with it.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import signal
import time
from collections import deque
from itertools import count
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
    Waits,
    Woke,
)
from sandbox.machines.clock import Clock
from sandbox.machines.commands import Commands
from sandbox.machines.consoles import Consoles
from sandbox.machines.life import SpawnFailed, operators_program
from sandbox.machines.operator_link import OperatorLink
from sandbox.machines.posix.accounts import find_out
from sandbox.machines.posix.births import Births, wakes_on_children
from sandbox.machines.posix.child import Child, Mode
from sandbox.machines.posix.ending import Terminator, let_end
from sandbox.machines.posix.keeper import Keeper
from sandbox.machines.posix.poller import Poller
from sandbox.machines.posix.sensor import Sensor
from sandbox.machines.reports import Reports
from sandbox.model.commands import Command, Keys, Kill, Press, Resize, Signal, Spawn, Type
from sandbox.model.events import Clause, Event, Wrote
from sandbox.model.spec import Boot, ProcessSpec
from sandbox.util.units import MS

#: How often processes are checked for waits, and how often other work is done.
_LOOK_NS, _CHORES_NS = 2 * MS, 50 * MS
_STOPPED = Clause("stopped itself")


class PosixMachine:
    """Schedules real processes by signals. ``boot``: what to run; ``link``: where commands come from."""

    kind: Literal["posix"] = "posix"
    sensor = "psutil"
    recipe = "sequential"

    def __init__(self, boot: Boot, link: OperatorLink) -> None:
        self._boot, self._link = boot, link
        self._clock = Clock()
        self._poller = Poller()
        self._reports = Reports(self._clock)
        self._wakes = wakes_on_children()
        self._keeper = Keeper()
        self._knowledge = find_out(self._keeper.os_pid)
        self._sensor = Sensor(self._knowledge)
        self._consoles: Consoles[Child] = Consoles(self._poller, self._reports.wrote, self._reports.terminal)
        self._commands = Commands(link, boot.scenario.script, self._clock, self._reports, self._echoes)
        self._terminator = Terminator()
        self._arriving: deque[Child] = deque()
        self._by_pid: dict[int, Child] = {}
        self._pids = count(1)
        self._poller.add(link.fileno(), self._commands.read)
        self._poller.add(self._wakes.fileno(), self._hear_wakes)

    @property
    def expects(self) -> bool:
        """Whether an arrival, a scripted command or a report is still to come."""
        return bool(self._arriving or self._commands.expected or self._reports)

    # Called by the kernel's loop

    def start(self) -> None:
        """Start the scenario's processes, then the clock."""
        self._births = Births(self._boot.scenario.folder, self._clock.zero, self._keeper)
        born: list[Child] = []
        for order, spec in enumerate(self._boot.scenario.processes):
            if self._link.dismissed():
                break
            if (child := self._spawn(spec, order)) is not None:
                born.append(child)
        self._arriving.extend(sorted(born, key=lambda child: child.spec.arrive_ns))
        self._clock.start()

    def wait(self, deadline_ns: int | None) -> Happened:
        """Wait until something happens, at most until the deadline."""
        while True:
            self._do_chores()
            now_ns = self._clock.now_ns()
            expired = deadline_ns is not None and now_ns >= deadline_ns
            if not self._reports and not self._clock.frozen:
                self._look(now_ns)
                self._admit_arrivals(now_ns)
            if self._reports or expired:
                break
            self._poller.wait(self._next_ns(deadline_ns))
        now_ns = self._clock.now_ns()
        for child in self._by_pid.values():
            if child.mode is Mode.RUNNING:
                self._reports.used[child.pid] = child.estimated_cpu_ns(now_ns, self._knowledge.tick_ns)
        return self._reports.take(now_ns)

    def obey(self, orders: list[Order]) -> Obeyed:
        """Carry out the orders. Each stop is confirmed before a process is continued."""
        obeyed = Obeyed({}, {}, {}, {}, {})
        for order in orders:
            match order:
                case Stop(pid) if pid in self._by_pid:
                    self._stop(self._by_pid[pid], obeyed)
                case Freeze():
                    self._freeze()
                case Thaw():
                    self._thaw()
                case Carry(command, pid):
                    self._carry(command, self._by_pid.get(pid or 0))
        for order in orders:
            if isinstance(order, Run) and (child := self._by_pid.get(order.pid)) is not None:
                self._run(child)
                obeyed.started[child.pid] = Started(child.started_ns, child.started_cpu_ns)
        return obeyed

    def halt(self) -> list[Event]:
        """End all processes and free all resources."""
        self._clock.freeze(watch_stands=True)
        living = [child for child in (*self._by_pid.values(), *self._arriving) if child.ended is None]
        let_end(living, politely=not self._link.lost, listen=self._listen)
        for child in living:
            self._keeper.gone(child.os_pid)
            self._consoles.remove(child)
        told = [report.event for report in self._reports.rest() if isinstance(report, Told)]
        self._consoles.close()
        for child in self._arriving:
            if child.console is not None:
                child.console.close()
        self._keeper.end()
        signal.set_wakeup_fd(-1)
        self._wakes.close()
        return [event for event in told if isinstance(event, Wrote)]

    # Sleeping and looking

    def _next_ns(self, deadline_ns: int | None) -> int:
        """Return when to wake up at the latest (CLOCK_MONOTONIC)."""
        now_ns = time.monotonic_ns()
        times = [now_ns + (_CHORES_NS if self._clock.frozen or not self._by_pid else _LOOK_NS)]
        others = (self._link.next_check_ns, self._commands.next_ns, self._consoles.next_ns, self._terminator.next_ns)
        times += [at_ns for at_ns in others if at_ns is not None]
        if not self._clock.frozen:
            if deadline_ns is not None:
                times.append(self._clock.monotonic_ns(deadline_ns))
            if self._arriving:
                times.append(self._clock.monotonic_ns(self._arriving[0].spec.arrive_ns))
        return min(times)

    def _do_chores(self) -> None:
        self._commands.check()
        self._terminator.escalate()
        self._consoles.tick()
        self._consoles.hold_back(self._link.behind)
        for child in [*self._by_pid.values()]:
            if child.look():
                self._bury(child)

    def _look(self, now_ns: int) -> None:
        """Find the processes that have blocked or woken up."""
        for child in self._by_pid.values():
            if child.mode is Mode.RUNNING:
                if child.standing:  # it was not stopped by us
                    child.held = True
                    self._block(child, _STOPPED)
                elif self._sensor.waits(child, now_ns):
                    self._block(child, Clause("waiting"))
            elif child.mode is Mode.BLOCKED and not child.held and self._sensor.goes_on(child):
                child.mode = Mode.STOPPED
                child.stop()
                self._reports.add(Woke(child.pid))

    def _block(self, child: Child, on: Clause) -> None:
        child.mode = Mode.BLOCKED
        self._sensor.blocked(child)
        self._reports.used[child.pid] = child.cpu_ns()
        self._reports.add(Waits(child.pid, on))
        self._consoles.look(child)

    def _bury(self, child: Child) -> None:
        assert child.ended is not None
        del self._by_pid[child.pid]
        self._reports.used.pop(child.pid, None)
        self._keeper.gone(child.os_pid)
        self._terminator.remove(child)
        self._consoles.remove(child)
        self._reports.add(Ended(child.pid, child.cpu_ns(), *child.ended))

    def _hear_wakes(self) -> None:
        self._wakes.recv(1 << 12)

    def _listen(self, until_ns: int) -> bool:
        """Wait at the end of the run. Returns False if the other end of the link is gone."""
        self._poller.wait(until_ns)
        self._consoles.tick()
        return not self._link.lost

    # Switching

    def _run(self, child: Child) -> None:
        child.mode = Mode.RUNNING
        child.started_cpu_ns = child.cpu_ns()
        child.resume()
        child.started_ns = self._clock.now_ns()
        self._sensor.dispatched(child)

    def _stop(self, child: Child, obeyed: Obeyed) -> None:
        child.mode = Mode.STOPPED
        confirmed = child.stop()
        (obeyed.used if confirmed else obeyed.at_least)[child.pid] = child.cpu_ns()

    def _freeze(self) -> None:
        """Begin a pause, in which waiting processes are stopped, too."""
        self._clock.freeze(watch_stands=not self._commands.script_ends_pauses)
        for child in self._waiting():
            child.stop()

    def _thaw(self) -> None:
        self._clock.thaw()
        for child in self._waiting():
            child.resume()

    def _waiting(self) -> list[Child]:
        return [child for child in self._by_pid.values() if child.mode is Mode.BLOCKED and not child.held]

    # Commands

    def _carry(self, command: Command, child: Child | None) -> None:
        match command:
            case Kill() if child is not None:
                self._terminator.terminate(child)
            case Signal(_, name) if child is not None:
                self._signal(child, signal.Signals[f"SIG{name}"])
            case Type(_, text) if child is not None:
                self._consoles.type(child, text + "\n")
            case Press() if child is not None:
                self._consoles.type(child, command.character)
            case Keys(_, text) if child is not None:
                self._consoles.type(child, text)
            case Resize(_, rows, columns) if child is not None:
                self._consoles.resize(child, rows, columns)
            case Spawn(argv):
                self._spawn_program(argv)

    def _signal(self, child: Child, number: int) -> None:
        """Send a signal. A stopped process receives it once it runs again. SIGCONT ends the stop by others, not
        ours."""
        if number != signal.SIGCONT:
            child.send(number, alone=True)
        elif child.held:
            child.held = False
            child.mode = Mode.STOPPED
            self._reports.add(Woke(child.pid))

    # Births and arrivals

    def _spawn_program(self, argv: list[str]) -> None:
        """Start a program for the operator, in the current folder."""
        child = self._spawn(operators_program(argv), None, folder=".")
        if child is not None:
            self._admit(child)

    def _spawn(self, spec: ProcessSpec, order: int | None, folder: str | None = None) -> Child | None:
        try:
            return self._births.spawn(spec, order, folder)
        except SpawnFailed as failure:
            self._reports.fault(None, failure.what.rule, **failure.what.figures)
            return None

    def _admit_arrivals(self, now_ns: int) -> None:
        while self._arriving and self._arriving[0].spec.arrive_ns <= now_ns:
            self._admit(self._arriving.popleft())

    def _admit(self, child: Child) -> None:
        child.pid = next(self._pids)
        self._by_pid[child.pid] = child
        self._consoles.add(child)
        self._reports.add(Arrived(child.pid, child.spec, child.order, child.os_pid))

    def _echoes(self, who: str) -> bool:
        """Whether the console of a process, by pid or name, shows what is typed."""
        for child in self._by_pid.values():
            if who in (str(child.pid), child.spec.name) and child.console is not None:
                return child.console.echoes
        return True
