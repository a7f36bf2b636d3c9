"""A program of members of whom each takes a thing, and then wants that of another one, as ``spec.json`` beside it says:
run by ``tests.scripts.standoffs``. It prints nothing, and ends unless it cannot."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

Member = dict[str, Any]
Give = Callable[[], object]
SPEC: dict[str, Any] = json.loads(Path("spec.json").read_text())
MEMBERS: list[Member] = SPEC["members"]
BODIES: list[dict[str, Any]] = SPEC["bodies"]
context = get_context("fork")
#: What a member writes into its pipe when it lets go, so that everybody who waits has something to read.
PLENTY = b"x\n" * 64


class World:
    """What all of them have from before they were born."""

    def __init__(self) -> None:
        self.locks: list[Any] = [context.Lock() if member["thing"] == "lock" else None for member in MEMBERS]
        self.pipes: list[Any] = [os.pipe() if member["thing"] in ("pipe", "full") else None for member in MEMBERS]
        self.pairs: list[Any] = [socket.socketpair() if member["thing"] == "sock" else None for member in MEMBERS]
        self.ready, self.go = os.pipe(), os.pipe()
        for member, pipe in zip(MEMBERS, self.pipes, strict=True):
            if member["thing"] == "full":
                os.set_blocking(pipe[1], False)
                try:
                    while True:
                        os.write(pipe[1], bytes(4096))
                except BlockingIOError:
                    os.set_blocking(pipe[1], True)


def main() -> None:
    world = World()
    for number in range(len(BODIES)):
        if os.fork() == 0:
            body(number, world)
            os._exit(0)
    if SPEC["bystander"] and os.fork() == 0:
        keep(world, ())
        os.close(world.go[1])
        time.sleep(SPEC["bystander"])
        os._exit(0)
    keep(world, ())
    for _ in MEMBERS:
        os.read(world.ready[0], 1)
    os.close(world.go[1])
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def keep(world: World, mine: Collection[int]) -> None:
    """Close the ends that belong to others."""
    for number, member in enumerate(MEMBERS):
        owns = number in mine or any(other in mine for other in member["with"])
        wants = any(MEMBERS[one]["want"] == number for one in mine)
        if member["thing"] == "pipe":
            _close(world.pipes[number], (wants, owns))
        elif member["thing"] == "full":
            _close(world.pipes[number], (owns, wants))
        elif member["thing"] == "sock":
            for end, has in zip(world.pairs[number], (wants, owns), strict=True):
                if not has:
                    end.close()


def _close(ends: tuple[int, int], have: tuple[bool, bool]) -> None:
    for end, has in zip(ends, have, strict=True):
        if not has:
            os.close(end)


def body(number: int, world: World) -> None:
    kind, mine = BODIES[number]["kind"], BODIES[number]["members"]
    keep(world, mine)
    os.close(world.go[1])
    if kind == "c":
        become_c(mine, world)
    elif kind == "sh":
        become_shell(mine[0], world)
    elif kind == "threads":
        own = {one: threading.Lock() for one in mine}
        crew = [threading.Thread(target=live, args=(one, world, own), daemon=False) for one in mine]
        for each in crew:
            each.start()
        for each in crew:
            each.join()
    else:
        live(mine[0], world, {})


def live(me: int, world: World, own: dict[int, Any]) -> None:
    member = MEMBERS[me]
    give = take(me, member, world, own)
    os.write(world.ready[1], b"x")
    while os.read(world.go[0], 1):
        pass
    time.sleep(member["delay"])
    if member["console"]:
        os.read(0, 1)
    elif member["want"] is None:
        time.sleep(member["slow"])
    else:
        want(member, MEMBERS[member["want"]], world, own)
    give()
    for number, other in enumerate(MEMBERS):
        if me in other["with"]:
            os.write(world.pipes[number][1], PLENTY)


def take(me: int, member: Member, world: World, own: dict[int, Any]) -> Give:
    kind = member["thing"]
    if kind in ("flock", "fcntl"):
        file = os.open(f"thing{me}", os.O_CREAT | os.O_RDWR)
        (fcntl.flock if kind == "flock" else fcntl.lockf)(file, fcntl.LOCK_EX)
        return lambda: os.close(file)
    if kind == "lock":
        world.locks[me].acquire()
        return cast(Give, world.locks[me].release)
    if kind == "tlock":
        if member["with"] == []:
            own[me].__enter__()
            return lambda: own[me].__exit__(None, None, None)
        own[me].acquire()
        return cast(Give, own[me].release)
    if kind == "pipe":
        return lambda: os.write(world.pipes[me][1], PLENTY)
    if kind == "full":
        return lambda: os.close(world.pipes[me][0])
    return lambda: world.pairs[me][1].shutdown(socket.SHUT_RDWR)


def want(member: Member, other: Member, world: World, own: dict[int, Any]) -> None:
    number, kind, limit = member["want"], other["thing"], member["limit"]
    if member["alarm"]:
        signal.signal(signal.SIGALRM, _raise)
        signal.setitimer(signal.ITIMER_REAL, member["alarm"])
    try:
        if kind in ("flock", "fcntl"):
            file = os.open(f"thing{number}", os.O_CREAT | os.O_RDWR)
            (fcntl.flock if kind == "flock" else fcntl.lockf)(file, fcntl.LOCK_EX)
            os.close(file)
        elif kind in ("lock", "tlock"):
            lock = world.locks[number] if kind == "lock" else own[number]
            if lock.acquire(timeout=-1 if limit is None and kind == "tlock" else limit):
                lock.release()
        elif kind == "pipe":
            os.read(world.pipes[number][0], 1)
        elif kind == "full":
            try:
                while True:
                    os.write(world.pipes[number][1], bytes(8192))
            except BrokenPipeError:
                pass
        else:
            if limit is not None:
                world.pairs[number][0].settimeout(limit)
            try:
                world.pairs[number][0].recv(1)
            except TimeoutError:
                pass
    except InterruptedError:
        pass
    finally:
        if member["alarm"]:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _raise(number: int, frame: object) -> None:
    raise InterruptedError


def become_c(mine: list[int], world: World) -> None:
    """One thread each: its number, what it holds, what it wants, its limit and pauses in ms."""
    words = [str(world.ready[1]), str(world.go[0])]
    for one in mine:
        member = MEMBERS[one]
        other = None if member["want"] is None else MEMBERS[member["want"]]
        words += [str(one), member["thing"], str(world.pipes[one][1] if member["thing"] == "pipe" else -1)]
        words += (
            ["-", "-1", "-1"]
            if other is None
            else [
                other["thing"],
                str(member["want"]),
                str(world.pipes[member["want"]][0] if other["thing"] == "pipe" else -1),
            ]
        )
        limit = -1 if member["limit"] is None else int(member["limit"] * 1000)
        words += [str(limit), str(int(member["delay"] * 1000)), str(int(member["slow"] * 1000))]
    for each in (world.ready[1], world.go[0], *(end for pipe in world.pipes if pipe for end in pipe)):
        try:
            os.set_inheritable(each, True)
        except OSError:
            continue  # it is closed here
    os.execv(SPEC["c"], [SPEC["c"], *words])


def become_shell(me: int, world: World) -> None:
    member = MEMBERS[me]
    other = None if member["want"] is None else MEMBERS[member["want"]]
    ends = {3: world.ready[1], 4: world.go[0]}
    if member["thing"] == "pipe":
        ends[6] = world.pipes[me][1]
    if other and other["thing"] == "pipe":
        ends[5] = world.pipes[member["want"]][0]
    high = {at: fcntl.fcntl(end, fcntl.F_DUPFD, 100) for at, end in ends.items()}
    for at, end in high.items():
        os.dup2(end, at)
        os.close(end)
    for each in range(7, 100):
        try:
            os.close(each)
        except OSError:
            continue
    lines = [f"exec 8>thing{me}; flock 8" if member["thing"] == "flock" else "", "echo >&3", "read x <&4"]
    lines += ["exec 4<&-", f"sleep {member['delay']}"]
    if other is None:
        lines += [f"sleep {member['slow']}"]
    elif other["thing"] == "pipe":
        lines += ["read x <&5"]
    else:
        wait = "" if member["limit"] is None else f"-w {member['limit']}"
        lines += [f"exec 9>thing{member['want']}", f"flock {wait} 9"]
    lines += [f"head -c {len(PLENTY)} /dev/zero | tr '\\0' '\\n' >&6" if member["thing"] == "pipe" else ":", ":"]
    os.execvp("sh", ["sh", "-c", "\n".join(lines)])


if __name__ == "__main__":
    main()
