"""What the system tells of processes that are hard to see: those that are over at once, that go on without their first
thread, that leave their CPU, that switch all the time."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from sandbox.model.commands import Press
from sandbox.model.events import Admitted, Became, Blocked, Event, Fault, Wrote
from sandbox.util.units import MS, S
from sandbox.views.metrics import fold, metrics, result
from tests.support.noise import when_quiet
from tests.support.real import SENSORS, every_recipe, run_real, watch
from tests.support.scenarios import command, exits, process, quick_python, scenario

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

every_sensor = pytest.mark.parametrize("sensor", SENSORS)
needs_perf = pytest.mark.skipif("perf" not in SENSORS, reason="this machine keeps no records for us")
_EXIT = {"x86_64": 60, "aarch64": 93}.get(os.uname().machine)

CHILDREN = 40
#: Many children, each over after a millisecond; and what they have used, by the system's account.
STARTS_MANY = quick_python(
    "import os, resource",
    f"for _ in range({CHILDREN}):",
    "    os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)",
    "used = resource.getrusage(resource.RUSAGE_CHILDREN)",
    "print('used', used.ru_utime + used.ru_stime)",
)


def written(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Wrote))


def faults(events: list[Event], rule: str) -> int:
    return sum(isinstance(event, Fault) and event.what.rule == rule for event in events)


@needs_perf
def test_each_child_that_is_over_at_once_has_a_row() -> None:
    events = run_real(scenario(command("parent", *STARTS_MANY), process("hog", "cpu 200ms")), sensor="perf")
    rows = [row for row in result(fold(events))["processes"] if row["parent"] is not None]
    assert Counter(row["name"] for row in rows) == {"true": CHILDREN}
    assert all(row["finished_ns"] for row in rows)
    used = re.search(r"used ([\d.]+)", written(events))
    assert used is not None
    assert sum(row["cpu_ns"] for row in rows) == pytest.approx(float(used[1]) * S, rel=0.05)


@pytest.mark.parametrize("sensor", [sensor for sensor in SENSORS if sensor in ("idle", "poll")])
def test_what_nobody_saw_is_told_and_counts_for_the_family(sensor: str) -> None:
    events = run_real(scenario(command("parent", *STARTS_MANY), process("hog", "cpu 200ms")), sensor=sensor)
    history = fold(events)
    parent = next(row for row in result(history)["processes"] if row["name"] == "parent")
    used = re.search(r"used ([\d.]+)", written(events))
    assert used is not None
    assert parent["family_cpu_ns"] - parent["cpu_ns"] == pytest.approx(float(used[1]) * S, rel=0.1)
    seen = sum(row["parent"] is not None for row in result(history)["processes"])
    assert seen == CHILDREN or metrics(history)["unseen_ns"] > 0


@needs_perf
def test_a_child_bears_the_name_of_the_program_that_it_became() -> None:
    """Not that of the shell that forked it."""
    events = run_real(
        scenario(
            command("sh", "sh", "-c", "for i in 1 2 3 4 5; do sleep 0.01; done; exit 0"), process("hog", "cpu 80ms")
        ),
        sensor="perf",
    )
    names = {event.pid: event.name for event in events if isinstance(event, Admitted) and event.parent is not None}
    names |= {event.pid: event.name for event in events if isinstance(event, Became) and event.pid in names}
    assert Counter(names.values()) == {"sleep": 5}


@every_sensor
@pytest.mark.skipif(_EXIT is None, reason="the number of the call is not known for this machine")
def test_a_process_whose_first_thread_has_ended_blocks_as_its_others_do(sensor: str) -> None:
    headless = quick_python(
        "import ctypes, os, threading, time",
        "def work():",
        "    for _ in range(4):",
        "        until = time.thread_time() + 0.005",
        "        while time.thread_time() < until: pass",
        "        time.sleep(0.05)",
        "    os._exit(5)",
        "threading.Thread(target=work).start()",
        f"ctypes.CDLL(None).syscall({_EXIT}, 0)",
    )
    events = run_real(
        scenario(command("headless", *headless), process("hog", "cpu 60ms"), policy="fcfs"), sensor=sensor
    )
    pid = next(event.pid for event in events if isinstance(event, Admitted) and event.name == "headless")
    waits = [event.on.rule for event in events if isinstance(event, Blocked) and event.pid == pid]
    assert "sleep" in waits
    assert exits(events)["headless"].status == 5
    assert exits(events)["hog"].t_ns < exits(events)["headless"].t_ns, "it had the CPU while the other one slept"


@every_sensor
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is no other CPU to go to")
def test_a_program_that_asks_for_other_cpus_is_pinned_back(sensor: str) -> None:
    mover = quick_python(
        "import os, threading, time",
        "def burn(seconds):",
        "    until = time.thread_time() + seconds",
        "    while time.thread_time() < until: pass",
        f"os.sched_setaffinity(0, {os.sched_getaffinity(0)})",
        "burn(0.15)",
        "for _ in range(5):",
        "    burn(0.002)",
        "    time.sleep(0.02)",
        "print('cpus', len(os.sched_getaffinity(0)))",
    )
    events = run_real(scenario(command("mover", *mover), process("hog", "cpu 100ms"), policy="fcfs"), sensor=sensor)
    assert "cpus 1" in written(events)
    assert faults(events, "asked for other CPUs") == 1
    pid = next(event.pid for event in events if isinstance(event, Admitted) and event.name == "mover")
    assert any(event.on.rule == "sleep" for event in events if isinstance(event, Blocked) and event.pid == pid)


@needs_perf
def test_a_program_whose_threads_switch_all_the_time_is_not_slowed_down_by_factors() -> None:
    """By its CPU time, beside what it is with a sensor that keeps no records."""
    pingpong = quick_python(
        "import os, threading",
        "(a, b), (c, d) = os.pipe(), os.pipe()",
        "def answer():",
        "    for _ in range(6000):",
        "        os.read(a, 1); os.write(d, b'x')",
        "other = threading.Thread(target=answer)",
        "other.start()",
        "for _ in range(6000):",
        "    os.write(b, b'x'); os.read(c, 1)",
        "other.join()",
    )
    used = {
        sensor: exits(run_real(scenario(command("threads", *pingpong)), sensor=sensor))["threads"].cpu_ns
        for sensor in ("perf", "poll")
    }
    assert used["perf"] < 2 * used["poll"] + 50 * MS, used


#: Handles ctrl+c while it waits for a child, and tells whether it and a further child go on in the class of the system's
#: scheduler in which it began.
GOES_ON = quick_python(
    "import os, signal, time",
    "signal.signal(signal.SIGINT, lambda *_: None)",
    "before = os.sched_getscheduler(0)",
    "os.waitpid(os.posix_spawn('/bin/sleep', ['sleep', '60'], {}), 0)",
    "child = os.fork()",
    "start = time.process_time()",
    "while time.process_time() < start + 0.03: pass",
    "print(os.sched_getscheduler(0) == before, flush=True)",
    "child and os.waitpid(child, 0)",
)


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@every_recipe
def test_parents_handle_ctrl_c_before_their_children_die_of_it(recipe: str, tmp_path: Path) -> None:
    """Outside, too; make fails if it is the other way round."""
    makefile = tmp_path / "Makefile"
    makefile.write_text("all: a b\na b:\n\tsleep 60\n")
    makes = [command(f"make-{number}", "make", "-j2", "-f", str(makefile)) for number in range(4)]
    parents = [*makes, command("goes-on", *GOES_ON)]
    world = scenario(process("hog", "cpu 60s"), *parents, quantum_ns=5 * MS)

    def interrupted() -> list[int | None]:
        with watch(world, recipe=recipe, stay=False) as run:
            run.until(lambda: len({event.pid for event in run.all(Blocked, "sleep")}) == 9, "all children wait")
            for parent in parents:
                run.link.send(Press(parent.name, "ctrl+c"))
            assert run.ended("goes-on").code == 0
            assert run.wrote("goes-on").count("True\n") == 2, "in the class in which it began"
            return [run.ended(make.name).signal for make in makes]

    signals, noise = when_quiet(interrupted)
    noise.skip_unless_quiet()  # a program from outside on the same CPU may decide who comes first
    assert signals == [signal.SIGINT] * 4
