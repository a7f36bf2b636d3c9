"""What is not of Linux alone runs anywhere: simulations, recordings, lessons and the app over virtual time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.terminal import terminal

#: Every module, under a system without what Windows and macOS lack.
IMPORTS = """
import importlib, pkgutil, sys, traceback
from tests.support.elsewhere import ABSENT, become
become(sys.argv[1])
import sandbox
for module in pkgutil.walk_packages(sandbox.__path__, "sandbox.", onerror=lambda name: None):
    if module.name.startswith(ABSENT[sys.argv[1]]) or module.name.endswith(".__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except Exception as error:
        line = traceback.extract_tb(error.__traceback__)[-1]
        print(f"{module.name}: {type(error).__name__}: {error}, {line.filename} line {line.lineno}")
"""

#: The app draws, goes on, changes its pace, looks back, steps, changes the policy, and leaves.
APP = """
import asyncio, sys, time
from tests.support.elsewhere import become
become(sys.argv[1])
import msgspec
from sandbox.cli.opening import start_kernel
from sandbox.cli.run_options import RunOptions, prepare
from sandbox.tui.app import SandboxApp
from sandbox.tui.state.live import Live
from sandbox.tui.state.session import Phase

boot = prepare(RunOptions.plain("convoy"), real=False, attended=True)
start = lambda scenario: start_kernel(msgspec.structs.replace(boot, scenario=scenario))
session = Live(boot.scenario, start, virtual=True)

async def main():
    app = SandboxApp(session)
    async with app.run_test(size=(120, 40)) as pilot:
        async def until(what):
            give_up = time.monotonic() + 20
            while not what():
                assert time.monotonic() < give_up
                await pilot.pause(0.02)
        await until(lambda: session.phase is Phase.PAUSED)
        await pilot.press("space", "greater_than_sign", "greater_than_sign", "greater_than_sign")
        await until(lambda: session.phase is Phase.PAUSED and session.view.now_ns > 0)
        await pilot.press("comma")
        await until(lambda: session.phase is Phase.PAST)
        await pilot.press("end", "full_stop", "p")
        await pilot.pause(0.2)
        await pilot.press("down", "down", "down", "down", "enter")
        await until(lambda: session.view.live.board.policy == "rr")
        await pilot.press("q")
    session.end()
    assert session.link.halted
    print(session.view.board.policy)

asyncio.run(main())
"""

#: What the app's panel gets of a comparison.
COMPARED = """
import sys
from tests.support.elsewhere import become
become(sys.argv[1])
from sandbox.analysis.comparison.messages import PACKAGE, CompareTask, decode_message
from sandbox.link.worker import Worker
from sandbox.scenario import find, load

with Worker(PACKAGE, CompareTask(load(find("convoy")), "rr,fcfs", 80), decode_message) as worker:
    for message in worker.messages(60):
        print(type(message).__name__)
"""

SYSTEMS = ("windows", "macos")


def run(system: str, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, system, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


def command(system: str, *words: str) -> tuple[str, int]:
    """What ``ossandbox WORDS`` says there, and its exit status."""
    whole = [sys.executable, "-m", "tests.support.elsewhere", system, *words]
    done = subprocess.run(whole, capture_output=True, text=True, timeout=90, check=False, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr, done.returncode


@pytest.mark.parametrize("system", SYSTEMS)
def test_only_the_linux_machine_needs_linux(system: str) -> None:
    done = run(system, IMPORTS)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_app_compares_in_virtual_time(system: str) -> None:
    done = run(system, COMPARED)
    assert (done.stdout.split(), done.stderr) == (["Running", "Running", "Compared"], "")


def test_the_app_runs_in_virtual_time_on_windows() -> None:
    done = run("windows", APP)
    assert (done.stdout, done.stderr, done.returncode) == ("rr\n", "", 0)


@pytest.mark.thorough
def test_the_app_runs_in_virtual_time_on_macos() -> None:
    done = run("macos", APP)
    assert (done.stdout, done.stderr, done.returncode) == ("rr\n", "", 0)


@pytest.mark.thorough
def test_a_person_drives_it_on_windows() -> None:
    """The first frame, a step, the past, another policy, the way out, on a terminal."""
    layer = [sys.executable, "-m", "tests.support.elsewhere", "windows"]
    with terminal("convoy", "--virtual", command=layer) as run:
        run.read_until(lambda: run.shows("PAUSED"), "the first frame")
        run.press_until(".", "video", "somebody has been chosen")
        run.press_until(".", "fcfs chooses", "why")
        run.press_until(",", "PAST", "one decision back")
        run.press("\x1b[F")
        run.read_until(lambda: not run.shows("PAST"), "the present")
        run.press_until("p", "Scheduling policy", "what there is")
        run.press_until("rr\r", "rr  quantum", "another policy")
        run.press("q")
        assert run.wait() == 0


REAL: tuple[Sequence[str], ...] = (("run", "convoy"), ("lesson", "convoy", "--check"), ("sweep", "convoy", "--real"))
VIRTUAL: tuple[Sequence[str], ...] = (
    ("simulate", "convoy", "--quiet", "--record", "{folder}/a.trace"),
    ("compare", "convoy", "--policies", "rr,fcfs"),
    ("check", "sandbox/policies/fcfs.py"),
    ("sweep", "convoy", "--policies", "rr,fcfs", "-o", "{folder}/a.jsonl"),
    ("plot", "{folder}/a.jsonl"),
    ("whatif", "{folder}/a.trace", "--policy", "rr"),
    ("export", "{folder}/a.trace", "--to", "html", "-o", "{folder}/a.html"),
    ("lesson", "convoy", "--virtual", "--check"),
    ("lessons",),
)


@pytest.mark.parametrize("words", REAL)
def test_what_needs_linux_says_what_to_do_instead(words: Sequence[str]) -> None:
    said, status = command("windows", *words)
    assert "--virtual" in said
    assert len(said.splitlines()) == 1
    assert status == 2


@pytest.mark.parametrize(("words", "has_sensor"), [(("run", "convoy"), True), (("sweep", "convoy", "--real"), False)])
def test_signals_are_offered_by_commands_that_can_be_told_so(words: Sequence[str], has_sensor: bool) -> None:
    said, _status = command("macos", *words)
    assert ("--sensor" in said) == has_sensor


@pytest.mark.parametrize("words", [("run", "server"), ("server", "--virtual")])
def test_what_has_no_virtual_time_says_where_its_recording_opens(words: Sequence[str]) -> None:
    said, status = command("windows", *words)
    assert said.rstrip().endswith("this opens a recording of it: ossandbox server")
    assert (len(said.splitlines()), status) == (1, 2)


@pytest.mark.parametrize("form", [("--plain",), ("--handout", "md")])
def test_a_lesson_is_shown_by_its_recording(form: Sequence[str]) -> None:
    said, status = command("windows", "lesson", "server", *form)
    assert "This is a recording of a real run." in said
    assert len(said.splitlines()) > 20
    assert status == 0


def test_the_app_opens_the_recording_of_a_lesson() -> None:
    """As it does without the word ``lesson``; here it gets no further than to the terminal that it needs."""
    told = [command("windows", *words) for words in (("server",), ("lesson", "server"))]
    assert told == [("ossandbox: the app needs a terminal; ossandbox export needs none\n", 2)] * 2


@pytest.mark.thorough
@pytest.mark.parametrize("system", SYSTEMS)
def test_what_needs_no_linux_runs(system: str, tmp_path: Path) -> None:
    for words in VIRTUAL:
        said, status = command(system, *(word.format(folder=tmp_path) for word in words))
        assert "Traceback" not in said, words
        assert status == 0, (words, said)
