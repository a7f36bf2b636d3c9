"""What takes turns on a stepping machine: a thread with lines (a task), and the process that it belongs to (a body)."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import socket
from enum import Enum
from typing import NamedTuple

from msgspec.structs import replace

from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.reaper import exit_status
from sandbox.model.events import Change, Stepped
from sandbox.model.spec import ProcessSpec
from sandbox.programs.stepping.touches import UNKNOWN


class State(Enum):
    """The state of a thread."""

    UNBORN = "it waits in its hook, and has been nowhere yet"
    HELD = "it waits in its hook for its next turn"
    GOING = "it runs a line, as far as is known"
    BLOCKED = "it waits for something within its line"
    WOKEN = "it has waited within its line, and waits in its hook to go on with it"
    ENDED = "it has ended"


#: How many states of a task are remembered.
_MAX_SEEN = 20_000


class Place(NamedTuple):
    """A line of a program; ``line`` is 0 for none."""

    file: str
    line: int
    function: str


NOWHERE = Place("", 0, "")


class Body:
    """A process. ``parent``: the task that has started it."""

    def __init__(self, child: Child, parent: Task | None) -> None:
        self.child = child
        self.parent = parent
        self.tasks: list[Task] = []
        #: How many child processes and threads of it have been named.
        self.children = self.threads = 0
        #: The exit code that it has announced, or None.
        self.said: int | None = None
        self.ended = False
        #: The state that its threads last reported, as a mark, and whether it was known completely; None if not
        #: reported yet.
        self.state: tuple[int, bool] | None = None
        #: How many children and threads of it have not connected yet.
        self.owed = 0

    @property
    def os_pid(self) -> int:
        return self.child.os_pid

    @property
    def alive(self) -> list[Task]:
        """The threads of the process that have not ended."""
        return [task for task in self.tasks if task.state is not State.ENDED]

    @property
    def status(self) -> tuple[int | None, int | None]:
        """The exit code and the signal, once it has ended; one or both are None."""
        code, number = exit_status(self.child.pidfd, self.child.stat_fd)
        return (self.said, None) if code is None and number is None else (code, number)


class Task:
    """A thread. To the kernel it is a process, with a ``pid``."""

    def __init__(self, body: Body, tid: int, spec: ProcessSpec, connection: socket.socket) -> None:
        self.body, self.tid, self.spec = body, tid, spec
        self.connection: socket.socket | None = connection
        self.pid = 0
        #: The index of the thread in its process, and the task that has started it.
        self.thread = 0
        self.mother: Task | None = None
        self.order: int | None = None
        #: The position in the scenario of the process from which it descends, and then the ordinal number of each birth
        #: on the way, among those of the same parent. The system's numbers may begin anew at any time.
        self.rank: tuple[int, ...] = ()
        self.state = State.UNBORN
        #: The line where it is, and where it was at its last stop before that.
        self.place = self.before = NOWHERE
        self.changes: list[Change] = []
        #: Whether it has come to a line that was not reported yet.
        self.stopped = False
        #: The length of all turns that it has had, in ns of machine time.
        self.cpu_ns = 0
        #: A mark that distinguishes its present state from others, and whether the state is known completely.
        self.mark, self.complete = 0, False
        #: What its next turn will touch that others can see, in the format of the hook.
        self.touches = UNKNOWN
        #: In its last turn: whether its state was not to be reported; whether it has started others, or has threads
        #: that report nothing.
        self.hurries = self.has_company = False
        #: The states in which it has been since something last changed.
        self.seen: set[tuple[Place, int]] = set()
        self.spins = False
        #: How often it had been given a CPU when it was seen asleep.
        self.switches = 0
        #: The ordinal number of its wait within its line (waits are numbered as they begin); the number of waits within
        #: this line; whether it has announced the present one.
        self.since = self.waits = 0
        self.announced = False
        #: Whether it is a thread that an uncaught exception has ended.
        self.failed = False

    @property
    def name(self) -> str:
        return self.spec.name

    def turn_to_begin(self) -> tuple[int, tuple[int, ...]]:
        """Return a key that sorts tasks that were born together: by generation, then in the order in which the program
        has started them."""
        return len(self.rank), self.rank

    def come_to(self, place: Place, mark: int, complete: bool, changes: list[Change]) -> None:
        """Note that the task has come to a line."""
        self.before, self.place = self.place, place
        self.mark, self.complete = mark, complete
        self.changes += changes
        if any(change.shared for change in changes):
            self.seen.clear()
        self.stopped = True
        self.state = State.HELD
        self.waits, self.announced = 0, False

    def leave(self, failed: bool, changes: list[Change]) -> None:
        """Note that the thread ends. ``failed``: by an uncaught exception."""
        self.failed = failed and self is not self.body.tasks[0]
        self.changes += changes

    @property
    def status(self) -> tuple[int | None, int | None]:
        """The exit code and the signal, once it has ended. A thread that has failed ends as a process would."""
        if self.failed:
            return 1, None
        return self.body.status if self.body.ended else (0, None)

    def begin_to_wait(self, number: int, announced: bool = False) -> None:
        """Note that the task waits for something, with the ordinal number of the wait."""
        self.since, self.announced = number, announced
        self.waits += 1

    def take_changes(self) -> tuple[Change, ...]:
        """Return the changes of variables that it has reported, one for each variable, and forget them."""
        first: dict[str, Change] = {}
        for change in self.changes:
            old = first.get(change.name)
            before = old.before if old is not None else change.before
            first[change.name] = Change(change.name, change.after, before, change.shared)
        self.changes = []
        return tuple(change for change in first.values() if change.before != change.after)

    def be_named(self) -> None:
        """Name the task once its index is known: a thread after its process, a process after its parent."""
        body, mother = self.body, self.mother
        if mother is None:
            return
        if mother.body is body:
            body.threads += 1
            self.thread = body.threads
            name = f"{body.tasks[0].name}.{body.threads}"
        else:
            mother.body.children += 1
            name = f"{mother.body.tasks[0].name}/{mother.body.children}"
        self.spec = replace(mother.spec, name=name, arrive_ns=0)
        if mother.body is not body:
            body.child.spec = self.spec
            body.child.pid = self.pid

    def stepped(self, now_ns: int) -> Stepped:
        """Return the event that it has come to its next line."""
        before, now = self.before, self.place
        file = before.file or now.file
        other = now.file if now.file != file else None
        changes = self.take_changes()
        function = before.function or now.function
        return Stepped(now_ns, self.pid, file, before.line, now.line, function, other, self.thread, changes)

    def last_step(self, now_ns: int) -> Stepped:
        """Return the event that it has ended in the line where it was."""
        here = self.place
        return Stepped(
            now_ns, self.pid, here.file, here.line, 0, here.function, thread=self.thread, changed=self.take_changes()
        )

    @property
    def goes_round(self) -> bool:
        """Whether it is in a state in which it was before, with nothing changed. Notes the state."""
        key = (self.place, self.mark)
        if key in self.seen:
            return True
        if len(self.seen) >= _MAX_SEEN:
            self.seen.clear()
        self.seen.add(key)
        return False


def changes(fields: list[str]) -> list[Change]:
    """Return the changes in a message. For each there are four fields: name, before, after, "1" if shared."""
    whole = len(fields) // 4 * 4
    return [
        Change(name, after, before or None, bool(shared))
        for name, before, after, shared in zip(*(iter(fields[:whole]),) * 4, strict=True)
    ]
