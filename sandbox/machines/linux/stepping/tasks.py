"""What runs one line a turn: a thread with lines of its own, and the process that it belongs to."""

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
    """Where a thread is."""

    UNBORN = "it waits in its hook, and has been nowhere yet"
    HELD = "it waits in its hook for its next turn"
    GOING = "it runs a line, as far as is known"
    BLOCKED = "it waits for something within its line"
    WOKEN = "it has waited within its line, and waits in its hook to go on with it"
    ENDED = "it has ended"


#: So many states of a task are remembered.
_MAX_SEEN = 20_000


class Place(NamedTuple):
    """A line of a program; ``line`` 0: none."""

    file: str
    line: int
    function: str


NOWHERE = Place("", 0, "")


class Body:
    """A process. ``parent``: the task that it was born of; ``name``: what its first task is called."""

    def __init__(self, child: Child, parent: Task | None) -> None:
        self.child = child
        self.parent = parent
        self.tasks: list[Task] = []
        #: How many processes and threads of it have been given names.
        self.children = self.threads = 0
        #: What it has said of its end.
        self.said: int | None = None
        self.ended = False
        #: What its threads' state was when that was last asked, and whether all of it was known.
        self.state: tuple[int, bool] | None = None
        #: How many that it has started have not said who they are.
        self.owed = 0

    @property
    def os_pid(self) -> int:
        return self.child.os_pid

    @property
    def alive(self) -> list[Task]:
        """Those of its threads that have not ended."""
        return [task for task in self.tasks if task.state is not State.ENDED]

    @property
    def status(self) -> tuple[int | None, int | None]:
        """Exit code and signal, once it has ended."""
        code, number = exit_status(self.child.pidfd, self.child.stat_fd)
        return (self.said, None) if code is None and number is None else (code, number)


class Task:
    """A thread. To the kernel it is a process: ``pid``."""

    def __init__(self, body: Body, tid: int, spec: ProcessSpec, connection: socket.socket) -> None:
        self.body, self.tid, self.spec = body, tid, spec
        self.connection: socket.socket | None = connection
        self.pid = 0
        #: Which of its process's threads it is, and what it was born of.
        self.thread = 0
        self.mother: Task | None = None
        self.order: int | None = None
        self.state = State.UNBORN
        #: Where it stands, and where it stood at its last stop before that.
        self.place = self.before = NOWHERE
        self.changes: list[Change] = []
        #: It has come to a line since that was last told.
        self.stopped = False
        #: Turns that it has had, in ns of the machine's time.
        self.cpu_ns = 0
        #: What tells its present state from others of its, and whether all of it is known.
        self.mark, self.complete = 0, False
        #: What its next turn is about to touch of what others see, as the hook writes it.
        self.touches = UNKNOWN
        #: In its last turn: its state is not asked for; it has started others, or has threads that tell nothing.
        self.hurries = self.has_company = False
        #: Its states since it was last given new hope.
        self.seen: set[tuple[Place, int]] = set()
        self.spins = False
        #: How often it had been given a CPU when it was seen asleep.
        self.switches = 0
        #: Since when it waits within its line: waits are numbered in the order in which they begin. How many there were
        #: in the line, and whether it has said itself that this one begins.
        self.since = self.waits = 0
        self.announced = False

    @property
    def name(self) -> str:
        return self.spec.name

    def come_to(self, place: Place, mark: int, complete: bool, changes: list[Change]) -> None:
        """It has come to a line."""
        self.before, self.place = self.place, place
        self.mark, self.complete = mark, complete
        self.changes += changes
        if any(change.shared for change in changes):
            self.seen.clear()
        self.stopped = True
        self.state = State.HELD
        self.waits, self.announced = 0, False

    def begin_to_wait(self, number: int, announced: bool = False) -> None:
        """It waits for something, as the one of this number who does."""
        self.since, self.announced = number, announced
        self.waits += 1

    def take_changes(self) -> tuple[Change, ...]:
        """What it has told of, each variable once."""
        first: dict[str, Change] = {}
        for change in self.changes:
            old = first.get(change.name)
            before = old.before if old is not None else change.before
            first[change.name] = Change(change.name, change.after, before, change.shared)
        self.changes = []
        return tuple(change for change in first.values() if change.before != change.after)

    def be_named(self) -> None:
        """Its place among its like is known: a thread is called after its process, a process after its parent."""
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
        """It has come to its next line."""
        before, now = self.before, self.place
        file = before.file or now.file
        other = now.file if now.file != file else None
        changes = self.take_changes()
        function = before.function or now.function
        return Stepped(now_ns, self.pid, file, before.line, now.line, function, other, self.thread, changes)

    def last_step(self, now_ns: int) -> Stepped:
        """It has ended in the line where it stood."""
        here = self.place
        return Stepped(
            now_ns, self.pid, here.file, here.line, 0, here.function, thread=self.thread, changed=self.take_changes()
        )

    @property
    def goes_round(self) -> bool:
        """Whether it is where it has been, with nothing changed; notes where it is."""
        key = (self.place, self.mark)
        if key in self.seen:
            return True
        if len(self.seen) >= _MAX_SEEN:
            self.seen.clear()
        self.seen.add(key)
        return False


def changes(fields: list[str]) -> list[Change]:
    """Those of a message: name, before, after, "1" where shared; of each in turn."""
    whole = len(fields) // 4 * 4
    return [
        Change(name, after, before or None, bool(shared))
        for name, before, after, shared in zip(*(iter(fields[:whole]),) * 4, strict=True)
    ]
