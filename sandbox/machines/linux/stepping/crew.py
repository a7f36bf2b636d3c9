"""All processes and threads of a stepped run: which connect, which come to a line, which are at rest.

``settle`` waits until all that was set going has come to rest. That is detected without a fixed delay: each thread of
the run is asleep, and none has run between two looks. A thread that sleeps by the clock is not at rest.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count

assert sys.platform == "linux"

from sandbox.machines.console import Console
from sandbox.machines.linux import procfs
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.stepping.clocked import sleeps_by_the_clock
from sandbox.machines.linux.stepping.looks import AT_REST, Looks, Thread, kill
from sandbox.machines.linux.stepping.stage import Stage
from sandbox.machines.linux.stepping.tasks import Body, Place, State, Task, changes
from sandbox.model.spec import ProcessSpec
from sandbox.programs.stepping import protocol
from sandbox.util.units import MS, US, S

_MAX_MESSAGE = 1 << 16
#: A line is usually over soon. How long to wait for a message before the system is asked: at first, and at most.
_MIN_PAUSE_NS, _MAX_PAUSE_NS = 200 * US, 10 * MS
_MAX_BIRTH_NS = 10 * S
_MAX_WAKE_NS = 20 * MS


class Crew:
    """Keeps track of the processes of a run, and lets them take turns.

    ``stage``: starts them; ``interrupted``: whether the operator wants something that cannot wait until all are at
    rest; ``read``: reads all consoles, and returns whether there was any output.
    """

    def __init__(self, stage: Stage, poller: Poller, interrupted: Callable[[], bool], read: Callable[[], bool]) -> None:
        self._stage, self._poller, self._interrupted, self._read_consoles = stage, poller, interrupted, read
        self.by_os_pid: dict[int, Body] = {}
        #: All tasks that have not ended, in the order of their arrival; those that are in a line.
        self.tasks: list[Task] = []
        self.going: set[Task] = set()
        #: Tasks that were born, and are told to begin when the others are at rest.
        self._unborn: list[Task] = []
        #: Tasks that have waited within their line, and are told to go on with it.
        self._woken: list[Task] = []
        self._waits = count(1)
        #: Tasks that have arrived since this was last read; tasks whose turn was too long.
        self.born: list[Task] = []
        self.endless: list[Task] = []
        #: Whether something goes on that reports nothing: other threads, processes that begin.
        self._unsettled = False
        #: The number of connections that have not said yet whose they are.
        self._strangers = 0
        #: Processes with children or threads that have not connected yet, or that did so before the process mentioned
        #: them.
        self._owing: set[Body] = set()
        self._expected: dict[int, tuple[ProcessSpec, Console, int]] = {}
        self._looks = Looks(stage.os_pid)
        self.consoles: dict[Console, Body] = {}
        self._heard = False
        poller.add(stage.listener.fileno(), self._accept)

    # Births

    def bear(self, specs: list[tuple[int, ProcessSpec]], notes: str) -> Iterator[tuple[str, str]]:
        """Start processes of the scenario, given with their positions in it. Each comes to its first line, one after
        the other. Yield the names of those that could not be started, and why. ``notes``: where they note locks."""
        for order, spec in specs:
            console = Console()
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                os_pid = self._stage.bear(spec, console.slave, theirs.fileno(), notes)
            except OSError as error:
                console.close()
                ours.close()
                yield spec.name, error.strerror or str(error)
                continue
            finally:
                theirs.close()
            console.close_slave()
            self._listen(ours)
            self._expected[os_pid] = spec, console, order
        give_up_ns = time.monotonic_ns() + _MAX_BIRTH_NS
        while self._expected and time.monotonic_ns() < give_up_ns:
            self._poller.wait(time.monotonic_ns() + _MAX_PAUSE_NS)
        for spec, console, _ in self._expected.values():
            console.close()
            yield spec.name, "did not start in time"
        self._expected.clear()
        self.settle()

    def _accept(self) -> None:
        for connection in self._stage.accept():
            self._listen(connection)

    def _listen(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._strangers += 1
        self._poller.add(connection.fileno(), partial(self._hear_first, connection))

    def _hear_first(self, connection: socket.socket) -> None:
        """Process the first message of a connection, which says whose it is."""
        self._heard = True
        self._strangers -= 1
        fields = self._receive(connection)
        self._poller.remove(connection.fileno())
        is_hello = len(fields) >= 5 and fields[0] == protocol.HELLO
        if is_hello and fields[1] == protocol.AGAIN:
            self._renew(connection, int(fields[2]), int(fields[3]))
            return
        task = self._welcome(connection, fields) if is_hello else None
        if task is None:
            connection.close()
            return
        self.tasks.append(task)
        self.born.append(task)
        if fields[1] in (protocol.START, protocol.FORK):
            self._unborn.append(task)
        else:
            self._go(task)
        self._poller.add(connection.fileno(), partial(self._hear, task, connection))

    def _renew(self, connection: socket.socket, os_pid: int, tid: int) -> None:
        """Use another connection for a task, which has closed the previous one."""
        body = self.by_os_pid.get(os_pid)
        for task in body.tasks if body is not None else ():
            if task.tid == tid:
                task.connection = connection
                self._poller.add(connection.fileno(), partial(self._hear, task, connection))
                return
        connection.close()

    def _welcome(self, connection: socket.socket, fields: list[str]) -> Task | None:
        kind, (os_pid, tid, parent, *rank) = fields[1], map(int, fields[2:])
        body = self.by_os_pid.get(os_pid)
        if kind == protocol.START and os_pid in self._expected:
            spec, console, order = self._expected.pop(os_pid)
            body = self._take_in(Child(os_pid, spec, console), None)
            self.consoles[console] = body
            task = Task(body, tid, spec, connection)
            task.order, task.rank = order, (order,)
        elif body is None:
            mother = self._mother(parent)
            if mother is None:
                return None
            relative = mother.body.child
            body = self._take_in(Child(os_pid, mother.spec, relative.console, forked=False), mother)
            body.child.parent = relative
            task = Task(body, tid, mother.spec, connection)
            task.mother, task.rank = mother, (mother.rank[0], *rank)
            self._owe(mother.body, -1)
        else:
            task = Task(body, tid, body.child.spec, connection)
            task.mother = body.tasks[0]
            task.rank = (task.mother.rank[0], *rank)
            self._owe(body, -1)
        body.tasks.append(task)
        return task

    def _take_in(self, child: Child, mother: Task | None) -> Body:
        body = self.by_os_pid[child.os_pid] = Body(child, mother)
        child.mode = Mode.RUNNING
        self._poller.add(child.pidfd, partial(self._bury, body))
        return body

    def _mother(self, os_pid: int) -> Task | None:
        """Return a task of the process with this number, or of its nearest ancestor in the run; None if there is
        none."""
        for _ in range(64):
            body = self.by_os_pid.get(os_pid)
            if body is not None and body.tasks:
                return next((task for task in body.tasks if task in self.going), body.tasks[0])
            try:
                os_pid = procfs.Stat(os_pid).parent
            except OSError:
                return None
        return None

    # Messages

    def _receive(self, connection: socket.socket) -> list[str]:
        try:
            data = connection.recv(_MAX_MESSAGE)
        except BlockingIOError:
            return [""]
        except OSError:
            data = b""
        return data.decode(errors="replace").split(protocol.SEPARATOR) if data else []

    def _owe(self, body: Body, births: int) -> None:
        """Note that ``births`` more (or fewer) children or threads of a process have still to connect."""
        body.owed += births
        self._owing.add(body) if body.owed else self._owing.discard(body)

    def _hear(self, task: Task, connection: socket.socket) -> None:
        self._heard = True
        fields = self._receive(connection)
        if not fields:
            self._poller.remove(connection.fileno())
            connection.close()
            if task.connection is connection:
                task.connection = None
            return
        kind, *rest = fields
        if kind == protocol.LINE and len(rest) >= 8:
            file, line, function, mark, births, silent, complete, task.touches, *changed = rest
            task.has_company |= silent == "1" or births != "0"
            task.come_to(Place(file, int(line), function), int(mark), complete == "1", changes(changed))
            self.going.discard(task)
            self._unsettled |= silent == "1"
            self._owe(task.body, int(births))
        elif kind == protocol.BLOCKS:
            task.begin_to_wait(next(self._waits), announced=True)
        elif kind == protocol.WAKES:
            task.state, task.announced = State.WOKEN, False
            self.going.discard(task)
            self._woken.append(task)
        elif kind == protocol.STATE and len(rest) == 2:
            task.body.state = int(rest[0]), rest[1] == "1"
        elif kind == protocol.NOTE:
            task.changes += changes(rest)
        elif kind == protocol.THREAD_ENDS and rest:
            task.leave(rest[0] == "1", changes(rest[1:]))
            self._unsettled = True
            self._end(task)
        elif kind == protocol.ENDS and rest:
            task.changes += changes(rest[1:])
            if rest[0].lstrip("-").isdecimal():
                task.body.said = int(rest[0]) & 0xFF

    def _bury(self, body: Body) -> None:
        """Process the end of a process."""
        self._heard = True
        self._poller.remove(body.child.pidfd)
        for task in body.tasks:
            if task.connection is not None:
                while (fields := self._receive(task.connection)) and fields != [""]:
                    if fields[0] in (protocol.NOTE, protocol.ENDS):
                        task.changes += changes(fields[2 if fields[0] == protocol.ENDS else 1 :])
                        if fields[0] == protocol.ENDS and fields[1].isdecimal():
                            body.said = int(fields[1]) & 0xFF
                self._poller.remove(task.connection.fileno())
                task.connection.close()
                task.connection = None
        body.ended = True
        body.child.mode = Mode.ENDED
        for task in body.tasks:
            self._end(task)
        with suppress(ChildProcessError):  # also waits until the system has notified all others
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        self._unsettled |= self._looks.see_strangers(self.by_os_pid)  # perhaps their child, which they notice now

    def _end(self, task: Task) -> None:
        if task.state is not State.ENDED:
            task.state = State.ENDED
            self.going.discard(task)
            self.tasks.remove(task)
            for waiting in (self._unborn, self._woken):
                if task in waiting:
                    waiting.remove(task)

    # Turns

    def go(self, task: Task, lines: int = 1, hurries: bool = False) -> None:
        """Begin a turn of so many lines, in none of which but the last the task meets others. ``hurries``: the state
        after it need not be reported."""
        self._looks.note(task.body.os_pid)
        self._go(task)
        task.hurries, task.has_company = hurries, False
        many = hurries or lines > 1
        self._tell(task, (protocol.HURRY if hurries else protocol.LINES) + b"%d" % lines if many else protocol.GO)

    def _go(self, task: Task) -> None:
        task.state = State.GOING
        self.going.add(task)

    @staticmethod
    def _tell(task: Task, what: bytes) -> None:
        if task.connection is not None:
            with suppress(OSError):  # it is ending
                task.connection.send(what)

    def listen(self, task: Task) -> None:
        """Have a task accept signals that end it."""
        self._tell(task, protocol.LISTEN)

    def state_of(self, body: Body) -> tuple[int, bool]:
        """Return the mark of the state of a process with several threads, all at rest, and whether the state is known
        completely."""
        held = next((task for task in body.tasks if task.state is State.HELD), None)
        body.state = None
        if held is not None:
            self._tell(held, protocol.ASK)
            give_up_ns = time.monotonic_ns() + _MAX_BIRTH_NS
            while body.state is None and held.state is State.HELD and time.monotonic_ns() < give_up_ns:
                self._poller.wait(give_up_ns)
        return body.state or (0, False)

    def await_change(self) -> None:
        """Wait for the effect of something that may make a blocked task go on or end, which takes the system a
        moment."""
        give_up_ns = time.monotonic_ns() + _MAX_WAKE_NS
        self._heard = False
        while not (self.going or self._heard) and time.monotonic_ns() < give_up_ns:
            self._poller.wait(time.monotonic_ns() + _MIN_PAUSE_NS)
            self._find_woken()
        self.settle()

    def settle(self) -> bool:
        """Wait until all tasks are at rest. Return False if interrupted."""
        pause_ns = _MIN_PAUSE_NS
        self._looks.forget()
        while True:
            self._heard = False
            if not self._moves:
                self._find_woken()
            if not self._moves:
                if not (self._woken or self._unborn):
                    self._looks.begin()
                    return True
                self._begin_first()
                pause_ns = _MIN_PAUSE_NS
            self._poller.wait(time.monotonic_ns() + pause_ns)
            if self._heard:
                pause_ns = _MIN_PAUSE_NS
                self._looks.forget()
                continue
            if self._interrupted():
                return False
            if not self._have_said_so():
                self._look()
            if pause_ns == _MAX_PAUSE_NS:
                self._end_endless()
            pause_ns = _MIN_PAUSE_NS if self._looks.seem_at_rest else min(pause_ns * 2, _MAX_PAUSE_NS)

    @property
    def _moves(self) -> bool:
        """Whether anything moves, as far as is known."""
        return bool(self.going or self._unsettled or self._strangers or self._owing)

    def _begin_first(self) -> None:
        """Let a task go on that has waited, in the order in which the waits began; if there is none, one that was
        born."""
        born = min(self._unborn, key=Task.turn_to_begin, default=None)
        first = min(self._woken, key=lambda task: task.since, default=born)
        assert first is not None
        (self._woken or self._unborn).remove(first)
        self._go(first)
        self._tell(first, protocol.GO)

    def _find_woken(self) -> None:
        """Find tasks that were blocked and are not any more."""
        for task in self.tasks:
            if task.state is State.BLOCKED:
                state, switches = procfs.mark(task.body.os_pid, task.tid)
                if state not in AT_REST or switches != task.switches:
                    self._go(task)

    def _have_said_so(self) -> bool:
        """Whether all tasks in a line have announced that they wait for a lock, and do. Then no other process could
        release it, so one look is enough."""
        if self._unsettled or self._strangers or self._owing or not all(task.announced for task in self.going):
            return False
        marks = {task: procfs.mark(task.body.os_pid, task.tid) for task in self.going}
        if any(state != "S" for state, _ in marks.values()) or self._looks.see_strangers(self.by_os_pid):
            return False
        if self._read_consoles() or self._anybody_is_clocked(()):
            return False
        self._poller.wait(time.monotonic_ns())
        if not self._heard:
            for task, (_, switches) in marks.items():
                self._block(task, switches)
        return not self._heard

    def _block(self, task: Task, switches: int) -> None:
        """Note that a task waits within its line. ``switches``: how often it had been given a CPU."""
        self.going.discard(task)
        task.state = State.BLOCKED
        if not task.announced:
            task.begin_to_wait(next(self._waits))
        task.switches = switches

    def _look(self) -> None:
        """Check whether all threads are at rest. If so, the tasks that are in a line are blocked."""
        if any(procfs.mark(task.body.os_pid, task.tid)[0] not in AT_REST for task in self.going):
            self._looks.forget()
            return
        seen = self._looks.look(self.by_os_pid)
        if seen is None:
            return
        if self._read_consoles() or self._anybody_is_clocked(seen):
            self._looks.forget()
            return
        self._poller.wait(time.monotonic_ns())
        if self._heard:
            return
        self._unsettled = False
        for body in [*self._owing]:
            self._owe(body, -body.owed)
        switches = {(thread.os_pid, thread.tid): thread.switches for thread in seen}
        for task in [*self.going]:
            self._block(task, switches.get((task.body.os_pid, task.tid), 0))

    def _anybody_is_clocked(self, seen: Iterable[Thread]) -> bool:
        """Whether a task that is in a line, or a process without a hook that was started by one, waits for a time to
        come."""
        if any(task.place.line and sleeps_by_the_clock(task.body.child, task.tid) for task in self.going):
            return True
        busy = {task.body.os_pid for task in self.going}
        strangers = (each for each in seen if each.whose in busy and each.os_pid not in self.by_os_pid)
        return any(sleeps_by_the_clock(None, each.tid, each.os_pid) for each in strangers)

    def _end_endless(self) -> None:
        """End processes that use too much CPU time in one turn, and all that they have started in it."""
        for thread in self._looks.endless(self.by_os_pid):
            if thread.os_pid not in self.by_os_pid:
                kill(thread.os_pid)
            body = self.by_os_pid.get(thread.whose)
            if body is not None and not body.ended and not any(task in self.endless for task in body.tasks):
                named = [task for task in body.tasks if task in self.going] or body.tasks[:1]
                self.endless += named[:1]
                body.child.send(9)

    def children(self) -> Iterator[Child]:
        """Return all processes that have not ended."""
        return (body.child for body in self.by_os_pid.values() if not body.ended)

    def close(self) -> None:
        """Close all connections and consoles."""
        self._poller.remove(self._stage.listener.fileno())
        for body in self.by_os_pid.values():
            for task in body.tasks:
                if task.connection is not None:
                    self._poller.remove(task.connection.fileno())
                    task.connection.close()
                    task.connection = None
            self._poller.remove(body.child.pidfd)
            body.child.close()
        for console in self.consoles:
            console.close()
