"""Things that people and programs do, and that no table foresees; each at its worst moment."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sandbox.model.commands import Kill, Pause, Quit, Resume, Spawn, Step, Type
from sandbox.model.events import Admitted, Blocked, Booted, Dispatched, Exited, Fault, Operator, Wrote
from sandbox.util.units import MS
from tests.support.files import write_scenario
from tests.support.procs import descendants, frozen, gone, scheduled, state
from tests.support.real import Watch, run_real, watch
from tests.support.run import LoggedRun, until
from tests.support.scenarios import command, exits, process, quick_python, scenario

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]


# The kernel process


def test_what_is_asked_at_once_is_done() -> None:
    """The kernel process takes a while to start; what the person does meanwhile is not lost."""
    with watch(scenario(process("a", "cpu 60s"))) as run:
        run.link.send(Pause())
        run.link.send(Spawn(["sleep", "60"]))
        run.link.send(Kill("a"))
        run.ended("a")
        run.admitted("sleep")
        assert [event.did.rule for event in run.all(Operator)] == ["paused", "spawned", "killed"]


def test_quitting_while_hundreds_are_being_born(tmp_path: Path) -> None:
    world = 'title = "many"\n[[process]]\nname = "many"\nwork = ["cpu 60s"]\ncount = 1500\n'
    many = LoggedRun(tmp_path, "run", write_scenario(tmp_path, world), "--quiet")
    until(lambda: len(many.scheduled) > 50, "births are under way")
    kernel = many.kernel
    many.kill()
    many.wait()
    until(lambda: gone(kernel), "nothing is left", 5)


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
def test_a_kernel_process_gives_back_what_it_takes(paused: bool) -> None:
    with watch(scenario(process("hog", "cpu 60s"), quantum_ns=5 * MS)) as run:
        run.dispatched("hog")
        if paused:
            run.link.send(Pause())
        before = len(os.listdir(f"/proc/{run.link.os_pid}/fd"))
        for _ in range(40):
            run.link.send(Spawn(["sh", "-c", "exit 3"]))
        run.until(lambda: len(run.all(Admitted)) == 41, "all are born")
        run.link.send(Resume())
        run.until(lambda: len(run.all(Exited)) == 40, "all have ended")
        assert {event.status for event in run.all(Exited)} == {3}
        run.until(lambda: len(os.listdir(f"/proc/{run.link.os_pid}/fd")) == before, "descriptors are given back")


# The operator


def test_starting_in_a_pause_runs_nothing_before_its_end(tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    with watch(scenario(process("hog", "cpu 60s"))) as run:
        run.link.send(Pause())
        run.until(lambda: run.all(Operator), "it is paused")
        run.link.send(Spawn(["touch", str(proof)]))
        run.admitted("touch")
        run.go_on(0.3)
        assert not proof.exists()
        run.link.send(Resume())
        assert run.ended("touch").status == 0
        assert proof.exists()


def test_what_is_forked_in_the_moment_of_a_pause_is_stopped_too() -> None:
    """A process that forks all the time, paused and let go again and again."""
    forks = quick_python(
        "import os, time",
        "while True:",
        "    child = os.fork()",
        "    if child == 0:",
        "        while time.process_time() < 0.005: pass",
        "        os._exit(0)",
        "    os.waitpid(child, 0)",
    )
    with watch(scenario(command("forks", *forks), quantum_ns=2 * MS)) as run:
        for number in range(1, 9):
            run.go_on(0.07)
            run.link.send(Pause())
            run.until(lambda number=number: did(run, "paused") == number, "it is paused")  # type: ignore[misc]
            run.until(lambda: set(states_of_family(run)) <= set("TZ"), "every process of the family stands still")
            run.go_on(0.03)
            assert set(states_of_family(run)) <= set("TZ"), "and stays so"
            run.link.send(Resume())


def did(run: Watch, what: str) -> int:
    return sum(event.did.rule == what for event in run.all(Operator))


def states_of_family(run: Watch) -> list[str]:
    """T for those that are frozen, too."""
    family = scheduled(descendants(run.link.os_pid))
    return [letter for os_pid in family if (letter := "T" if frozen(os_pid) else state(os_pid))]


def test_quitting_in_a_pause() -> None:
    with watch(scenario(process("hog", "cpu 60s"), command("nap", "sleep", "60"))) as run:
        run.until(lambda: run.all(Blocked, "nap"), "nap sleeps")
        run.link.send(Pause())
        run.until(lambda: run.all(Operator), "it is paused")
        run.link.send(Quit())
        run.finish()
        assert gone(run.os_pid("hog"), run.os_pid("nap"))


def test_nonsense_to_start_costs_nobody_else() -> None:
    with watch(scenario(process("hog", "cpu 60s"), quantum_ns=5 * MS)) as run:
        for argv in ([""], ["", "x"], ["sh", "-c", " "], ["/"], ["no\u0000such"], ["no-such-program"], ["a" * 5_000]):
            run.link.send(Spawn(argv))
        run.until(lambda: len(run.all(Exited)) == 7, "all have ended")
        assert sorted(event.code or 0 for event in run.all(Exited)) == [0, 126, 126, 126, 126, 126, 127]
        turns = len(run.all(Dispatched, "hog"))
        run.until(lambda: len(run.all(Dispatched, "hog")) > turns + 5, "the hog goes on")


@pytest.mark.parametrize("policy", ["rr", "fcfs"])
def test_stepping_through_everything(policy: str) -> None:
    world = scenario(command("sh", "sh", "-c", "sleep 0.05; true"), process("a", "cpu 20ms"), policy=policy)
    with watch(world, stay=False) as run:
        run.link.send(Pause())
        give_up = time.monotonic() + 20
        while not run.link.closed and time.monotonic() < give_up:
            run.link.send(Step())
            run.go_on(0.05)
        run.finish()
        assert run.ended("sh").status == run.ended("a").status == 0


# Programs that cannot be run, or have nothing to do


def test_programs_that_cannot_be_run(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program\n")
    garbled = tmp_path / "garbled"
    garbled.write_bytes(b"\x7fELF garbled")
    garbled.chmod(0o755)
    loop = tmp_path / "loop"
    loop.write_text(f"#!{loop}\n")
    loop.chmod(0o755)
    events = run_real(
        scenario(
            command("missing", "/no/such/program"),
            command("plain", str(plain)),
            command("garbled", str(garbled)),
            command("loop", str(loop)),
            command("folder", str(tmp_path)),
            process("fine", "cpu 20ms"),
        )
    )
    ends = {name: event.status for name, event in exits(events).items()}
    assert ends == {"missing": 127, "plain": 126, "garbled": 126, "loop": 126, "folder": 126, "fine": 0}


def test_a_folder_that_has_gone(tmp_path: Path) -> None:
    world = scenario(command("true", "true"), process("fine", "cpu 20ms"))
    world.folder = str(tmp_path / "gone")
    events = run_real(world)
    assert {name: event.status for name, event in exits(events).items()} == {"true": 126, "fine": 0}


@pytest.mark.parametrize("sensor", ["poll", "psutil"])
def test_work_of_no_length(sensor: str) -> None:
    world = scenario(
        process("none", "cpu 0ms"), process("wait", "io 0ms"), process("mix", "cpu 0ms", "io 0ms", repeat=5)
    )
    assert {event.status for event in exits(run_real(world, sensor=sensor)).values()} == {0}


# Programs that mean harm


def test_stops_and_continues_without_end() -> None:
    """A program that continues a stopped one as fast as it can: the kernel process goes on, and does not flood."""
    with watch(scenario(process("hog", "cpu 60s"), process("victim", "cpu 60s"), policy="fcfs")) as run:
        run.dispatched("hog")
        os_pid = run.os_pid("victim")
        attack = quick_python(
            "import os, signal, time",
            "until = time.monotonic() + 1.5",
            f"while time.monotonic() < until: os.kill({os_pid}, signal.SIGCONT)",
        )
        attacker = subprocess.Popen(attack)
        try:
            run.until(lambda: run.all(Fault), "it is noticed")
            run.link.send(Pause())
            run.until(lambda: did(run, "paused"), "the operator is heard", 5)
            run.link.send(Resume())
            run.until(lambda: did(run, "resumed"), "and again", 5)
        finally:
            attacker.wait(20)
        run.until(lambda: state(os_pid) == "T", "at last it is stopped")
        assert len(run.all(Fault)) < 100
        run.link.send(Kill("victim"))
        assert run.ended("victim").signal == signal.SIGTERM


def test_a_program_that_stops_itself_without_end() -> None:
    stops = quick_python("import signal", "while True: signal.raise_signal(signal.SIGSTOP)")
    with watch(scenario(command("stops", *stops), process("a", "cpu 100ms"))) as run:
        assert run.ended("a").status == 0
        run.go_on(0.5)
        assert 1 <= len(run.all(Fault)) < 50
        run.link.send(Kill("stops"))
        assert run.ended("stops").signal == signal.SIGTERM


def test_somebody_kills_one_that_has_not_arrived_yet() -> None:
    with watch(scenario(process("early", "cpu 1ms"), process("late", "cpu 1ms", arrive="60s"))) as run:
        run.ended("early")
        from tests.support.procs import children

        (late,) = children(run.link.os_pid)
        os.kill(late, signal.SIGKILL)
        fault = run.until(lambda: run.all(Fault), "it is told")[0]
        assert (fault.what.rule, fault.what.figures) == ("ended before its arrival", {"name": "late"})


@pytest.mark.parametrize("when", ["running", "ready", "blocked"])
def test_somebody_kills_a_child(when: str) -> None:
    world = scenario(process("running", "cpu 60s"), process("ready", "cpu 60s"), command("blocked", "sleep", "60"))
    with watch(world) as run:
        run.until(lambda: run.all(Blocked, "blocked"), "all are where they belong")
        os.kill(run.os_pid(when), signal.SIGKILL)
        assert run.ended(when).signal == signal.SIGKILL


def test_killing_a_hundred_at_once() -> None:
    """Each is continued to meet its end: stopped, continued and over within the same moment."""
    with watch(scenario(*(process(f"p{index}", "cpu 60s") for index in range(100)), quantum_ns=5 * MS)) as run:
        run.dispatched("p20")
        for index in range(100):
            run.link.send(Kill(f"p{index}"))
        run.until(lambda: len(run.all(Exited)) == 100, "all have ended")
        assert {event.signal for event in run.all(Exited)} == {signal.SIGTERM}
        assert run.all(Fault) == []


# Consoles


def test_a_child_that_closes_its_console_and_opens_it_again() -> None:
    line = "exec 0<&- 1>&- 2>&-; sleep 0.3; echo back > /dev/tty; exec 1>/dev/tty; echo again"
    with watch(scenario(command("sh", "sh", "-c", line), process("hog", "cpu 100ms")), stay=False) as run:
        run.finish()
        assert run.ended("sh").status == 0
        assert run.wrote("sh") == "back\nagain\n"


def test_typing_to_a_childs_child() -> None:
    outer = quick_python(
        "import os",
        "if os.fork() == 0:",
        "    print('heard', input(), flush=True)",
        "    os._exit(0)",
        "os.wait()",
    )
    with watch(scenario(command("outer", *outer)), stay=False) as run:
        run.until(lambda: [e for e in run.all(Blocked) if e.on.rule == "read console"], "it waits for a line")
        inner = next(event for event in run.all(Admitted) if event.parent is not None)
        run.link.send(Type(str(inner.pid), "hello"))
        run.finish()
        assert "heard hello\n" in run.wrote("outer")


def test_typing_to_nobody_who_reads() -> None:
    with watch(scenario(command("deaf", "sleep", "60"), process("a", "cpu 200ms"))) as run:
        run.admitted("deaf")
        for _ in range(100):
            run.link.send(Type("deaf", "x" * 1_000))
        assert run.ended("a").status == 0
        run.link.send(Kill("deaf"))
        assert run.ended("deaf").signal == signal.SIGTERM


# What else there is


TRACER = quick_python(
    "import ctypes, os",
    "ptrace, TRACEME, SYSCALL = ctypes.CDLL(None).ptrace, 0, 24",
    "tracee = os.fork()",
    "if tracee == 0:",
    "    ptrace(TRACEME, 0, 0, 0)",
    "    os.execv('/bin/echo', ['echo', 'traced'])",
    "while True:",
    "    _, status = os.waitpid(tracee, 0)",
    "    if os.WIFEXITED(status): break",
    "    ptrace(SYSCALL, tracee, 0, 0)",
    "print('status', os.WEXITSTATUS(status))",
)


@pytest.mark.parametrize("policy", ["rr", "fcfs"])
def test_a_traced_program(policy: str) -> None:
    """A traced process waits for its tracer as others wait for a pipe, and gives up the CPU to it."""
    with watch(scenario(command("tracer", *TRACER), process("hog", "cpu 100ms"), policy=policy), stay=False) as run:
        run.finish()
        assert run.wrote("tracer") == "traced\nstatus 0\n"
        assert run.ended("tracer").status == run.ended("hog").status == 0


def test_the_psutil_sensor_sees_a_whole_family_through() -> None:
    line = "for i in 1 2 3 4 5; do sleep 0.02; done | cat; python3 -I -S -c 'print(1)'; exit 4"
    events = run_real(
        scenario(command("sh", "sh", "-c", line), process("hog", "cpu 200ms"), quantum_ns=5 * MS), sensor="psutil"
    )
    booted = events[0]
    assert isinstance(booted, Booted)
    assert booted.sensor == "psutil"
    assert exits(events)["sh"].status == 4
    assert "".join(event.text for event in events if isinstance(event, Wrote)) == "1\n"
    assert len([event for event in events if isinstance(event, Admitted)]) >= 6


def test_threads_stop_and_go_on_together() -> None:
    threads = quick_python(
        "import threading, time",
        "counts = [0] * 4",
        "def count(index):",
        "    while time.thread_time() < 0.05: counts[index] += 1",
        "threads = [threading.Thread(target=count, args=(index,)) for index in range(4)]",
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]",
        "print(all(counts))",
    )
    with watch(
        scenario(command("threads", *threads), process("hog", "cpu 200ms"), quantum_ns=5 * MS), stay=False
    ) as run:
        run.finish()
        assert run.wrote("threads") == "True\n"
        assert run.ended("threads").cpu_ns > 200 * MS
