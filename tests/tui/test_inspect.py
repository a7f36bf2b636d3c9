"""The look into one process: what the board and the system know of it, what it wrote, and a line to its console."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from sandbox.machines.linux.procfs import Thread, threads
from sandbox.model.commands import Type
from sandbox.model.events import Admitted
from sandbox.tui.screens import inspect
from sandbox.tui.screens.system import _listed, system_facts
from sandbox.util.units import MS
from tests.support.app import Play, until
from tests.support.kernel_script import Story, shift_change
from tests.support.leaks import LeftCheck

Stage = Callable[..., Play]


def facts(it: Play) -> dict[str, str]:
    """The facts on the screen, by what stands before them."""
    lines = [max(line.split("│"), key=len).strip() for line in it.text.splitlines() if "│" in line]
    pairs = [line.split("  ", 1) for line in lines if "  " in line]
    return {name.strip(): value.strip() for name, value in pairs}


async def test_a_blocked_one(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change())
        await pilot.press("down", "down", "down", "down", "enter")
        await pilot.pause()
        known = facts(it)
        assert "Process 4: editor" in it.text
        assert known["state"] == "BLOCKED: read console, for 129 ms"
        assert known["runs"] == "editor.py:ask()"
        assert known["pid"] == "4 here"
        assert known["parent"] == "the kernel process"
        assert known["time"] == "CPU 6 ms   READY 108 ms   BLOCKED 129 ms   switches 1"
        assert "What schedules processes?" in it.text


async def test_it_is_fresh_all_the_time(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = shift_change()
        await it.tell(pilot, story)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert facts(it)["state"] == "RUNNING, for 20 ms"
        assert facts(it)["time"].startswith("CPU 120 ms of 2 s")
        await it.tell(pilot, story.later("30ms").expire("prime").run("disk"))
        await until(lambda: "READY, for" in it.text, pilot)
        story.later("5ms").block("disk").run("prime").later("5ms").write("prime", "one\ntwo\n").exit("prime", 0)
        await it.tell(pilot, story)
        await until(lambda: "DONE: exit 0" in it.text, pilot)
        assert "two" in it.text
        await until(lambda: "type a line" not in it.text, pilot)  # there is nobody to read it
        await pilot.press("escape")
        assert len(it.app.screen_stack) == 1


async def test_a_child_and_a_killed_one(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().admit("parent").run("parent").admit("child", parent="parent")
        await it.tell(pilot, story.later("400us").exit("parent", None, signal.SIGKILL))
        await pilot.press("down", "enter")
        await pilot.pause()
        assert facts(it)["state"] == "DONE: killed by SIGKILL"
        assert facts(it)["time"].startswith("CPU 400 us ")
        await pilot.press("escape", "down", "enter")
        await pilot.pause()
        assert facts(it)["parent"] == "1 parent"


async def test_a_line_is_typed_into_its_console(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, shift_change())
        await pilot.press("up", "up", "enter")
        await pilot.press(*"q", "space", *"kx", "enter")  # letters that are keys elsewhere
        assert it.sent == [Type("4", "q kx")]
        await pilot.press("enter")
        assert it.sent[1:] == [Type("4", "")]


async def test_long_output_shows_its_end_and_stays_within_its_box(stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(80, 24)) as pilot:
        story = Story().admit("chatty").run("chatty")
        for number in range(700):
            story.write("chatty", f"line {number} {'x' * 100}\n")
        await it.tell(pilot, story)
        await pilot.press("down", "enter")
        await until(lambda: "line 699" in it.text, pilot)
        assert all(len(line) <= 80 for line in it.lines)


# What the system knows


@pytest.fixture
def sleeper(leftcheck: LeftCheck) -> Iterator[int]:
    """A child of ours."""
    with subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        yield process.pid
        process.kill()


@pytest.mark.real
def test_what_the_system_knows_of_a_child_of_ours(sleeper: int) -> None:
    known = dict(system_facts(sleeper))
    assert known["in the system"].endswith("1 thread")
    assert "MiB resident" in known["memory"]
    assert known["files"].startswith("0 1 → /dev/null, 2 → "), "what leads to one place is named together"


@pytest.mark.real
def test_each_thread_has_its_state_and_its_cpu_time(leftcheck: LeftCheck) -> None:
    """One computes and two sleep; one stop stops all."""
    program = """import threading, time
for _ in range(2):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
while time.process_time() < 0.3:
    pass
print("ready", flush=True)
while True:
    pass
"""
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", program], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            found = threads(child.pid)
            assert [thread.tid == child.pid for thread in found] == [True, False, False]
            assert [thread.state for thread in found] == ["R", "S", "S"]
            assert found[0].cpu_ns > 200 * MS > 10 * found[1].cpu_ns
            child.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
            assert [thread.state for thread in threads(child.pid)] == ["T", "T", "T"]
            told = dict(system_facts(child.pid))
            assert told["in the system"] == "stopped, 3 threads"
            assert [line.split("  ")[:2] for line in told["threads"].splitlines()] == [
                [f"tid {thread.tid}", "stopped"] for thread in found
            ]
        finally:
            child.kill()
    assert threads(child.pid) == []


def test_of_many_threads_the_first_are_told() -> None:
    told = _listed([Thread(tid, "S", tid * MS) for tid in range(1, 300)]).splitlines()
    assert told == [*(f"tid {tid}  sleeping  CPU {tid}.00 ms" for tid in range(1, 6)), "and 294 more"]


@pytest.mark.parametrize("height", [24, 20])
async def test_however_much_is_known_there_is_a_line_to_type(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, height: int
) -> None:
    threads = "\n".join(f"tid {tid}" for tid in range(8))
    monkeypatch.setattr(inspect, "system_facts", lambda _: [("threads", threads), ("files", "0 → pipe")])
    it = stage()
    async with it.app.run_test(size=(80, height)) as pilot:
        await it.tell(pilot, Story().admit("team").run("team").write("team", "hello\n"))
        await pilot.press("down", "enter")
        await it.settle(pilot)
        assert "type a line into its console" in it.lines[-4]
        assert "hello" in it.text
        assert "0 → pipe" not in it.text
        await pilot.press("x", "enter", "shift+tab", "end")
        await until(lambda: "0 → pipe" in it.text, pilot)
        assert it.sent == [Type("1", "x")]


def test_a_stranger_is_not_looked_at() -> None:
    assert system_facts(None) == []
    assert system_facts(os.getppid()) == []
    assert system_facts(2**22 - 1) == [], "nobody has that number"


@pytest.mark.real
async def test_a_real_one_is_shown_as_the_system_sees_it(sleeper: int, stage: Stage) -> None:
    it = stage()
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story()
        story.events.append(Admitted(0, 1, "sleeper", "sleep 60", sleeper, None, 0, None))
        await it.tell(pilot, story)
        await pilot.press("down", "enter")
        await pilot.pause()
        known = facts(it)
        assert known["pid"] == f"1 here, {sleeper} in the system"
        assert known["in the system"].endswith("1 thread")
        assert "MiB resident" in known["memory"]
