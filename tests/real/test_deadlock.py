"""Who waits for whom is read from the system, and a deadlock is found, resolved, and ends a run that nobody attends."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from sandbox.model.commands import Kill, Pause, Quit, Resume, Spawn
from sandbox.model.events import Admitted, Blocked, Deadlocked, Event, Exited, Fault, Operator, Resolved, Waits
from sandbox.model.spec import ProcessSpec, Scenario
from tests.support.real import run_real, watch
from tests.support.scenarios import command, quick_python, scenario
from tests.support.standoffs import found_wrong, standoff

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

#: A few lines each; some wait for one another for ever, others do not.
PROGRAMS = """
import fcntl, os, signal, socket, time
from pathlib import Path
from multiprocessing import get_context
context = get_context("fork")

def hold(first, second, pause, limit=None):
    with first:
        time.sleep(pause)
        second.acquire(timeout=limit)

def dine(*limits, pause=0.1):
    noodles, fork = context.Lock(), context.Lock()
    eaters = [context.Process(target=hold, args=(noodles, fork, pause, limits[0])),
              context.Process(target=hold, args=(fork, noodles, pause, limits[1]))]
    for eater in eaters: eater.start()
    for eater in eaters: eater.join()

def crossed(): dine(None, None)
def timed(): dine(None, 0.6)

def served():
    global context
    context = get_context("forkserver")
    dine(None, None, pause=0.7)

def managed():
    with context.Manager() as manager:
        shared = manager.dict()
        crossed()

def lent():
    with context.Manager() as manager:
        noodles, fork = manager.Lock(), manager.Lock()
        eaters = [context.Process(target=grab, args=each) for each in ((noodles, fork), (fork, noodles))]
        for eater in eaters: eater.start()
        for eater in eaters: eater.join()

def grab(first, second):
    first.acquire()
    time.sleep(0.2)
    second.acquire()

def waited():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    mine, hers = os.pipe()
    if os.fork() == 0:
        os.close(hers)
        os.read(mine, 1)
    signal.sigwait([signal.SIGCHLD])

def suspended():
    import ctypes
    signal.signal(signal.SIGCHLD, lambda *_: None)
    mine = open("log.txt", "w")
    fcntl.flock(mine, fcntl.LOCK_EX)
    if os.fork() == 0:
        os.close(mine.fileno())
        fcntl.flock(open("log.txt"), fcntl.LOCK_EX)
    ctypes.CDLL(None).sigsuspend(bytes(128))

def bare():
    import _thread
    forks = [_thread.allocate_lock() for _ in range(2)]
    def eat(me):
        with forks[me]:
            time.sleep(0.1)
            forks[1 - me].acquire()
    for me in range(2): _thread.start_new_thread(eat, (me,))
    while True: time.sleep(0.05)

def busy():
    import threading
    forks = [threading.Lock() for _ in range(2)]
    def eat(me):
        with forks[me]:
            time.sleep(0.1)
            forks[1 - me].acquire()
    for me in range(2): threading.Thread(target=eat, args=(me,), daemon=True).start()
    while True: sum(range(1000))

def hasty():
    import threading
    noodles, fork, until = threading.Lock(), threading.Lock(), time.monotonic() + 1
    def eat():
        while time.monotonic() < until:
            with noodles:
                with fork: sum(range(100))
    crew = [threading.Thread(target=eat) for _ in range(3)]
    for each in crew: each.start()

def full():
    there, back = os.pipe(), os.pipe()
    mine, hers = (there[1], back[0]) if os.fork() else (back[1], there[0])
    while True: os.write(mine, b"x" * 70_000)

def talk():
    ours, theirs = socket.socketpair()
    mine = ours if os.fork() else theirs
    (theirs if mine is ours else ours).close()
    mine.recv(1)

def events():
    one, other = os.eventfd(0), os.eventfd(0)
    os.eventfd_read(one if os.fork() else other)

def typed():
    ours, theirs = os.openpty()
    if os.fork(): os.wait()
    else: os.read(ours, 1)

def piped():
    import subprocess
    sort = subprocess.Popen(["sort"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    sort.stdin.write(b"b\\na\\n")
    sort.stdin.flush()
    sort.stdout.read()

def call_of_queues():
    import ctypes
    libc = ctypes.CDLL(None)
    send = lambda queue, kind=1: libc.msgsnd(queue, (ctypes.c_long * 2)(kind), 8, 0)
    return libc, send, lambda queue: libc.msgrcv(queue, (ctypes.c_long * 2)(), 8, 1, 0)

def correspond():
    libc, send, receive = call_of_queues()
    there, back = (libc.msgget(0, 0o600) for _ in range(2))
    Path("queue").write_text(str(there))
    if os.fork() == 0:
        time.sleep(0.3)
        send(there), receive(back), receive(back), os._exit(0)
    if os.fork() == 0:
        receive(there), send(back), receive(there), send(back), os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: exit())
    try: os.wait(), os.wait()
    finally: libc.msgctl(there, 0, None), libc.msgctl(back, 0, None)

def third():
    libc, send, receive = call_of_queues()
    while not Path("queue").exists() or not (there := Path("queue").read_text()): time.sleep(0.02)
    send(int(there), 2)
    time.sleep(0.8)
    send(int(there))

def looped():
    import asyncio
    there, back = socket.socketpair(), socket.socketpair()
    mine, hers = (there[0], back[0]) if os.fork() else (back[1], there[1])
    for end in {*there, *back} - {mine, hers}: end.close()
    async def hear():
        reader, writer = await asyncio.open_connection(sock=mine)
        await reader.read(1)
    asyncio.run(hear())

def threads():
    import threading
    forks = [threading.Lock() for _ in range(2)]
    def eat(me):
        with forks[me]:
            time.sleep(0.1)
            forks[1 - me].acquire()
    for me in range(2): threading.Thread(target=eat, args=(me,), daemon=True).start()
    while True: time.sleep(0.05)

def call(me):
    server = socket.create_server(("127.0.0.1", 0))
    Path(str(me)).write_text(str(server.getsockname()[1]))
    while not Path(str(1 - me)).exists() or not (port := Path(str(1 - me)).read_text()): time.sleep(0.02)
    socket.create_connection(("127.0.0.1", int(port))).recv(1)

def calls():
    call(0 if os.fork() else 1)

def polled():
    import select
    door = socket.create_server(("127.0.0.1", 0))
    if os.fork(): mine = door.accept()[0]
    else: mine = socket.create_connection(door.getsockname())
    door.close()
    select.select([mine], [], [])

def unanswered():
    door = socket.socket(socket.AF_UNIX)
    door.bind("door")
    door.listen()
    if os.fork(): os.wait()
    mine = socket.socket(socket.AF_UNIX)
    mine.connect("door")
    mine.recv(1)

def late():
    there, back = os.pipe()
    if os.fork():
        time.sleep(0.4)
        os.write(back, b"x")
        os.wait()
    else:
        os.read(there, 1)

def tokens():
    import select
    def ended(*_): raise InterruptedError
    signal.signal(signal.SIGCHLD, ended)
    there, back = os.pipe()
    if os.fork() == 0:
        os.closerange(there, back + 1)
        time.sleep(0.4)
        os._exit(0)
    try: select.select([there], [], [])
    except InterruptedError: os.wait()

def abandoned():
    lock = context.Lock()
    if os.fork() == 0:
        lock.acquire()
        os._exit(0)
    os.wait()
    lock.acquire()
"""


def program(folder: Path, name: str) -> Scenario:
    (folder / "programs.py").write_text(PROGRAMS)
    return replace(scenario(ProcessSpec("it", python=f"programs.py:{name}")), folder=str(folder))


def without_hook(world: Scenario) -> Scenario:
    return replace(world, processes=[replace(each, hook=False) for each in world.processes])


def of_kind(events: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def test_a_pause_ends_no_deadlock(tmp_path: Path) -> None:
    with watch(program(tmp_path, "crossed")) as run:
        run.until(lambda: run.all(Deadlocked), "the deadlock is found")
        for command_of, rule in ((Pause(), "paused"), (Resume(), "resumed")) * 3:
            before = len(run.all(Operator))
            run.link.send(command_of)
            run.until(lambda before=before: len(run.all(Operator)) > before, rule)  # type: ignore[misc]
        run.link.send(Spawn(["true"]))
        run.until(lambda: run.all(Exited, "true"), "time has passed")
        assert not run.all(Resolved)


def test_crossed_locks_are_a_deadlock_until_somebody_is_killed(tmp_path: Path) -> None:
    with watch(program(tmp_path, "crossed")) as run:
        [found] = run.until(lambda: run.all(Deadlocked), "the deadlock is found")
        parent, *children = (event.pid for event in run.all(Admitted))
        assert found.core == children
        assert found.pids == [parent, *children]
        held = {(edge.pid, edge.holder, edge.resource) for edge in found.edges}
        assert {(children[0], children[1], "fork"), (children[1], children[0], "noodles")} <= held
        assert all(event.by == "said" for event in run.all(Waits) if event.resource in ("fork", "noodles"))
        run.link.send(Kill(str(children[0])))
        [over] = run.until(lambda: run.all(Resolved), "it is over")
        assert over.pids == found.pids
        # A dead process gives nothing back: the other one waits for ever, which is no deadlock.
        run.until(lambda: [e for e in run.all(Waits) if e.pid == children[1] and not e.holders], "it is abandoned")
        run.link.send(Quit())
    assert len(run.all(Deadlocked)) == 1


@pytest.mark.parametrize("name", ["threads", "bare"])
def test_threads_are_in_a_deadlock_while_others_of_their_process_go_on(tmp_path: Path, name: str) -> None:
    with watch(program(tmp_path, name)) as run:
        [found] = run.until(lambda: run.all(Deadlocked), "the deadlock is found")
        assert found.pids == found.core == [1]
        assert {(edge.resource, edge.taken.partition(":")[0]) for edge in found.edges} == {
            (f"forks[{number}]", "programs.py") for number in range(2)
        }
        naps = len(run.all(Blocked))
        run.until(lambda: len(run.all(Blocked)) > naps + 3, "it goes on")
        assert not run.all(Resolved)
        run.link.send(Kill("1"))
        run.until(lambda: run.all(Resolved), "it is over")
        run.link.send(Quit())
    assert len(run.all(Deadlocked)) == 1


def test_threads_are_in_a_deadlock_while_another_one_computes(tmp_path: Path) -> None:
    with watch(program(tmp_path, "busy")) as run:
        [found] = run.until(lambda: run.all(Deadlocked), "the deadlock is found")
        assert found.pids == found.core == [1]
        assert {edge.resource for edge in found.edges} == {"forks[0]", "forks[1]"}
        run.link.send(Spawn(["true"]))
        run.until(lambda: run.all(Exited, "true"), "they take turns")
        assert not run.all(Resolved)
        run.link.send(Kill("1"))
        run.until(lambda: run.all(Resolved), "it is over")
        run.link.send(Quit())
    assert len(run.all(Deadlocked)) == 1


@pytest.mark.parametrize(
    "name",
    [
        *("crossed", "full", "talk", "events", "looped", "calls", "polled", "unanswered", "served", "suspended"),
        *("managed", "lent", "waited", "piped", "typed"),
    ],
)
@pytest.mark.thorough
def test_a_deadlock_ends_a_run_that_nobody_attends(tmp_path: Path, name: str) -> None:
    _ends_by_a_deadlock(run_real(program(tmp_path, name)))


@pytest.mark.parametrize("name", ["crossed", "served"])
@pytest.mark.thorough
def test_so_does_one_of_locks_of_which_nobody_says_who_has_them(tmp_path: Path, name: str) -> None:
    _ends_by_a_deadlock(run_real(without_hook(program(tmp_path, name))))


def _ends_by_a_deadlock(events: list[Event]) -> None:
    assert len(of_kind(events, Deadlocked)) == 1
    assert [event.what.rule for event in events if isinstance(event, Fault) and event.is_stuck] == ["deadlock"]


def test_threads_that_hurry_for_locks_are_in_no_deadlock(tmp_path: Path) -> None:
    assert not of_kind(run_real(program(tmp_path, "hasty")), Deadlocked)


def test_who_has_never_used_a_queue_of_system_v_will_hardly_write_to_it(tmp_path: Path) -> None:
    world = program(tmp_path, "correspond")
    with watch(replace(world, processes=[*world.processes, command("beside", "sleep", "60")])) as run:
        [found] = run.until(lambda: run.all(Deadlocked), "the deadlock is found")
        members = [event.pid for event in run.all(Admitted) if event.name != "beside"]
        assert (found.pids, found.core, found.may_end) == (members, members[1:], True)
        run.link.send(Quit())


def test_who_has_used_a_queue_of_system_v_may_write_to_it_later(tmp_path: Path) -> None:
    world = program(tmp_path, "correspond")
    third = replace(world.processes[0], name="third", python="programs.py:third")
    events = run_real(replace(world, processes=[*world.processes, third]))
    assert of_kind(events, Waits)
    assert not of_kind(events, Deadlocked)


@pytest.mark.parametrize("name", ["timed", "late", "tokens"])
def test_who_can_still_be_freed_is_in_no_deadlock(tmp_path: Path, name: str) -> None:
    events = run_real(program(tmp_path, name))
    assert of_kind(events, Waits)
    assert not of_kind(events, Deadlocked)


@pytest.mark.thorough
def test_a_lock_whose_holder_has_died_is_waited_for_for_ever(tmp_path: Path) -> None:
    events = run_real(program(tmp_path, "abandoned"))
    assert not of_kind(events, Deadlocked)
    assert [event.what.rule for event in events if isinstance(event, Fault)][-1] == "nothing can happen any more"


def test_a_reader_who_keeps_the_other_end_open_waits_for_itself() -> None:
    with watch(scenario(command("it", *quick_python("import os", "os.read(os.pipe()[0], 1)")))) as run:
        [found] = run.until(lambda: run.all(Deadlocked), "the deadlock is found")
        assert found.pids == found.core == [1]
        run.link.send(Quit())


@pytest.mark.parametrize("seed", range(1, 9))
@pytest.mark.thorough
def test_random_programs_are_judged_right(tmp_path: Path, seed: int) -> None:
    """Many more, and threads in C, are tried by ``python -m tests.scripts.standoffs``."""
    truth = standoff(random.Random(seed), with_c=False)
    truth.write(tmp_path, "")
    world = replace(scenario(ProcessSpec("it", python="it.py:main")), folder=str(tmp_path))
    assert not found_wrong(truth, run_real(world))
