"""The stepping machine, on which real processes run one line per turn.

A thread that comes to a line waits in its hook for its turn. The machine lets one thread go on, and then waits until
all that this has set going is at rest: at its next line, blocked within it, or ended. Only then the kernel decides
again. So the same decisions lead to the same run, however fast the system is. The clock of the machine counts turns,
each of which takes a millisecond.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from itertools import count, islice
from typing import Literal

assert sys.platform == "linux"

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
)
from sandbox.machines.console import Console
from sandbox.machines.life import GRACE_NS
from sandbox.machines.linux import procfs
from sandbox.machines.linux.blocking.said import SaidLocks
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.sweep import end_descendants
from sandbox.machines.linux.stepping.crew import Crew
from sandbox.machines.linux.stepping.looks import MAX_TURN_CPU_NS
from sandbox.machines.linux.stepping.requests import Requests
from sandbox.machines.linux.stepping.spinning import Spinning
from sandbox.machines.linux.stepping.stage import Stage
from sandbox.machines.linux.stepping.tasks import State, Task
from sandbox.machines.linux.stepping.turns import TURN_NS
from sandbox.machines.linux.stepping.waiting import Waiting
from sandbox.machines.operator_link import OperatorLink
from sandbox.model.commands import Command, Keys, Kill, Press, Quit, Resize, Spawn, Type
from sandbox.model.events import Clause, Event, Fault, Figure, Wrote
from sandbox.model.spec import ProcessSpec, Scenario
from sandbox.util.text import clean_line
from sandbox.util.units import MS

_DONE = Obeyed({}, {}, {})
#: What a terminal sends for ctrl+c.
_INTERRUPT = "\x03"
_SPINS = Clause("spins")
#: How long helper processes of libraries may take to end after the programs. They remove what those have left.
_GRACE_S = 0.5
#: The interval of checks while nothing happens.
_LOOK_NS = 20 * MS


class SteppingMachine:
    """Runs a scenario on a ``stage``, line by line.

    ``link``: where commands come from (None: there are none); ``attended``: whether a person may type; otherwise a run
    in which nothing can happen any more is ended; ``tells_waits``: whether it is reported at once for whom each process
    waits, not only when nothing can happen any more; ``alone``: whether no other run needs the stage.
    """

    kind: Literal["linux"] = "linux"
    sensor = "hook"
    recipe = None

    def __init__(
        self,
        scenario: Scenario,
        stage: Stage,
        link: OperatorLink | None = None,
        attended: bool = False,
        tells_waits: bool = True,
        alone: bool = False,
    ) -> None:
        self._stage, self._attended, self._tells_waits = stage, attended, tells_waits
        self._alone = alone
        self.now_ns = 0
        self._poller = Poller()
        self._reports: list[Report] = []
        #: Reports for the next instant, because they follow those of this one.
        self._later: list[Report] = []
        self.crew = Crew(stage, self._poller, self._interrupted, self._read_consoles)
        self._pids = count(1)
        #: All tasks that have not ended, by pid; those that were reported to be blocked.
        self.by_pid: dict[int, Task] = {}
        self._blocked: set[Task] = set()
        self._running: Task | None = None
        #: The number of lines of the next turn, and whether the state after it need not be reported.
        self.stretch = 1, False
        #: The CPU time of tasks that had a turn and were not reported since.
        self._used: dict[int, int] = {}
        #: The length of the turn in progress: its output is dated to its end.
        self._turn_ns = 0
        self._frozen = False
        arrivals = sorted(enumerate(scenario.processes), key=lambda pair: pair[1].arrive_ns)
        self._arrivals: deque[tuple[int, ProcessSpec]] = deque(arrivals)
        self._requests = Requests(link, scenario.script, self._poller)
        self._spinning = Spinning()
        #: Whether shared state may have changed since it was last read, which is done when a task comes to a line.
        self._unread = False
        #: Tasks that were asked to end, and when they are killed (CLOCK_MONOTONIC).
        self._doomed: list[tuple[int, Task]] = []
        self._said = SaidLocks()
        self._waiting = Waiting(self.crew, self._said, self._reports_of_waits, lambda: self.now_ns)

    @property
    def expects(self) -> bool:
        """Whether an arrival or a scripted command is still to come."""
        return bool(self.awaits or self._reports or self._later)

    @property
    def awaits(self) -> bool:
        """Whether the clock will bring something."""
        return bool(self._arrivals or self._requests.brings_more)

    def start(self) -> None:
        """Restore the room to its initial state."""
        self._stage.begin()

    # Called by the loop

    def wait(self, deadline_ns: int | None) -> Happened:
        """Do one turn of the running task. If there is none, wait until something happens."""
        self._interrupted()
        self._reports += self._later
        self._later = []
        self._bring_due()
        if not (self._reports or self._take_asked()):
            if self._frozen:
                self._wait_frozen()
            elif self._running is not None:
                self._take_turn(self._running)
            elif deadline_ns is not None and len(self._blocked) < len(self.by_pid):
                self.now_ns = max(self.now_ns, deadline_ns)  # the policy leaves the CPU idle
            else:
                self._idle()
            self._bring_due()
        reports, self._reports = self._reports, []
        used, self._used = self._used, {}
        return Happened(self.now_ns, reports, used)

    def obey(self, orders: list[Order]) -> Obeyed:
        """Carry out the orders, which takes no time."""
        for order in orders:
            match order:
                case Stop(pid):
                    if self._running is not None and self._running.pid == pid:
                        self._running = None
                case Run(pid):
                    self._running = self.by_pid.get(pid)
                case Freeze():
                    self._frozen, self._running = True, None
                case Thaw():
                    self._frozen = False
                    self._requests.thawed()
                case Carry(command, pid):
                    self._carry(command, self.by_pid.get(pid or 0))
        return _DONE

    def halt(self) -> list[Event]:
        """Kill all processes, and return the output that was not reported. The stage is kept if others need it."""
        for child in self.crew.children():
            child.send(signal.SIGKILL)
        try:
            self._stage.end_run(_GRACE_S)
        except OSError:  # the zygote was killed, so its children are ours now
            if self._alone:
                end_descendants()
        self._read_consoles()
        told = [report.event for report in [*self._reports, *self._later] if isinstance(report, Told)]
        self._waiting.close()
        self.crew.close()
        self._poller.close()
        if self._alone:
            self._stage.close()
        return [event for event in told if isinstance(event, Wrote)]

    # Turns

    def _take_turn(self, task: Task) -> None:
        """Let a task run its next line, or the rest of the one in which it was interrupted."""
        lines, hurries = self.stretch
        if task.state is State.HELD:
            self.crew.go(task, lines, hurries)
        self._turn_ns = lines * TURN_NS
        settled = self.crew.settle()
        self._turn_ns = 0
        if settled:
            self.stretch = 1, False
            self.now_ns += lines * TURN_NS
            task.cpu_ns += lines * TURN_NS
            self._used[task.pid] = task.cpu_ns
            self._tell_all(task)
            if task in self._blocked or task.state is State.ENDED:
                self._running = None
        else:
            self._take_asked()

    def _tell_all(self, turned: Task | None) -> None:
        """Report the results of a turn, or of tasks that went on by themselves: output, lines, ends, waits, births."""
        self._spinning.changed = self._read_consoles()
        for task in sorted(self.by_pid.values(), key=lambda task: task is not turned):
            if task.stopped and task.pid:
                self._tell_line(task, task is turned)
            if task.state is State.ENDED:
                self._tell_end(task)
            elif task.state is State.BLOCKED and task not in self._blocked:
                self._tell_block(task)
        for task in sorted(self.crew.born, key=Task.turn_to_begin):
            self._tell_birth(task)
        self._spinning.changed |= bool(self.crew.born)
        self.crew.born.clear()
        if turned is not None:
            for task in self._spinning.look_again(self.by_pid.values(), turned):
                self._wake(task)
        if self._tells_waits:
            self._waiting.look(self._blocked)

    def _tell_line(self, task: Task, own_turn: bool) -> None:
        task.stopped = self._unread = False
        step = task.stepped(self.now_ns)
        self._spinning.changed |= any(change.shared for change in step.changed)
        self._tell(step)
        if task in self._blocked:
            self._spinning.changed = True
            self._wake(task)
        elif not (own_turn and task.state is State.HELD and not task.hurries and task.goes_round):
            self._spinning.begin_anew()
        elif self._spinning.makes_way(task, alone=len(self.by_pid) == 1):
            self._blocked.add(task)
            self._reports.append(Waits(task.pid, _SPINS))

    def _tell_block(self, task: Task) -> None:
        self._unread = self._spinning.changed = True
        self._blocked.add(task)
        self._reports.append(Waits(task.pid, self._waiting.reason(task)))

    def _tell_end(self, task: Task) -> None:
        if task in self.crew.endless:
            place: dict[str, Figure] = {"file": task.place.file, "line": task.place.line, "cpu_ns": MAX_TURN_CPU_NS}
            self._tell(Fault(self.now_ns, Clause("turn without end", place), task.pid))
        if task.place.line:
            self._tell(task.last_step(self.now_ns))
        code, number = task.status
        self._unread = self._spinning.changed = True
        self._reports.append(Ended(task.pid, task.cpu_ns, code, number))
        self._unblock(task)
        del self.by_pid[task.pid]

    def _tell_birth(self, task: Task) -> None:
        task.pid = next(self._pids)
        task.be_named()
        self.by_pid[task.pid] = task
        mother = task.mother
        waits_on = self._waiting.reason(task) if task.state is State.BLOCKED else None
        parent = mother.pid if mother is not None else None
        self._reports.append(Arrived(task.pid, task.spec, task.order, task.tid, parent, waits_on=waits_on))
        if waits_on is not None:
            self._blocked.add(task)
        if task.state is State.ENDED:
            self._end_later(task)
        elif task.stopped:
            task.stopped = False
            self._later.append(Told(task.stepped(self.now_ns)))

    def _end_later(self, task: Task) -> None:
        """Report the end of a task before its first line, at the next instant, because the kernel must know of its
        birth first."""
        now, self._reports = self._reports, []
        self._tell_end(task)
        self._later += self._reports
        self._reports = now

    def _wake(self, task: Task) -> None:
        self._unblock(task)
        self._reports.append(Woke(task.pid))

    def _unblock(self, task: Task) -> None:
        task.spins = False
        self._blocked.discard(task)

    # While the CPU is idle

    def _idle(self) -> None:
        """Wait until something happens while all tasks are blocked, or there are none."""
        if self.crew.settle():
            self._tell_all(None)
        if self._reports or self._take_asked():
            return
        for task in (spinning := self._spinning.go_on_all_the_same(self.by_pid.values())):
            self._wake(task)
        if spinning:
            return
        hopeless = self._waiting.is_hopeless(self._blocked)
        times = [spec.arrive_ns for _, spec in islice(self._arrivals, 1)]
        if hopeless and (next_ns := self._requests.next_ns) is not None:
            times.append(next_ns)
        if times:
            self.now_ns = max(self.now_ns, min(times))
        elif interval_ns := self._spinning.interval_ns(self.by_pid.values(), time.monotonic_ns(), self._attended):
            self._poller.wait(time.monotonic_ns() + interval_ns)
            for task in [task for task in self.by_pid.values() if task.spins]:
                self._wake(task)
        elif hopeless and not self._attended:
            self._give_up()
        else:
            self._poller.wait(time.monotonic_ns() + _LOOK_NS)

    def _give_up(self) -> None:
        """Report why nothing can happen any more, and end the run."""
        self._waiting.look(self._blocked)
        self._reports += self._later
        self._later = []
        spinning = ", ".join(task.name for task in self.by_pid.values() if task.spins)
        what = Clause("spins for ever", {"names": spinning}) if spinning else self._waiting.verdict(self._blocked)
        self._tell(Fault(self.now_ns, what))
        self._reports.append(Asked(Quit()))

    def _bring_due(self) -> None:
        """Report arrivals and scripted commands that are due."""
        due: list[tuple[int, ProcessSpec]] = []
        while self._arrivals and self._arrivals[0][1].arrive_ns <= self.now_ns and not self._frozen:
            due.append(self._arrivals.popleft())
        if due:
            for name, reason in self.crew.bear(due, self._said.path):
                self._tell(Fault(self.now_ns, Clause("could not be started", {"name": name, "reason": reason})))
            self._tell_all(None)
        self._reports += map(Asked, self._requests.due(self.now_ns))

    # Commands

    def _wait_frozen(self) -> None:
        """Wait during a pause: for the script, if it ends that, or for the operator."""
        if self._requests.end_pauses:
            self._reports.append(Asked(self._requests.next_in_pause(self.now_ns)))
        elif self._requests.link is None:
            self._tell(Fault(self.now_ns, Clause("nothing can happen any more")))
            self._reports.append(Asked(Quit()))
        else:
            self._poller.wait(time.monotonic_ns() + _LOOK_NS)
            self._interrupted()
            self._take_asked()

    def _interrupted(self) -> bool:
        """Whether the operator wants something while a turn takes long. Kills tasks whose grace period is over."""
        now_ns = time.monotonic_ns()
        while self._doomed and self._doomed[0][0] <= now_ns:
            self._doomed.pop(0)[1].body.child.send(signal.SIGKILL)
        return self._requests.look()

    def _take_asked(self) -> bool:
        before = len(self._reports)
        self._reports += map(Asked, self._requests.take())
        return len(self._reports) > before

    def _carry(self, command: Command, task: Task | None) -> None:
        console = task.body.child.console if task is not None else None
        match command:
            case Kill() if task is not None:
                self._kill(task)
            case Type(_, text) if task is not None and console is not None:
                self._type(task, console, text + "\n")
            case Press() if task is not None and console is not None:
                self._type(task, console, command.character)
            case Keys(_, text) if task is not None and console is not None:
                self._type(task, console, text)
            case Resize(_, rows, columns) if console is not None:
                console.resize(rows, columns)
            case Spawn(argv):
                figures: dict[str, Figure] = {"name": clean_line(" ".join(argv), 40)}
                self._later.append(Told(Fault(self.now_ns, Clause("only what steps", figures))))

    def _kill(self, task: Task) -> None:
        """Ask a process to end. It is killed if it is still there after the grace period."""
        child = task.body.child
        child.send(signal.SIGTERM)
        if not procfs.handles(child.os_pid, signal.SIGTERM):
            self.crew.listen(task)
        self._doomed.append((time.monotonic_ns() + GRACE_NS, task))
        self.crew.await_change()
        self._tell_all(None)

    def _type(self, task: Task, console: Console, text: str) -> None:
        """Type into a console, and let its reader wake. Terminals do not convert keys to signals here, so it is done by
        us."""
        if _INTERRUPT in text and console.settings.canonical:
            text = text.replace(_INTERRUPT, "")
            task.body.child.send(signal.SIGINT)
        console.type(text)
        self.crew.await_change()
        self._tell_all(None)

    # Output

    def _read_consoles(self) -> bool:
        """Report all output, and return whether there was any. A terminal delivers all data before it reports that
        there is no more."""
        found, home = False, self._stage.room.at_home
        for console, body in self.crew.consoles.items():
            for piece in console.read_rest():
                found = True
                if piece.text or piece.raw:
                    pid = body.tasks[0].pid
                    raw = None if piece.raw is None else home(piece.raw)
                    wrote = Wrote(self.now_ns + self._turn_ns, pid, "console", home(piece.text), raw)
                    self._reports.append(Told(wrote)) if pid else self._later.append(Told(wrote))
        return found

    def _tell(self, event: Event) -> None:
        self._reports.append(Told(event))

    def _reports_of_waits(self, event: Event) -> None:
        self._later.append(Told(event))
