"""The look into one process: what the board and the system know of it, what it wrote, and a line to its console."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sandbox.machines.linux.procfs import Thread, threads
from sandbox.model.commands import Type
from sandbox.model.events import Admitted
from sandbox.tui.screens import inspect
from sandbox.tui.screens.system import _listed, system_facts
from sandbox.util.units import MS
from tests.support.app import AppDriver, MakeDriver, until
from tests.support.kernel_script import KernelScript, every_state
from tests.support.leaks import LeftCheck


def facts(driver: AppDriver) -> dict[str, str]:
    """The facts on the screen, by what stands before them."""
    lines = [max(line.split("│"), key=len).strip() for line in driver.text.splitlines() if "│" in line]
    pairs = [line.split("  ", 1) for line in lines if "  " in line]
    return {name.strip(): value.strip() for name, value in pairs}


async def test_a_blocked_one(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        await pilot.press("down", "down", "down", "down", "enter")
        await pilot.pause()
        known = facts(driver)
        assert "Process 4: editor" in driver.text
        assert known["state"] == "BLOCKED: read console, for 129 ms"
        assert known["runs"] == "editor.py:ask()"
        assert known["pid"] == "4 here"
        assert known["parent"] == "the kernel process"
        assert known["time"] == "CPU 6 ms   READY 108 ms   BLOCKED 129 ms   switches 1"
        assert "What schedules processes?" in driver.text


async def test_it_is_fresh_all_the_time(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = every_state()
        await driver.feed(pilot, script)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert facts(driver)["state"] == "RUNNING, for 20 ms"
        assert facts(driver)["time"].startswith("CPU 120 ms of 2 s")
        await driver.feed(pilot, script.later("30ms").expire("prime").run("disk"))
        await until(lambda: "READY, for" in driver.text, pilot)
        script.later("5ms").block("disk").run("prime").later("5ms").write("prime", "one\ntwo\n").exit("prime", 0)
        await driver.feed(pilot, script)
        await until(lambda: "DONE: exit 0" in driver.text, pilot)
        assert "two" in driver.text
        await until(lambda: "type a line" not in driver.text, pilot)  # there is nobody to read it
        await pilot.press("escape")
        assert len(driver.app.screen_stack) == 1


async def test_a_child_and_a_killed_one(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript().admit("parent").run("parent").admit("child", parent="parent")
        await driver.feed(pilot, script.later("400us").exit("parent", None, signal.SIGKILL))
        await pilot.press("down", "enter")
        await pilot.pause()
        assert facts(driver)["state"] == "DONE: killed by SIGKILL"
        assert facts(driver)["time"].startswith("CPU 400 us ")
        await pilot.press("escape", "down", "enter")
        await pilot.pause()
        assert facts(driver)["parent"] == "1 parent"


async def test_a_line_is_typed_into_its_console(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        await driver.feed(pilot, every_state())
        await pilot.press("up", "up", "enter")
        await pilot.press(*"q", "space", *"kx", "enter")  # letters that are keys elsewhere
        assert driver.sent == [Type("4", "q kx")]
        await pilot.press("enter")
        assert driver.sent[1:] == [Type("4", "")]


async def test_long_output_shows_its_end_and_stays_within_its_box(make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(80, 24)) as pilot:
        script = KernelScript().admit("chatty").run("chatty")
        for number in range(700):
            script.write("chatty", f"line {number} {'x' * 100}\n")
        await driver.feed(pilot, script)
        await pilot.press("down", "enter")
        await until(lambda: "line 699" in driver.text, pilot)
        assert all(len(line) <= 80 for line in driver.lines)


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
    assert "MB resident" in known["memory"]
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
    make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch, height: int
) -> None:
    threads = "\n".join(f"tid {tid}" for tid in range(8))
    monkeypatch.setattr(inspect, "system_facts", lambda _: [("threads", threads), ("files", "0 → pipe")])
    driver = make_driver()
    async with driver.app.run_test(size=(80, height)) as pilot:
        await driver.feed(pilot, KernelScript().admit("team").run("team").write("team", "hello\n"))
        await pilot.press("down", "enter")
        await driver.settle(pilot)
        assert "type a line into its console" in "".join(driver.lines[-4:])
        assert "hello" in driver.text
        assert "0 → pipe" not in driver.text
        await pilot.press("x", "enter", "shift+tab", "end")
        await until(lambda: "0 → pipe" in driver.text, pilot)
        assert driver.sent == [Type("1", "x")]


def test_a_stranger_is_not_looked_at() -> None:
    assert system_facts(None) == []
    assert system_facts(os.getppid()) == []
    assert system_facts(2**22 - 1) == [], "nobody has that number"


@pytest.mark.real
async def test_a_real_one_is_shown_as_the_system_sees_it(sleeper: int, make_driver: MakeDriver) -> None:
    driver = make_driver()
    async with driver.app.run_test(size=(120, 40)) as pilot:
        script = KernelScript()
        script.events.append(Admitted(0, 1, "sleeper", "sleep 60", sleeper, None, 0, None))
        await driver.feed(pilot, script)
        await pilot.press("down", "enter")
        await pilot.pause()
        known = facts(driver)
        assert known["pid"] == f"1 here, {sleeper} in the system"
        assert known["in the system"].endswith("1 thread")
        assert "MB resident" in known["memory"]
