"""Who lives on the machine: from birth or adoption, through running and waiting, to burial."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, takewhile

from sandbox.kernel.machine import Arrived, Ended, Told
from sandbox.machines.linux.blocking.blocked import Waiting
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.net.listeners import Listeners
from sandbox.machines.linux.net.monitor import Traffic
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.process.consoles import Consoles
from sandbox.machines.linux.process.descendants import Families, Found
from sandbox.machines.linux.process.reaper import Reaper, exit_status
from sandbox.machines.linux.process.spawn import BirthFailed, Nursery, crowded
from sandbox.machines.linux.process.terminate import Undertaker
from sandbox.machines.linux.procfs import Status, command_line
from sandbox.machines.linux.reports import Outbox
from sandbox.machines.linux.switching.dispatch import Dispatcher
from sandbox.machines.linux.switching.stop_monitor import Vigil
from sandbox.model.commands import Press
from sandbox.model.events import Became
from sandbox.model.spec import ProcessSpec, Scenario
from sandbox.util.text import clean_line


class Population:
    """Every process of the machine. What happens to them goes into the outbox."""

    def __init__(
        self, cpus: Sequence[int], poller: Poller, reaper: Reaper, dispatcher: Dispatcher, clock: Clock, out: Outbox
    ) -> None:
        self._cpus = cpus
        self._clock = clock
        self._poller = poller
        self._reaper = reaper
        self._dispatcher = dispatcher
        self._out = out
        self._pids = count(1)
        #: Those that have been let in and have not ended, by pid; of them those running, and those waiting.
        self.children: dict[int, Child] = {}
        self.running: dict[int, Child] = {}
        #: Born, and not let in yet, in the order of their arrival.
        self.born: deque[Child] = deque()
        #: All that live, by the system's pid.
        self.by_os_pid: dict[int, Child] = {}
        self.waiting = Waiting(self.by_os_pid, out)
        self.consoles = Consoles(poller, out.wrote)
        self.undertaker = Undertaker()
        self.vigil = Vigil(dispatcher)
        self.traffic = Traffic(self.by_os_pid, poller, out)
        #: Processes of ours that are none of the machine's.
        self.helpers: set[int] = set()
        self._families = Families(self.by_os_pid, self.helpers)
        poller.add(reaper.fileno(), self._reap)

    # Births

    def bear_all(self, scenario: Scenario, exposed: bool, dismissed: Callable[[], bool]) -> None:
        """Bear the scenario's processes, all of them before the clock starts: each waits, stopped, for its
        arrival, because a birth in the middle of a run would take the dispatcher's time. A thousand births take
        seconds: none is begun once we are ``dismissed``. ``exposed``: servers may be reached from elsewhere."""
        listeners = Listeners(scenario.processes, exposed)
        self._nursery = Nursery(self._cpus, scenario.folder, listeners, self._clock.zero)
        specs = takewhile(lambda _: not dismissed(), scenario.processes)
        born = [child for outcome in self._nursery.bear_many(specs) if (child := self._welcome(outcome)) is not None]
        listeners.close()
        self.born.extend(sorted(born, key=lambda child: child.spec.arrive_ns))

    def let_in(self, now_ns: int) -> None:
        """Those whose time has come are let in, in scenario order."""
        while self.born and self.born[0].spec.arrive_ns <= now_ns:
            self._admit(self.born.popleft())

    def spawn(self, argv: list[str]) -> None:
        """Start a program that the operator asks for, where the operator is."""
        line = argv[2] if argv[:2] == ["sh", "-c"] and len(argv) == 3 else argv[0]
        first = line.split(maxsplit=1)[:1]
        name = clean_line(os.path.basename(*first) if first else "", 20) or "program"
        outcome: Child | BirthFailed
        try:
            outcome = self._nursery.bear(ProcessSpec(name, command=argv), folder=".")
        except BirthFailed as failure:
            outcome = failure
        child = self._welcome(outcome)
        if child is not None:
            self._admit(child)

    def look_for_relatives(self) -> None:
        """What children have forked is let in like any other process."""
        for found in self._families.look():
            self._adopt(found)

    def look_at_name(self, child: Child) -> None:
        """One that was found may have become another program since."""
        if child.direct or child.mode is Mode.ENDED:
            return
        try:
            status = Status(child.os_pid, child.stat_fd)
        except OSError:
            return
        if status.name != child.comm:
            child.comm = status.name
            child.spec.name, runs = _identity(child.os_pid, status)
            self._out.add(Told(Became(self._out.now_ns(), child.pid, child.spec.name, runs)))

    def mind_stops(self) -> None:
        """Stops that take too long are told; who goes on though nobody let it is stopped again."""
        for child in self.vigil.overdue():
            self._out.fault(child, "stop not confirmed")
        for child in self.vigil.strays():
            self.stop_again(child)

    def _welcome(self, outcome: Child | BirthFailed) -> Child | None:
        """Take in who was born; who was not is told of."""
        if isinstance(outcome, BirthFailed):
            self._out.fault(None, outcome.what.rule, **outcome.what.figures)
            return None
        self.by_os_pid[outcome.os_pid] = outcome
        self.vigil.watch(outcome)
        return outcome

    def _adopt(self, found: Found) -> None:
        name, runs = _identity(found.os_pid, found.status)
        console = found.parent.console if found.parent else None
        try:
            child = Child(
                found.os_pid, ProcessSpec(name, command=[runs]), parent=found.parent, console=console, direct=False
            )
        except OSError:
            return  # a thread, or gone already
        if not self._families.confirms(child):
            child.close()
            return
        if crowded(child):
            child.send(signal.SIGKILL)
            child.close()
            self._out.fault_again(found.parent, "one child too many was ended")
            return
        child.comm = found.status.name
        self.by_os_pid[child.os_pid] = child
        self._poller.add(child.pidfd, partial(self._bury_adopted, child))
        child.mode = Mode.RUNNING
        self.vigil.watch(child)
        self._admit(child, continued=True)

    def _admit(self, child: Child, continued: bool = False) -> None:
        child.pid = next(self._pids)
        self.children[child.pid] = child
        self.consoles.open(child)
        self.traffic.born(child)
        parent = child.parent.pid if child.parent else None
        self._out.add(Arrived(child.pid, child.spec, child.order, child.os_pid, parent, continued))

    # Running and waiting

    def press(self, child: Child, press: Press) -> None:
        """Press a key in a process's console, which it may share with its family."""
        if press.key == "ctrl+z":
            for each in self.children.values():
                each.suspended |= each.console is child.console
        self.consoles.type(child, press.character)

    def take_off(self, pid: int) -> Child:
        """Wherever the process was, it is neither running nor waiting for now."""
        self.running.pop(pid, None)
        self.waiting.children.pop(pid, None)
        return self.children[pid]

    def block(self, child: Child, at_ns: int | None) -> None:
        """A running process cannot run on, since ``at_ns`` if that is known."""
        del self.running[child.pid]
        self.waiting.begin(child, at_ns)

    # What the system reports

    def _reap(self) -> None:
        self._reaper.hush()
        for os_pid, code, number in self._reaper.ends():
            child = self.by_os_pid.get(os_pid)
            if child is not None:  # else an orphan that ended before it was found
                self._bury(child, code, number)

    def stop_again(self, child: Child) -> None:
        """A stopped process runs though nobody here let it."""
        self._out.fault_again(child, "continued by somebody else")
        child.hold()
        self.vigil.sent([child])

    def hold_waiting(self) -> None:
        """In a pause those that wait stand still, too."""
        self.waiting.hold()
        self.vigil.sent(self.waiting.children.values())

    # Burials

    def _bury_adopted(self, child: Child) -> None:
        """An adopted process has ended; its status went to its parent, unless that is us by now."""
        if child.os_pid in self.by_os_pid:
            self._bury(child, *exit_status(child.pidfd, child.stat_fd))

    def _bury(self, child: Child, code: int | None, number: int | None) -> None:
        del self.by_os_pid[child.os_pid]
        child.mode = Mode.ENDED
        self._poller.remove(child.pidfd)
        self.undertaker.forget(child)
        self.vigil.forget(child)
        cpu_ns = child.cpu_ns()
        if child.pid:
            self.take_off(child.pid)
            del self.children[child.pid]
            self.consoles.leave(child)
            self._out.add(Ended(child.pid, cpu_ns, code, number))
        else:
            self.born.remove(child)
            self._out.fault(None, "ended before its arrival", name=child.spec.name)
            if child.console is not None:
                child.console.close()
        child.close()

    def close(self) -> None:
        """Give back what is held."""
        for child in self.by_os_pid.values():
            child.close()
        for child in self.born:
            if child.console is not None:
                child.console.close()
        self.consoles.close()
        self._families.close()
        self.traffic.close()


def _identity(os_pid: int, status: Status) -> tuple[str, str]:
    """The name and the command line of a process that was found."""
    name = clean_line(status.name).replace(" ", "-") or "child"
    return name, clean_line(command_line(os_pid)) or name
