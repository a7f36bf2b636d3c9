"""What notices blocks and wakes: every sensor that this machine permits keeps the same promises."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.kernel.machine import Woke
from sandbox.machines.clock import Clock
from sandbox.machines.linux import perf_events as perf
from sandbox.machines.linux.blocking.blocked import BlockedProcesses
from sandbox.machines.linux.blocking.sensors import open_sensor, successor
from sandbox.machines.linux.blocking.sensors.base import SensorContext
from sandbox.machines.linux.cpus import assign_cpus
from sandbox.machines.linux.perf_events import Ring
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.switching.writes import WriteGuard
from sandbox.machines.reports import Reports
from sandbox.model.commands import Kill, Quit, Type
from sandbox.model.events import Admitted, Became, Blocked, Booted, Descheduled, Dispatched, Exited, Ready
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS
from tests.support.procs import children, command_line
from tests.support.real import SENSORS, run_real, watch
from tests.support.scenarios import command, exits, process, quick_python, scenario

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

every_sensor = pytest.mark.parametrize("sensor", SENSORS)
needs_perf = pytest.mark.skipif("perf" not in SENSORS, reason="this machine keeps no records for us")


@every_sensor
def test_while_one_waits_another_has_the_cpu(sensor: str) -> None:
    events = run_real(
        scenario(process("io", "cpu 2ms", "io 15ms", repeat=6), process("hog", "cpu 150ms"), policy="fcfs"),
        sensor=sensor,
    )
    booted = events[0]
    assert isinstance(booted, Booted)
    assert booted.sensor == sensor
    pids = {event.name: event.pid for event in events if isinstance(event, Admitted)}
    blocks = [event for event in events if isinstance(event, Blocked) and event.pid == pids["io"]]
    assert {event.on.rule for event in blocks} == {"sleep"}
    assert 4 <= len(blocks) <= 6, "on a busy machine one may wake, run and block again before anybody can look"
    first = next(event for event in events if isinstance(event, Dispatched) and event.pid == pids["hog"])
    assert first.t_ns < 17 * MS, "the hog had the CPU while the other one slept"
    woke = [event for event in events if isinstance(event, Ready) and event.reason == "woke"]
    assert woke[0].t_ns < exits(events)["hog"].t_ns, "its wake was noticed though somebody else computed"


@every_sensor
def test_a_process_with_threads_waits_when_none_of_them_can_run(sensor: str) -> None:
    computing = quick_python(
        "import threading, time",
        "def burn():",
        "    while time.thread_time() < 0.06: pass",
        "worker = threading.Thread(target=burn)",
        "worker.start()",
        "worker.join()",  # the first thread waits, and the process does not
        "time.sleep(0.1)",
    )
    events = run_real(
        scenario(command("threads", *computing), process("other", "cpu 30ms"), policy="fcfs"), sensor=sensor
    )
    pid = next(event.pid for event in events if isinstance(event, Admitted) and event.name == "threads")
    slices = [event for event in events if isinstance(event, Descheduled) and event.pid == pid]
    longest = max(slices, key=lambda event: event.ran_ns)
    assert longest.ran_ns > 50 * MS, "it was not taken off the CPU while one of its threads computed"
    assert "sleep" in [event.on.rule for event in events if isinstance(event, Blocked) and event.pid == pid]
    assert exits(events)["threads"].status == 0


@every_sensor
def test_one_that_blocks_at_once_blocks(sensor: str) -> None:
    """Many short turns: each ends with the block, not with the slice."""
    jobs = [process(f"p{index}", "io 5ms", "cpu 3ms", repeat=8) for index in range(5)]
    events = run_real(scenario(*jobs, quantum_ns=50 * MS), sensor=sensor)
    reasons = [event.reason for event in events if isinstance(event, Descheduled)]
    assert reasons.count("expired") == 0
    assert reasons.count("blocked") >= 30
    assert len([event for event in events if isinstance(event, Exited)]) == 5


@every_sensor
def test_a_console_is_waited_for_until_somebody_types(sensor: str) -> None:
    reads = quick_python("import sys", "print('got', sys.stdin.readline().strip())")
    with watch(scenario(command("reads", *reads)), sensor=sensor) as run:
        run.until(lambda: "read console" in [e.on.rule for e in run.all(Blocked, "reads")], "it waits")
        run.link.send(Type("reads", "hello"))
        assert run.ended("reads").status == 0
        assert run.wrote("reads").endswith("got hello\n")


@every_sensor
def test_children_are_found_scheduled_and_named_for_what_they_become(sensor: str) -> None:
    family = "sleep 0.2 & while :; do :; done & sleep 0.3; kill %2; wait"
    with watch(scenario(command("sh", "/bin/bash", "-c", family), process("hog", "cpu 60s")), sensor=sensor) as run:
        pid = run.admitted("sh").pid
        young = run.until(lambda: [e for e in run.all(Admitted) if e.parent == pid][:3], "its children are adopted")
        run.until(lambda: [e for e in run.all(Admitted) if e.parent == pid][2:], "all three of them")
        spinner = next(e for e in run.all(Admitted) if e.parent == pid and e not in young[:1])
        run.ended("sh")
        ends = {event.pid for event in run.all(Exited)}
        assert spinner.pid in ends
        called: list[Admitted | Became] = [*run.all(Admitted), *run.all(Became)]
        names = {event.pid: event.name for event in called}
        assert sorted(names[event.pid] for event in run.all(Admitted) if event.parent == pid) == [
            "bash",
            "sleep",
            "sleep",
        ]
        run.link.send(Quit())


def test_f45_when_the_idle_task_is_killed_another_sensor_takes_over() -> None:
    world = scenario(process("io", "cpu 1ms", "io 10ms", repeat=100), process("hog", "cpu 60s"), policy="fcfs")
    with watch(world, sensor="idle") as run:
        run.until(lambda: len(run.all(Blocked, "io")) > 1 or run.all(Dispatched, "hog"), "it has begun")
        (idle,) = [os_pid for os_pid in children(run.link.os_pid) if command_line(os_pid).startswith("idle-")]
        os.kill(idle, signal.SIGKILL)
        fault = run.until(lambda: run.faults("sensor lost"), "it is told")[0]
        assert (fault.what.figures["sensor"], fault.what.figures["next"]) == ("idle", "poll")
        blocks = len(run.all(Blocked, "io"))
        run.link.send(Kill("hog"))
        run.until(lambda: len(run.all(Blocked, "io")) > blocks + 5, "blocks are noticed as before")


def test_f45_a_sensor_that_cannot_be_had_is_replaced_and_told() -> None:
    every_cpu = len(os.sched_getaffinity(0))  # leaves the kernel process none of its own, and perf needs one
    with watch(scenario(process("p", "cpu 5ms", "io 5ms"), cpus=every_cpu), stay=False, sensor="perf") as run:
        run.finish()
        booted = run.all(Booted)[0]
        assert booted.sensor in ("idle", "poll")
        assert [fault.what.figures["next"] for fault in run.faults("sensor cannot be had")] == [booted.sensor]
        assert run.ended("p").status == 0


def test_auto_takes_the_best_and_falls_down_the_line(context: SensorContext) -> None:
    best, lost = open_sensor("auto", context)
    assert (best.name, lost) == (SENSORS[0], None)
    best.close()
    for name, after in (("perf", "idle"), ("idle", "poll"), ("poll", "poll"), ("psutil", "poll")):
        following = successor(name, context)
        assert following.name == after
        following.close()


@pytest.fixture
def context() -> Iterator[SensorContext]:
    """What a sensor needs, without a machine; this process keeps off the mini CPU as the kernel process does."""
    cpus = assign_cpus(1)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus.engine)
    poller = Poller()
    yield SensorContext(cpus, Clock(), poller, ProcessTable())
    poller.close()
    os.sched_setaffinity(0, before)


@needs_perf
def test_records_tell_of_births_threads_switches_and_ends(context: SensorContext, tmp_path: Path) -> None:
    ring = Ring(context.cpus.mini[0])
    program = "import os, threading, time\nif os.fork() == 0: os._exit(0)\nos.wait()\n"
    program += "t = threading.Thread(target=time.sleep, args=(0.01,))\nt.start()\nt.join()"
    child = os.fork()
    if child == 0:
        os.sched_setaffinity(0, {context.cpus.mini[0]})
        exec(program)
        os._exit(0)
    os.waitpid(child, 0)
    records = ring.read()
    ring.close()
    assert [record.t_ns for record in records] == sorted(record.t_ns for record in records)
    of_child = [record.what for record in records if record.os_pid == child]
    assert {"on", "left", "thread", "ended"} <= set(of_child)
    grandchild = next(record.os_pid for record in records if record.what == "forked" and record.os_pid != child)
    assert [record.what for record in records if record.os_pid == grandchild][-1] == "ended"
    assert ring_time_is_the_clocks(records[0].t_ns)


def ring_time_is_the_clocks(t_ns: int) -> bool:
    return 0 < time.monotonic_ns() - t_ns < 10_000_000_000


@needs_perf
def test_a_ring_that_overflows_says_so_and_goes_on(context: SensorContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perf, "_DATA_PAGES", 1)
    ring = Ring(context.cpus.mini[0])
    child = os.fork()
    if child == 0:
        os.sched_setaffinity(0, {context.cpus.mini[0]})
        for _ in range(400):
            time.sleep(50e-6)
        os._exit(0)
    os.waitpid(child, 0)
    first = ring.read()
    assert 100 < len(first) < 800
    again = os.fork()
    if again == 0:
        os.sched_setaffinity(0, {context.cpus.mini[0]})
        time.sleep(1e-3)
        os._exit(0)
    os.waitpid(again, 0)
    second = ring.read()
    ring.close()
    assert "lost" in [record.what for record in second]
    assert again in [record.os_pid for record in second]


@needs_perf
def test_threads_that_hand_the_cpu_to_and_fro_do_not_drown_the_kernel_process() -> None:
    flood = quick_python(
        "import os, threading, time",
        "a, b = os.pipe(), os.pipe()",
        "end = time.monotonic() + 1.0",
        "def echo(source, sink):",
        "    while time.monotonic() < end:",
        "        os.read(source, 1)",
        "        os.write(sink, b'.')",
        "worker = threading.Thread(target=echo, args=(a[0], b[1]), daemon=True)",
        "worker.start()",
        "os.write(a[1], b'.')",
        "echo(b[0], a[1])",
        "os._exit(3)",
    )
    world = scenario(command("flood", *flood), process("io", "cpu 1ms", "io 10ms", repeat=20), quantum_ns=10 * MS)
    with watch(world, stay=False, sensor="perf") as run:
        run.finish(40)
        assert run.ended("flood").status == 3
        assert len(run.all(Blocked, "io")) >= 3  # one that is drowned hears of the first only


def test_one_that_wakes_twice_before_the_kernel_hears_of_it_wakes_once() -> None:
    os_pid = os.fork()
    if os_pid == 0:
        signal.pause()
        os._exit(0)
    out, child = Reports(Clock()), Child(os_pid, ProcessSpec("sleeper"))
    try:
        child.pid = 1
        blocked = BlockedProcesses({os_pid: child}, WriteGuard(True, out), out)
        blocked.by_pid[child.pid] = child
        blocked.wake(child)
        blocked.wake(child)
        assert out.take(0).reports == [Woke(1)]
    finally:
        child.send(signal.SIGKILL)
        os.waitpid(os_pid, 0)
        child.close()
