"""Random programs of which some end in a deadlock, and what is true of each, worked out without running it.

Members are processes in Python, threads of one, threads in C, or shells. Each takes a thing of its own, and when all
have theirs, most want that of another one. A thing is a lock on a file, a lock of ``multiprocessing``, of ``threading``
or of the C library, a pipe into which its owner will write (or another one with him), a full pipe that only he reads, a
connection. Who wants nothing lets go after a while; so does who waits with a limit. One may wait for a person.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from sandbox.model.events import Admitted, Blocked, Deadlocked, Event, Exited

PROGRAM = Path(__file__).with_name("standoff_program.py")
SOURCE = Path(__file__).with_name("standoff.c")
#: What members of each kind can take, and can want; those of the last part only within their own process.
_WITHIN = ("tlock", "mutex", "rwlock", "sem")
_CAN: dict[str, tuple[str, ...]] = {
    "py": ("flock", "fcntl", "lock", "pipe", "full", "sock"),
    "threads": ("flock", "lock", "pipe", "tlock", "tlock"),
    "c": ("flock", "pipe", "mutex", "mutex", "rwlock", "sem"),
    "sh": ("flock", "pipe"),
}
#: What can be waited for with a limit, by kinds of members.
_LIMITED = {"py": ("lock", "sock"), "threads": ("lock", "tlock"), "c": ("mutex", "rwlock", "sem"), "sh": ("flock",)}
#: A thread, as part of a process: a member; the first thread of those that have several; what a shell has started.
Node = tuple[str, int]


class Member(msgspec.Struct):
    """``with``: others who can let go of its thing, too. Times are in seconds."""

    body: int
    thing: str
    want: int | None = None
    limit: float | None = None
    alarm: float = 0.0
    console: bool = False
    delay: float = 0.0
    slow: float = 0.0
    others: list[int] = msgspec.field(default_factory=list, name="with")


class Body(msgspec.Struct):
    """A process and its members."""

    kind: str
    members: list[int]


class Standoff(msgspec.Struct):
    """``bystander``: for how long somebody stands by who has nothing to do with it."""

    bodies: list[Body]
    members: list[Member]
    bystander: float = 0.0

    def write(self, folder: Path, compiled: str) -> None:
        """The program, as ``it.py``; ``compiled``: what has been made of ``standoff.c``."""
        shutil.copy(PROGRAM, folder / "it.py")
        spec = {**msgspec.to_builtins(self), "c": compiled}
        (folder / "spec.json").write_text(json.dumps(spec))

    # What is true of it

    @property
    def free(self) -> set[int]:
        """Members that go on, if not at once, then after others of them."""
        free: set[int] = set()
        while True:
            more = {
                number
                for number, member in enumerate(self.members)
                if member.want is None
                or member.limit is not None
                or member.alarm
                or free & {*self._owners(member.want)}
            }
            more = {number for number in more if not self.members[number].console}
            if more == free:
                return free
            free = more

    @property
    def lost(self) -> set[int]:
        """Members who never go on, although no person is waited for."""
        can_go_on = self.free | {number for number, member in enumerate(self.members) if member.console}
        while True:
            more = {
                number
                for number, member in enumerate(self.members)
                if member.want is not None and can_go_on & {*self._owners(member.want)}
            }
            if more <= can_go_on:
                return {*range(len(self.members))} - can_go_on
            can_go_on |= more

    def _owners(self, number: int) -> list[int]:
        return [number, *self.members[number].others]

    @property
    def stuck(self) -> set[Node]:
        """By process: those of whom a thread never goes on."""
        return {self._process(node) for node in self._groups()}

    @property
    def core(self) -> set[Node]:
        """Those of whom a thread is in a knot."""
        return {self._process(node) for node in _knots(self._groups())}

    @property
    def has_alarm(self) -> bool:
        return any(member.alarm for member in self.members)

    def _process(self, node: Node) -> Node:
        kind, number = node
        return ("body", self.members[number].body) if kind == "member" else ("body", number) if kind == "main" else node

    def _groups(self) -> dict[Node, frozenset[Node]]:
        """Of each thread that never goes on: one of whom would have to let go."""
        lost = self.lost
        groups: dict[Node, frozenset[Node]] = {}
        for number in sorted(lost):
            member = self.members[number]
            assert member.want is not None
            owners = self._owners(member.want)
            group = frozenset(owner for each in owners for owner in self._lets_go(member.want, each, lost))
            waits: Node = ("member", number)
            if self._has_helper(number):
                groups[waits] = frozenset({("helper", number)})
                waits = ("helper", number)
            groups[waits] = group
        for number, body in enumerate(self.bodies):
            if body.kind in ("threads", "c") and (first := [one for one in body.members if one in lost]):
                groups["main", number] = frozenset({("member", first[0])})
        return groups

    def _has_helper(self, number: int) -> bool:
        member = self.members[number]
        kind = self.bodies[member.body].kind
        return kind == "sh" and member.want is not None and self.members[member.want].thing == "flock"

    def _lets_go(self, thing: int, owner: int, lost: set[int]) -> Iterator[Node]:
        """A lock between threads, or one that says who has it, belongs to a thread; what is open, to all that share it."""
        if self.members[thing].thing in ("tlock", "mutex", "rwlock", "lock"):
            yield "member", owner
            return
        body = self.members[owner].body
        yield from (("member", one) for one in self.bodies[body].members if one in lost)
        if self.bodies[body].kind in ("threads", "c"):
            yield "main", body
        yield from (("helper", one) for one in self.bodies[body].members if one in lost and self._has_helper(one))


def _knots(groups: dict[Node, frozenset[Node]]) -> set[Node]:
    """Those who are lost by themselves, in sets where each leads to each: whoever reaches only those that lead back."""
    reach = {node: _reached(node, groups) for node in groups}
    return {node for node in groups if node in reach[node] and all(node in reach[other] for other in reach[node])}


def _reached(node: Node, groups: dict[Node, frozenset[Node]]) -> set[Node]:
    found: set[Node] = set()
    todo = [*groups[node]]
    while todo:
        other = todo.pop()
        if other not in found:
            found.add(other)
            todo += groups[other]
    return found


# Making them


def standoff(dice: random.Random, with_c: bool = True) -> Standoff:
    """A program; about half of all are free of deadlock."""
    it = _bodies(dice, with_c)
    number = len(it.members)
    if dice.random() < 0.7:
        order = dice.sample(range(number), number)
        for one, other in zip(order, [*order[1:], order[0]], strict=True):
            _want(dice, it, one, [other, *dice.sample(range(number), number)])
    else:
        for one in range(number):
            _want(dice, it, one, dice.sample(range(number), number))
    for member in it.members:
        member.delay = dice.choice([0, 0, 0.02, 0.05])
        member.slow = dice.choice([0, 0.1, 0.4])
    if dice.random() < 0.7:
        for _ in range(dice.randint(1, 2)):
            _break(dice, it)
    if dice.random() < 0.2:
        it.bystander = 2.5
    return it


def _bodies(dice: random.Random, with_c: bool) -> Standoff:
    kinds = [kind for kind in _CAN if with_c or kind != "c"]
    if dice.random() < 0.4:
        kinds = [dice.choice(kinds)]
    it = Standoff([], [])
    for _ in range(
        1
        if kinds in (["c"], ["threads"]) and dice.random() < 0.6
        else dice.randint(2, 12 if dice.random() < 0.2 else 5)
    ):
        kind = dice.choice(kinds)
        size = dice.randint(2, 4) if kind in ("threads", "c") else 1
        members = range(len(it.members), len(it.members) + size)
        it.bodies.append(Body(kind, [*members]))
        it.members += [Member(len(it.bodies) - 1, dice.choice(_CAN[kind])) for _ in members]
    for member in [member for member in it.members if member.thing == "fcntl"][1:]:
        member.thing = "flock"  # of several such locks in a ring the kernel refuses the last one
    return it


def _want(dice: random.Random, it: Standoff, one: int, others: Iterable[int]) -> None:
    """The first of these that it can want, if there is one."""
    member = it.members[one]
    kind = it.bodies[member.body].kind
    for other in others:
        thing = it.members[other].thing
        near = it.members[other].body == member.body
        taken = any(each.want == other for each in it.members)
        if other == one or thing not in _CAN[kind] or (thing in _WITHIN and not near):
            continue
        if (thing in ("sock", "full") and (taken or near)) or (thing in ("pipe", "fcntl") and near):
            continue  # one at the other end; who writes to a pipe and reads from it would free itself
        member.want = other
        return


def _break(dice: random.Random, it: Standoff) -> None:
    """Somebody in it can go on: by a limit, an alarm, another one who writes, or a person; or wants nothing."""
    one = dice.randrange(len(it.members))
    member = it.members[one]
    if member.want is None:
        return
    kind, thing = it.bodies[member.body].kind, it.members[member.want].thing
    ways = ["nothing", *(["limit"] * 3 if thing in _LIMITED[kind] else [])]
    if kind == "py":
        ways += ["console"] + ["alarm"] * (thing != "lock")
    if thing == "pipe":
        ways += ["writers"] * 3
    match dice.choice(ways):
        case "limit":
            member.limit = dice.choice([0.5, 0.8])
        case "alarm":
            member.alarm = dice.choice([0.7, 1.0])
        case "console":
            member.console, member.want = True, None
        case "writers":
            bodies = {it.members[member.want].body, *(each.body for each in it.members if each.want == member.want)}
            python = {number for number, body in enumerate(it.bodies) if body.kind in ("py", "threads")} - bodies
            others = [number for number, each in enumerate(it.members) if each.body in python]
            if others:
                it.members[member.want].others = [dice.choice(others)]
        case _:
            member.want = None


# Judging them


def found_wrong(truth: Standoff, events: list[Event]) -> str:
    """What a run of it got wrong; "" if nothing. Its processes are the children of process 1, in order of birth."""
    told = [event for event in events if isinstance(event, Deadlocked)]
    certain = [event for event in told if not event.may_end]
    if len(certain) < len(told) and not truth.has_alarm:
        return f"perhaps a deadlock, though nobody has set an alarm: {told}"
    if not truth.lost:
        ended = {event.pid for event in events if isinstance(event, Exited)}
        missing = {*range(1, 2 + len(truth.bodies))} - ended
        can_end = len(truth.free) == len(truth.members)
        return f"no deadlock, but told: {certain}" if certain else f"not over: {missing}" if missing and can_end else ""
    if not certain:
        return "a deadlock that was not found"
    last, processes = certain[-1], _processes(truth, events)
    stuck = {processes.get(pid, ("other", pid)) for pid in last.pids if pid > 1}
    core = {processes.get(pid, ("other", pid)) for pid in last.core}
    if (stuck, core) != (truth.stuck, truth.core):
        return f"stuck {sorted(stuck)}, core {sorted(core)}; in truth {sorted(truth.stuck)}, {sorted(truth.core)}"
    return ""


def _processes(truth: Standoff, events: list[Event]) -> dict[int, Node]:
    """By pid: which process it is, or which shell's helper (the last one that it has started)."""
    born = [event for event in events if isinstance(event, Admitted)]
    bodies = {event.pid: number for number, event in enumerate(event for event in born if event.parent == 1)}
    found: dict[int, Node] = {pid: ("body", number) for pid, number in bodies.items() if number < len(truth.bodies)}
    for event in born:
        if event.parent in bodies and bodies[event.parent] < len(truth.bodies):
            found[event.pid] = "helper", truth.bodies[bodies[event.parent]].members[0]
    return found


def took_ns(truth: Standoff, events: list[Event]) -> int | None:
    """From the last of its waits, or the last end of somebody who might have freed it, to the deadlock's being told. Of
    threads nobody knows when they begin to wait."""
    if any(body.kind in ("threads", "c") for body in truth.bodies):
        return None
    told = next((event for event in reversed(events) if isinstance(event, Deadlocked) and not event.may_end), None)
    if told is None:
        return None
    before = [event for event in events if event.t_ns <= told.t_ns]
    last = [event.t_ns for event in before if isinstance(event, Blocked) and event.pid in told.pids]
    last += [event.t_ns for event in before if isinstance(event, Exited)]
    return told.t_ns - max(last, default=told.t_ns)
