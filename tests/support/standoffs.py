"""Random programs of which some end in a deadlock, and what is true of each, worked out without running it.

Each member takes a thing of its own, and when all have theirs, most want that of another one. A thing is a lock on a
file, a lock of ``multiprocessing``, or a pipe into which only its owner writes. Who wants nothing lets go after a while;
so does who waits with a limit. Everybody else waits until the one has let go whose thing it wants.
"""

from __future__ import annotations

import json
import random
from typing import NamedTuple

from sandbox.model.events import Deadlocked, Event, Exited

KINDS = ("flock", "lock", "pipe")

PROGRAM = """
import fcntl, json, os, sys, tempfile, time
from multiprocessing import get_context

context = get_context("fork")
SPEC = json.loads({spec!r})
KINDS, WANTS, LIMITS = SPEC["kinds"], SPEC["wants"], SPEC["limits"]
NUMBER = len(KINDS)


def main():
    folder = tempfile.mkdtemp()
    locks = [context.Lock() for _ in KINDS]
    pipes = [os.pipe() for _ in KINDS]
    ready, go = os.pipe(), os.pipe()
    for me in range(NUMBER):
        if os.fork() == 0:
            member(me, folder, locks, pipes, ready, go)
            os._exit(0)
    for end in (*(end for pipe in pipes for end in pipe), go[0], ready[1]):
        os.close(end)
    for _ in range(NUMBER):
        os.read(ready[0], 1)
    os.close(go[1])
    for _ in range(NUMBER):
        os.wait()


def member(me, folder, locks, pipes, ready, go):
    os.close(go[1])
    for other, (_, write) in enumerate(pipes):
        if other != me:
            os.close(write)
    mine = take(me, folder, locks)
    os.write(ready[1], b"x")
    os.close(ready[1])
    os.read(go[0], 1)
    os.close(go[0])
    if WANTS[me] is None:
        time.sleep(SPEC["slow"])
    else:
        want(WANTS[me], LIMITS[me], folder, locks, pipes)
    if KINDS[me] == "flock":
        os.close(mine)
    elif KINDS[me] == "lock":
        locks[me].release()
    os.close(pipes[me][1])


def take(me, folder, locks):
    if KINDS[me] == "flock":
        file = os.open(os.path.join(folder, str(me)), os.O_CREAT | os.O_RDWR)
        fcntl.flock(file, fcntl.LOCK_EX)
        return file
    if KINDS[me] == "lock":
        locks[me].acquire()


def want(other, limit, folder, locks, pipes):
    if KINDS[other] == "flock":
        file = os.open(os.path.join(folder, str(other)), os.O_CREAT | os.O_RDWR)
        fcntl.flock(file, fcntl.LOCK_EX)
        os.close(file)
    elif KINDS[other] == "lock":
        if locks[other].acquire(timeout=limit):
            locks[other].release()
    else:
        os.read(pipes[other][0], 1)


if __name__ == "__main__":
    main()
"""


class Standoff(NamedTuple):
    """``wants``: whose thing each member wants; ``limits``: for how many seconds, where not for ever."""

    kinds: list[str]
    wants: list[int | None]
    limits: list[float | None]
    slow: float

    @property
    def program(self) -> str:
        """It prints nothing, and ends unless it cannot."""
        return PROGRAM.format(spec=json.dumps(self._asdict()))

    @property
    def core(self) -> set[int]:
        """Those in a circle in which nobody has a limit."""
        return {member for member in range(len(self.kinds)) if member in self._way(member)[1:]}

    @property
    def stuck(self) -> set[int]:
        """Those whose way leads into such a circle."""
        core = self.core
        return {member for member in range(len(self.kinds)) if core & {*self._way(member)}}

    def _way(self, member: int) -> list[int]:
        """Whom it waits for, and whom that one does, up to one that can go on by itself, or that has been met."""
        way = [member]
        while True:
            following = self.wants[way[-1]]
            if following is None or self.limits[way[-1]] is not None:
                return way
            way.append(following)
            if following in way[:-1]:
                return way


def standoff(dice: random.Random) -> Standoff:
    """A program; about half of all are free of deadlock."""
    number = dice.randint(2, 6)
    kinds = [dice.choice(KINDS) for _ in range(number)]
    wants: list[int | None] = [(member + 1) % number for member in range(number)]
    if dice.random() < 0.7:  # a ring, else anything
        order = dice.sample(range(number), number)
        for one, other in zip(order, [*order[1:], order[0]], strict=True):
            wants[one] = other
    else:
        wants = [dice.choice([*({*range(number)} - {member}), None]) for member in range(number)]
    limits: list[float | None] = [None] * number
    if dice.random() < 0.4:  # somebody in it can go on
        for member in dice.sample(range(number), dice.randint(1, 2)):
            wanted = wants[member]
            if wanted is not None and kinds[wanted] == "lock":
                limits[member] = 0.5
            else:
                wants[member] = None
    return Standoff(kinds, wants, limits, dice.choice([0.0, 0.1, 0.4]))


def found_wrong(truth: Standoff, events: list[Event]) -> str:
    """What a run of it got wrong; "" if nothing. Its members are the children of process 1, in order of birth."""
    told = [event for event in events if isinstance(event, Deadlocked)]
    first = 2
    if not truth.core:
        ended = {event.pid for event in events if isinstance(event, Exited)}
        missing = {*range(1, first + len(truth.kinds))} - ended
        return f"no deadlock, but told: {told}" if told else f"not over: {missing}" if missing else ""
    if not told:
        return "a deadlock that was not found"
    last = told[-1]
    if last.may_end:
        return "a deadlock of which it is said that it may end"
    stuck = {pid - first for pid in last.pids if pid >= first}
    core = {pid - first for pid in last.core}
    if (stuck, core) != (truth.stuck, truth.core):
        return f"stuck {stuck}, core {core}; in truth {truth.stuck}, {truth.core}"
    return ""
