"""Programs that nobody adapted: commands, pipelines, Python functions; their families, outputs and endings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sandbox.machines.linux import procfs_timers
from sandbox.model.commands import Kill, Pause, Resume, Spawn, Type
from sandbox.model.events import Admitted, Blocked, Event, Fault, Operator, Wrote
from sandbox.model.spec import ProcessSpec, Scenario
from sandbox.util.units import MS
from tests.support.real import run_real
from tests.support.scenarios import command, exits, process, scenario

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]


def output(events: list[Event], name: str) -> str:
    pids = {event.pid for event in events if isinstance(event, Admitted) and event.name == name}
    return "".join(event.text for event in events if isinstance(event, Wrote) and event.pid in pids)


def python_world(folder: Path, source: str, *functions: str, **more: object) -> Scenario:
    (folder / "mine.py").write_text(source)
    specs = [ProcessSpec(name, python=f"mine.py:{name}", args=list(more.pop("args", []))) for name in functions]  # type: ignore[call-overload]
    world = scenario(*specs, **more)  # type: ignore[arg-type]
    world.folder = str(folder)
    return world


def test_a_pipeline_and_its_children() -> None:
    events = run_real(
        scenario(command("pipe", "sh", "-c", "seq 1 3000 | sort -rn | head -n 1"), process("hog", "cpu 80ms"))
    )
    assert output(events, "pipe") == "3000\n"
    assert exits(events)["pipe"].status == 0
    family = {event.name: event.parent for event in events if isinstance(event, Admitted) and event.parent is not None}
    assert family, "no child of the shell was adopted"
    assert set(family.values()) <= {event.pid for event in events if isinstance(event, Admitted)}


def test_an_interpreter_and_a_nap() -> None:
    events = run_real(
        scenario(command("py", sys.executable, "-c", "print(sum(range(1000)))"), command("nap", "sleep", "0.2"))
    )
    assert output(events, "py") == "499500\n"
    nap = next(event.pid for event in events if isinstance(event, Admitted) and event.name == "nap")
    assert "sleep" in {event.on.rule for event in events if isinstance(event, Blocked) and event.pid == nap}


def test_exit_codes_and_signals() -> None:
    events = run_real(
        scenario(
            command("seven", "sh", "-c", "exit 7"),
            command("none", "/nonexistent/program"),
            command("segv", "sh", "-c", "kill -SEGV $$"),
        )
    )
    ends = exits(events)
    assert (ends["seven"].status, ends["none"].status, ends["segv"].status) == (7, 127, -11)
    assert "not found" in output(events, "none")


def test_a_function_in_a_new_process(tmp_path: Path) -> None:
    source = "import os, sys\ndef send(who, times):\n    print(f'{who} ' * times, __name__, sys.stdin.isatty())\n"
    events = run_real(python_world(tmp_path, source, "send", args=["bob", 2]))
    assert output(events, "send") == "bob bob  mine True\n"
    assert exits(events)["send"].status == 0


def test_a_function_that_fails_shows_its_traceback_and_exits_with_1(tmp_path: Path) -> None:
    events = run_real(
        python_world(tmp_path, "def bad():\n    return 1 / 0\ndef quits():\n    raise SystemExit(3)\n", "bad", "quits")
    )
    assert "ZeroDivisionError" in output(events, "bad")
    assert [exits(events)[name].status for name in ("bad", "quits")] == [1, 3]


def test_multiprocessing_works_inside_a_function(tmp_path: Path) -> None:
    source = """
import multiprocessing
def child(queue):
    queue.put(multiprocessing.current_process().name)
def parent():
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    worker = context.Process(target=child, args=(queue,))
    worker.start()
    print(queue.get())
    worker.join()
    print(worker.exitcode)
"""
    events = run_real(python_world(tmp_path, source, "parent"))
    assert output(events, "parent") == "ForkProcess-1\n0\n"


def test_input_blocks_until_somebody_types(tmp_path: Path) -> None:
    source = "def ask():\n    print('got', input('? '))\n"
    events = run_real(python_world(tmp_path, source, "ask", script=[("300ms", Type("ask", "hello"))]))
    assert "read console" in {event.on.rule for event in events if isinstance(event, Blocked)}
    assert output(events, "ask").endswith("got hello\n")


def test_a_run_in_which_nobody_can_type_ends(tmp_path: Path) -> None:
    events = run_real(python_world(tmp_path, "def ask():\n    input()\n", "ask"))
    assert "waits for somebody to type" in {event.what.rule for event in events if isinstance(event, Fault)}


@pytest.mark.skipif(procfs_timers.alarms() is None, reason="it takes a minute if alarms are not visible")
def test_a_run_in_which_nobody_opens_the_other_end_of_a_pipe_ends(tmp_path: Path) -> None:
    """Two processes that open pipes in opposite order wait for each other; so does a shell, which waits for a child."""
    world = scenario(command("sh", "sh", "-c", "mkfifo a b; (: < a; : > b) & cat b"))
    world.folder = str(tmp_path)
    events = run_real(world)
    assert "waits for the other end of a pipe" in {event.what.rule for event in events if isinstance(event, Fault)}


@pytest.mark.skipif(procfs_timers.alarms() is None, reason="alarms are not visible")
def test_a_run_waits_for_an_alarm_that_is_set() -> None:
    events = run_real(scenario(command("sh", sys.executable, "-c", "import signal; signal.alarm(2); input()")))
    assert [end.status for end in exits(events).values()] == [-14]


def test_the_operator_starts_a_program() -> None:
    events = run_real(scenario(process("hog", "cpu 150ms"), script=[("20ms", Spawn(["sh", "-c", "echo here"]))]))
    assert output(events, "echo") == "here\n"


def test_the_operator_kills_a_running_a_ready_and_a_blocked_one() -> None:
    world = scenario(
        process("a", "cpu 5s"),
        process("b", "cpu 5s"),
        process("c", "io 5s"),
        script=[("60ms", Kill("a")), ("80ms", Kill("b")), ("100ms", Kill("c"))],
        quantum_ns=10 * MS,
    )
    assert {end.status for end in exits(run_real(world)).values()} == {-15}


def test_a_paused_machine_gives_nobody_the_cpu() -> None:
    world = scenario(
        *(process(name, "cpu 200ms") for name in ("a", "b")),
        process("io", "cpu 1ms", "io 10ms", repeat=20),
        script=[("100ms", Pause()), ("700ms", Resume())],
        quantum_ns=10 * MS,
    )
    events = run_real(world)
    did = [event for event in events if isinstance(event, Operator)]
    assert [event.did.rule for event in did] == ["paused", "resumed"]
    assert did[1].t_ns - did[0].t_ns < 50 * MS, "the machine's clock went on in a pause"
    ends = exits(events)
    assert all(ends[name].cpu_ns == pytest.approx(200 * MS, rel=0.05) for name in ("a", "b"))


def test_the_environment_is_handed_on_but_for_what_would_cut_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    monkeypatch.setenv("MINE", "yes")
    events = run_real(scenario(command("env", "sh", "-c", "echo [$MINE] [$PYTHONUNBUFFERED] [$TERM]; pwd")))
    assert output(events, "env") == f"[yes] [] [xterm-256color]\n{os.getcwd()}\n"
