"""Why a process is blocked: the system says, whatever the program is; with peers, addresses and lengths."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sandbox import wording
from sandbox.machines.linux.blocking.prospects import Prospect, prospect
from sandbox.machines.linux.process.child import Child
from sandbox.model.commands import Pause, Quit, Resume
from sandbox.model.events import Admitted, Became, Blocked, Clause, Event
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS
from tests.support.real import SENSORS, Watch, run_real, watch
from tests.support.run import until
from tests.support.scenarios import command, quick_python, scenario

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]


def causes(events: Sequence[Event], pid: int) -> list[Clause]:
    return [event.on for event in events if isinstance(event, Blocked) and event.pid == pid]


def waits(program: list[str], what: Callable[[Clause], bool]) -> Clause:
    """Run a program until it waits for that, and give the cause."""
    with watch(scenario(command("it", *program))) as run:
        pid = run.admitted("it").pid
        found = run.until(lambda: [on for on in causes(run.events, pid) if what(on)], "it waits for that")
        run.link.send(Quit())
    return found[0]


@pytest.mark.parametrize(
    ("source", "length_ns"),
    [
        ("time.sleep(0.35)", 350 * MS),
        ("select.select([], [], [], 0.35)", 350 * MS),
        ("poll = select.poll(); poll.poll(350)", 350 * MS),
    ],
)
def test_a_sleep_is_told_with_its_length(source: str, length_ns: int) -> None:
    on = waits(quick_python("import select, time", source), lambda on: on.rule == "sleep")
    length = on.figures["for_ns"]
    assert isinstance(length, int)
    assert length == pytest.approx(length_ns, abs=30 * MS)
    assert re.fullmatch(r"sleep 3[2-8]\d(\.\d+)? ms", wording.cause(on))


def test_its_console() -> None:
    assert waits(["cat"], lambda on: on.rule == "read console") == Clause("read console")


def test_a_lock() -> None:
    program = quick_python("import threading", "lock = threading.Lock()", "lock.acquire()", "lock.acquire()")
    assert wording.cause(waits(program, lambda on: on.rule == "futex")) == "lock or condition"


#: What a process does, in Python; which rule says that it waits in it, and in which words.
CALLS = {
    "eventfd": ("os.eventfd_read(os.eventfd(0))", "eventfd", r"an event \(eventfd\)"),
    "timerfd": (
        "it = c.timerfd_create(1, 0); c.timerfd_settime(it, 0, (ctypes.c_long * 4)(0, 0, 60, 0), None); os.read(it, 8)",
        "timer",
        r"timer (59|60)(\.\d+)? s",
    ),
    "signalfd": ("os.read(c.signalfd(-1, (ctypes.c_ulong * 16)(1 << 9), 0), 128)", "signal", "a signal"),
    "sigwait": ("signal.sigwait({signal.SIGUSR1})", "signal", "a signal"),
    "inotify": ("os.read(c.inotify_init(), 512)", "file change", "a change of a file"),
    "epoll of one": (
        "it = select.epoll(); it.register(c.inotify_init(), select.EPOLLIN); it.poll()",
        "file change",
        "a change of a file",
    ),
    "splice": (
        "r, w = os.pipe(); r2, w2 = os.pipe(); c.splice(r, None, w2, None, 9, 0)",
        "read pipe",
        "read pipe",
    ),
    "sendfile": (
        "r, w = os.pipe(); file = open(sys.executable, 'rb')\nwhile True: file.seek(0); c.sendfile(w, file.fileno(), None, 9_999)",
        "write pipe",
        "pipe full",
    ),
    "recvmmsg": (
        "ours, other = socket.socketpair(); c.recvmmsg(ours.fileno(), (ctypes.c_long * 8)(), 1, 0, None)",
        "recv",
        "recv",
    ),
    "fifo": ("os.mkfifo('named'); open('named')", "open fifo", "open pipe named for reading ← nobody"),
    "fifo for writing": ("os.mkfifo('it'); c.creat(b'it', 0)", "open fifo", "open pipe it for writing → nobody"),
    "fifo by openat2": (
        "os.mkfifo('2'); c.syscall(437, -100, b'2', (ctypes.c_long * 3)(1), 24)",
        "open fifo",
        "open pipe 2 for writing → nobody",
    ),
    "flock": (
        "one, two = open('held', 'w'), open('held'); fcntl.flock(one, 2); fcntl.flock(two, 2)",
        "lock",
        "file lock",
    ),
    "semop": (
        "it = c.semget(0, 1, 0o600); c.semop(it, (ctypes.c_short * 3)(0, -1, 0x1000), 1); c.semctl(it, 0, 0)",
        "semaphore",
        "semaphore",
    ),
    "mutex": ("it = (ctypes.c_long * 8)(); c.pthread_mutex_lock(it); c.pthread_mutex_lock(it)", "mutex", "lock"),
    "thread": (
        "it = threading.Thread(target=time.sleep, args=(60,)); it.start(); it.join()",
        "futex",
        r"lock or condition; its thread \d+: sleep 60(\.\d+)? s",
    ),
}
_IMPORTS = "import ctypes, fcntl, os, select, signal, socket, sys, threading, time; c = ctypes.CDLL(None)"


def test_each_call_has_a_word(tmp_path: Path) -> None:
    programs = [
        ProcessSpec(name, command=quick_python(_IMPORTS, *does.split("\n"))) for name, (does, _, _) in CALLS.items()
    ]
    world = scenario(*programs)
    world.folder = str(tmp_path)
    with watch(world) as run:
        pids = {name: run.admitted(name).pid for name in CALLS}

        def found(name: str) -> Clause | None:
            _, rule, said = CALLS[name]
            told = [on for on in causes(run.events, pids[name]) if on.rule == rule]
            return next((on for on in told if re.fullmatch(said, wording.cause(on))), None)

        for name in CALLS:
            run.until(lambda name=name: found(name), f"{name} waits in its call")  # type: ignore[misc]
        run.link.send(Quit())


def test_a_wait_that_goes_on_after_a_stop_is_told_as_before() -> None:
    """The system begins it anew, in a call that has no name of its own."""
    program = quick_python("import os, signal, time", "print('here', flush=True)", "time.sleep(60)", "input()")
    with watch(scenario(command("it", *program))) as run:
        run.until(lambda: run.wrote("it"), "it is there")
        pid = run.admitted("it").pid
        run.until(lambda: [on for on in causes(run.events, pid) if on.rule == "sleep"], "it sleeps")
        known = len(run.events)
        os.kill(run.os_pid("it"), signal.SIGCONT)
        run.go_on(0.2)
        run.link.send(Pause())
        run.link.send(Resume())
        run.go_on(0.3)
        assert {on.rule for on in causes(run.events[known:], pid)} <= {"sleep"}
        run.link.send(Quit())


def test_several_descriptors_and_where_they_lead() -> None:
    program = quick_python(
        "import os, select, socket",
        "server = socket.create_server(('127.0.0.1', 0))",
        "select.select([0, os.pipe()[0], server], [], [], 60)",
    )
    on = waits(program, lambda on: on.rule == "poll")
    assert on.figures["for_ns"] == 60_000 * MS
    assert wording.cause(on).startswith("poll ")
    places = sorted(str(on.figures["on"]).split(", "))
    assert re.fullmatch(r"127\.0\.0\.1:\d+ console pipe", " ".join(places))


def test_epoll_and_where_it_leads() -> None:
    program = quick_python("import os, select", "it = select.epoll()", "it.register(0, select.EPOLLIN)", "it.poll()")
    assert waits(program, lambda on: on.rule == "poll") == Clause("poll", {"on": "console"})


def test_an_epoll_that_waits_for_another_one() -> None:
    program = quick_python(
        "import select",
        "one, other = select.epoll(), select.epoll()",
        "one.register(0, select.EPOLLIN)",
        "other.register(one, select.EPOLLIN)",
        "select.select([other], [], [])",
    )
    assert waits(program, lambda on: on.rule == "poll") == Clause("poll", {"on": "console"})


def found_for(program: list[str]) -> Prospect:
    """Run a program until it waits, after it has written a line, and return what has to happen."""
    with subprocess.Popen(program, stdout=subprocess.PIPE, process_group=0) as process:
        assert process.stdout is not None
        process.stdout.readline()
        child = Child(process.pid, ProcessSpec("it"), forked=False)
        until(lambda: child.state()[0] == "S", "it waits")
        waits_for = prospect(child)
        child.close()
        os.killpg(process.pid, signal.SIGKILL)
    return waits_for


@pytest.mark.parametrize(
    ("call", "found"), [("timerfd_create(1, 0)", Prospect.OPEN), ("eventfd(0, 0)", Prospect.BOARD)]
)
def test_what_ends_a_wait_for_an_epoll_that_waits_for_another_one(call: str, found: Prospect) -> None:
    program = quick_python(
        "import ctypes, select",
        "one, other = select.epoll(), select.epoll()",
        f"one.register(ctypes.CDLL(None).{call}, select.EPOLLIN)",
        "other.register(one, select.EPOLLIN)",
        "print(flush=True)",
        "other.poll()",
    )
    assert found_for(program) is found


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("signal.pause()", Prospect.SIGNAL),
        ("select.select([], [], [])", Prospect.SIGNAL),
        ("os.fork() and signal.pause() or time.sleep(9)", Prospect.BOARD),
        ("signal.signal(signal.SIGALRM, print), signal.pause()", Prospect.ALARM),
        ("os.read(ctypes.CDLL(None).signalfd(-1, bytes(128), 0), 128)", Prospect.SIGNAL),
        ("select.select([ctypes.CDLL(None).signalfd(-1, bytes(128), 0), os.pipe()[0]], [], [])", Prospect.SIGNAL),
    ],
)
def test_what_ends_a_wait_for_a_signal(call: str, found: Prospect) -> None:
    """The end of a child does, too."""
    assert found_for(quick_python("import ctypes, os, select, signal, time", "print(flush=True)", call)) is found


def test_descriptors_up_to_a_number_that_no_process_has() -> None:
    """The system takes any number, and looks at those that there can be; so do we."""
    any_number = "ctypes.CDLL(None).select(2**31 - 1, (ctypes.c_ulong * 16)(1), None, None, None)"
    on = waits(quick_python("import ctypes", any_number), lambda on: on.rule == "poll")
    assert on == Clause("poll", {"on": "console"})


def test_connections_with_their_addresses() -> None:
    serves = quick_python(
        "import socket",
        "server = socket.create_server(('127.0.0.1', 0))",
        "print(server.getsockname()[1], flush=True)",
        "client = socket.create_connection(server.getsockname())",
        "ours, _ = server.accept()",
        "client.recv(10)",
    )
    with watch(scenario(command("it", *serves))) as run:
        pid = run.admitted("it").pid
        on = run.until(lambda: [on for on in causes(run.events, pid) if on.rule == "recv"], "it waits for its peer")[0]
        assert wording.cause(on) == f"recv ← 127.0.0.1:{run.wrote('it').strip()}"
        run.link.send(Quit())


def test_a_listener_waits_at_its_own_address() -> None:
    listens = quick_python("import socket", "socket.create_server(('127.0.0.1', 0)).accept()")
    on = waits(listens, lambda on: on.rule == "accept")
    assert re.fullmatch(r"accept 127\.0\.0\.1:\d+", wording.cause(on))


def test_a_pipe_and_who_is_at_its_other_end() -> None:
    with watch(scenario(command("sh", "sh", "-c", "sleep 30 | cat"))) as run:
        cat = named(run, "cat")
        found = run.until(lambda: [on for on in causes(run.events, cat) if on.rule == "read pipe"], "cat reads")[0]
        assert found.figures["pid"] == named(run, "sleep")
        assert wording.cause(found) == "read pipe ← sleep"
        run.link.send(Quit())


def named(run: Watch, name: str) -> int:
    """The pid of the process that is called so by now."""

    def find() -> list[int]:
        names = {event.pid: event.name for event in run.events if isinstance(event, (Admitted, Became))}
        return [pid for pid, present in names.items() if present == name]

    return run.until(find, f"{name} is on the board")[0]


def test_a_child_by_its_number_on_the_board(tmp_path: Path) -> None:
    (tmp_path / "family.py").write_text(
        "import multiprocessing, time\n"
        "def parent():\n"
        "    child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(0.3,))\n"
        "    child.start()\n"
        "    child.join()\n"
    )
    world = scenario(ProcessSpec("parent", python="family.py:parent"))
    world.folder = str(tmp_path)
    events = run_real(world)
    child = next(event for event in events if isinstance(event, Admitted) and event.parent is not None)
    of_parent = [on for on in causes(events, 1) if on.rule == "wait for child"]
    assert {on.figures.get("pid") for on in of_parent} == {child.pid}
    assert wording.cause(of_parent[0]) == f"wait for child {child.pid}"


@pytest.mark.parametrize("sensor", SENSORS)
def test_one_that_wakes_and_waits_for_something_else_at_once_is_told_so(sensor: str) -> None:
    program = quick_python("import select", "select.select([0], [], [], 0.1)", "input()")
    with watch(scenario(command("it", *program)), sensor=sensor) as run:
        run.until(lambda: "read console" in [on.rule for on in causes(run.events, 1)], "it reads its console", 10)
        assert [on.rule for on in causes(run.events, 1) if on.rule in ("poll", "read console")] == [
            "poll",
            "read console",
        ]
        run.link.send(Quit())
