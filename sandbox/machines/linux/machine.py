"""The linux machine: real processes, scheduled by signals."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import Literal, Protocol

from sandbox.commands import Command, Kill, Quit, Spawn, Type
from sandbox.events import Clause, Fault, Figure, Wrote
from sandbox.kernel.machine import (
    Arrived,
    Asked,
    Carry,
    Ended,
    Freeze,
    Happened,
    Obeyed,
    Order,
    Report,
    Run,
    Stop,
    Thaw,
    Told,
    Waits,
    Woke,
    Yielded,
)
from sandbox.machines.linux import libc
from sandbox.machines.linux.birth import BirthFailed, Nursery
from sandbox.machines.linux.causes import READS_CONSOLE, cause
from sandbox.machines.linux.child import Child, Mode
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.consoles import Consoles
from sandbox.machines.linux.dispatch import Dispatcher
from sandbox.machines.linux.families import Families, Found
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.procfs import command_line, read_state
from sandbox.machines.linux.reaper import Reaper, exit_status
from sandbox.machines.linux.sensors import open_sensor
from sandbox.machines.linux.undertaker import Undertaker, end_all
from sandbox.spec import ProcessSpec, Scenario
from sandbox.text import clean_line
from sandbox.units import MS, S

_STOP_PATIENCE_NS = 50 * MS
_HOPELESS_NS = 1 * S


class Outside(Protocol):
    """Where commands come from: the link to whoever sits at the terminal."""

    def fileno(self) -> int: ...

    def read(self) -> list[Command]:
        """The commands that have come since."""
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
        self._cpus = cpus
        self._outside = outside
        self._attended = attended
        self._clock = Clock()
        self._poller = Poller()
        self._reaper = Reaper()
        self._dispatcher = Dispatcher(cpus, self._clock, self._reaper, recipe)
        self._sensor = open_sensor(sensor)
        self._consoles = Consoles(self._poller, self._wrote)
        self._undertaker = Undertaker()
        self._pids = count(1)
        #: Every process that has been let in and has not ended, by pid; those running and those blocked.
        self._children: dict[int, Child] = {}
        self._running: dict[int, Child] = {}
        self._waiting: dict[int, Child] = {}
        #: All living ones, those not let in yet included, by the system's pid.
        self._by_os_pid: dict[int, Child] = {}
        self._reports: list[Report] = []
        self._used: dict[int, int] = {}
        self._moved_ns = 0
        self._script = deque(sorted(scenario.script, key=lambda at: at.time_ns))
        self._scenario = scenario
        self._born: deque[Child] = deque()
        self._families = Families(self._by_os_pid)
        self._poller.add(self._reaper.fileno(), self._reap)
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
        return bool(self._born or self._script or self._reports)

    # What the loop calls

    def start(self) -> None:
        """Bear the scenario's processes, all of them before the clock starts: each waits, stopped, for its
        arrival, because a birth in the middle of a run would take the dispatcher's time."""
        self._nursery = Nursery(self._cpus, self._scenario.folder)
        specs = self._scenario.processes
        born = [child for order, spec in enumerate(specs) if (child := self._bear(spec, order)) is not None]
        self._born.extend(sorted(born, key=lambda child: child.spec.arrive_ns))
        self._clock.start()

    def wait(self, deadline_ns: int | None) -> Happened:
        """Wait until something happens, at most until the deadline."""
        while True:
            self._poller.wait(self._next_ns(deadline_ns), at_once=bool(self._reports))
            now_ns = self._clock.now_ns()
            due = deadline_ns is not None and now_ns >= deadline_ns
            if not self._clock.frozen:
                self._look(now_ns, due)
                self._let_in(now_ns)
            self._operate()
            self._undertaker.insist()
            self._consoles.tick()
            self._consoles.hold_back(self._outside.behind)
            if self._reports or due:
                break
            self._mind_hopelessness(now_ns)
        for child in self._running.values():
            self._used[child.pid] = child.started_cpu_ns + now_ns - child.started_ns
        reports, self._reports = self._reports, []
        used, self._used = self._used, {}
        return Happened(now_ns, reports, used)

    def obey(self, orders: list[Order]) -> Obeyed:
        """Make the orders true by signals."""
        stops: list[Child] = []
        runs: list[tuple[Child, int]] = []
        for order in orders:
            match order:
                case Stop(pid) if pid in self._children:
                    stops.append(self._take_off(pid))
                case Run(pid, cpu) if pid in self._children:
                    runs.append((self._take_off(pid), cpu))
                case Freeze():
                    self._freeze()
                case Thaw():
                    self._thaw()
                case Carry(command, pid):
                    self._carry(command, pid)
        if stops or runs:
            self._dispatcher.switch(stops, runs)
        for child, _ in runs:
            self._running[child.pid] = child
            self._sensor.dispatched(child.started_ns)
        return Obeyed(
            {child.pid: child.started_ns for child, _ in runs},
            {child.pid: child.cpu_ns() for child in stops},
        )

    def halt(self) -> None:
        """End everything; afterwards nothing of the machine is left."""
        living = [*self._by_os_pid.values()]
        end_all(living, politely=not self._outside.lost)
        for child in living:
            child.close()
        self._sensor.close()
        self._families.close()
        self._reaper.close()
        self._poller.close()

    # Looking around

    def _next_ns(self, deadline_ns: int | None) -> int | None:
        """When to wake up at the latest (CLOCK_MONOTONIC)."""
        times = [self._outside.next_check_ns, self._undertaker.next_ns, self._consoles.next_ns]
        if self._script:
            times.append(self._clock.watch_monotonic_ns(self._script[0].time_ns))
        if not self._clock.frozen:
            now_ns = self._clock.now_ns()
            look_ns = self._sensor.next_look_ns(now_ns, bool(self._running or self._waiting))
            arrival_ns = self._born[0].spec.arrive_ns if self._born else None
            times += [
                self._clock.monotonic_ns(at_ns) for at_ns in (deadline_ns, look_ns, arrival_ns) if at_ns is not None
            ]
        return min((at_ns for at_ns in times if at_ns is not None), default=None)

    def _look(self, now_ns: int, due: bool) -> None:
        """Who blocked, who woke, who was born in a family. At the end of a slice its process is looked at in any
        case: one that blocked with its last breath has blocked."""
        seen = self._sensor.look(now_ns, self._running.values(), self._waiting.values())
        late = self._running.values() if due else ()
        for child in {*seen.blocked, *(child for child in late if self._sensor.blocked(child))}:
            self._begin_wait(child, now_ns)
        for child in seen.woken:
            del self._waiting[child.pid]
            self._reports.append(Woke(child.pid))
        for found in self._families.look():
            self._adopt(found)

    def _begin_wait(self, child: Child, now_ns: int) -> None:
        del self._running[child.pid]
        child.mode = Mode.WAITING
        child.on = self._why(child)
        self._waiting[child.pid] = child
        self._used[child.pid] = child.cpu_ns()
        self._reports.append(Waits(child.pid, child.on))

    def _why(self, child: Child) -> Clause:
        """What it waits for, with children named by their pid on the board."""
        on = cause(child.os_pid)
        os_pid = on.figures.get("child")
        relative = self._by_os_pid.get(os_pid) if isinstance(os_pid, int) else None
        return Clause(on.rule, {"pid": relative.pid}) if relative is not None else on

    # Births

    def _bear(self, spec: ProcessSpec, order: int | None = None, folder: str | None = None) -> Child | None:
        try:
            child = self._nursery.bear(spec, order, folder)
        except BirthFailed as error:
            self._fault(None, "could not be started", name=spec.name, reason=clean_line(str(error.strerror)))
            return None
        self._by_os_pid[child.os_pid] = child
        return child

    def _let_in(self, now_ns: int) -> None:
        """Those whose time has come are let in, in scenario order."""
        while self._born and self._born[0].spec.arrive_ns <= now_ns:
            self._admit(self._born.popleft())

    def _admit(self, child: Child, loose: bool = False) -> None:
        child.pid = next(self._pids)
        self._children[child.pid] = child
        self._consoles.open(child)
        parent = child.parent.pid if child.parent else None
        self._reports.append(Arrived(child.pid, child.spec, child.order, child.os_pid, parent, loose))

    def _adopt(self, found: Found) -> None:
        """A process that a child of ours forked is let in like any other."""
        name = clean_line(found.status.name).replace(" ", "-") or "child"
        runs = clean_line(command_line(found.os_pid)) or name
        try:
            child = Child(found.os_pid, ProcessSpec(name, command=[runs]), parent=found.parent, direct=False)
        except OSError:
            return  # a thread, or gone already
        self._by_os_pid[child.os_pid] = child
        self._poller.add(child.pidfd, partial(self._bury_adopted, child))
        child.mode = Mode.RUNNING
        self._admit(child, loose=True)

    # Endings and other changes that the system reports

    def _reap(self) -> None:
        self._reaper.hush()
        for change in self._reaper.changes():
            child = self._by_os_pid.get(change.os_pid)
            if child is None:
                continue  # an orphan that ended before it was found
            if change.ended:
                code = change.status if change.code == os.CLD_EXITED else None
                self._bury(child, code, change.status if code is None else None)
            elif change.code == os.CLD_STOPPED:
                self._notice_stop(child)
            else:
                self._notice_continue(child)

    def _bury_adopted(self, child: Child) -> None:
        """An adopted process has ended; its status went to its parent, unless that is us by now."""
        if child.os_pid in self._by_os_pid:
            self._bury(child, *exit_status(child.pidfd, child.stat_fd))

    def _bury(self, child: Child, code: int | None, number: int | None) -> None:
        del self._by_os_pid[child.os_pid]
        self._poller.remove(child.pidfd)
        self._undertaker.forget(child)
        cpu_ns = child.cpu_ns()
        if child.pid:
            del self._children[child.pid]
            self._running.pop(child.pid, None)
            self._waiting.pop(child.pid, None)
            self._consoles.close(child)
            self._reports.append(Ended(child.pid, cpu_ns, code, number))
        else:
            self._born.remove(child)
            self._fault(None, "ended before its arrival", name=child.spec.name)
        child.close()

    def _notice_stop(self, child: Child) -> None:
        child.stopping_ns = None
        if child.mode is Mode.RUNNING and child.pid in self._running and read_state(child.stat_fd)[0] == "T":
            del self._running[child.pid]  # nobody but itself can have done this
            child.mode = Mode.STOPPED
            self._used[child.pid] = child.cpu_ns()
            self._fault(child, "stopped itself")
            self._reports.append(Yielded(child.pid))

    def _notice_continue(self, child: Child) -> None:
        if child.mode is Mode.STOPPED and child.stopping_ns is None and read_state(child.stat_fd)[0] != "T":
            self._fault(child, "continued by somebody else")
            self._dispatcher.stop(child)

    # Operator

    def _listen(self) -> None:
        self._reports += map(Asked, self._outside.read())

    def _operate(self) -> None:
        self._reports += map(Asked, self._outside.check())
        while self._script and self._script[0].time_ns <= self._clock.watch_ns():
            self._reports.append(Asked(self._script.popleft().do))

    def _carry(self, command: Command, pid: int | None) -> None:
        child = self._children.get(pid or 0)
        match command:
            case Kill() if child is not None:
                self._undertaker.end(child)
            case Type(_, text) if child is not None:
                self._consoles.type(child, text + "\n")
            case Spawn(argv):
                self._spawn(argv)

    def _spawn(self, argv: list[str]) -> None:
        line = argv[2] if argv[:2] == ["sh", "-c"] and len(argv) == 3 else argv[0]
        name = clean_line(os.path.basename(line.split()[0]), 20) or "program"
        child = self._bear(ProcessSpec(name, command=argv), folder=os.getcwd())
        if child is not None:
            self._admit(child)

    # Helpers

    def _take_off(self, pid: int) -> Child:
        """Wherever the process was, it is neither running nor waiting for now."""
        self._running.pop(pid, None)
        self._waiting.pop(pid, None)
        return self._children[pid]

    def _freeze(self) -> None:
        self._clock.freeze()
        for child in self._waiting.values():
            child.send(signal.SIGSTOP)

    def _thaw(self) -> None:
        self._clock.thaw()
        for child in self._waiting.values():
            child.send(signal.SIGCONT)

    def _wrote(self, child: Child, text: str) -> None:
        if text:
            self._reports.append(Told(Wrote(self._clock.now_ns(), child.pid, "console", text)))

    def _fault(self, child: Child | None, what: str, **figures: Figure) -> None:
        self._reports.append(Told(Fault(self._clock.now_ns(), Clause(what, figures), child.pid if child else None)))

    def _mind_hopelessness(self, now_ns: int) -> None:
        """A run that nobody attends ends when all that is left waits for somebody to type."""
        hopeless = (
            not self._attended
            and self._waiting
            and not (self._running or self._born or self._script or self._clock.frozen)
            and all(child.on == READS_CONSOLE for child in self._waiting.values())
        )
        if not hopeless:
            self._moved_ns = now_ns
        elif now_ns - self._moved_ns > _HOPELESS_NS:
            self._fault(
                None, "waits for somebody to type", names=", ".join(c.spec.name for c in self._waiting.values())
            )
            self._reports.append(Asked(Quit()))
