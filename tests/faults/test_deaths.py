"""Whoever dies, nothing is left: the terminal's process, the kernel process, both, and at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.link.client import use_all_cpus
from sandbox.link.namespace import can_be_strict
from tests.support import procs
from tests.support.files import BUSY, toml_list, write_scenario
from tests.support.kills import TREE
from tests.support.leaks import LeftCheck
from tests.support.procs import children, descendants, gone, parent, scheduled, state
from tests.support.run import OSSANDBOX, ROOT, LoggedRun, until
from tests.support.terminal import terminal

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]

_KILLS = 50
_AT_ONCE = 5
#: From the first instruction of the command to the middle of the run.
_LATEST_KILL_S = 0.9

#: The processes of a tree.
FAMILY_SIZE = 5
BUSY_FAMILY = BUSY + f'[[process]]\nname = "family"\ncommand = {toml_list(TREE)}\n'


def ui(folder: Path, *words: str, text: str = BUSY) -> LoggedRun:
    return LoggedRun(folder, "run", write_scenario(folder, text), "--quiet", *words)


def test_f01_the_terminals_process_is_killed_at_any_moment(tmp_path: Path, leftcheck: LeftCheck) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    path = write_scenario(tmp_path, BUSY)
    use_all_cpus()
    for _ in range(_KILLS // _AT_ONCE):
        victims = []
        for _ in range(_AT_ONCE):
            delay_s = chance.uniform(0, _LATEST_KILL_S)
            command = subprocess.Popen([*OSSANDBOX, "run", path, "--quiet"], stdout=subprocess.DEVNULL, cwd=ROOT)
            victims.append((time.monotonic() + delay_s, command))
        for when, command in sorted(victims, key=lambda victim: victim[0]):
            time.sleep(max(when - time.monotonic(), 0))
            command.kill()
            command.wait()
        until(lambda: not leftcheck.marked(), f"nothing is left (seed {seed})", 5)


def test_f01_killed_while_its_children_are_stopped(tmp_path: Path) -> None:
    command = ui(tmp_path)
    scheduled, kernel = command.wait_for_children(4), command.kernel
    until(lambda: [state(os_pid) for os_pid in scheduled].count("T") >= 2, "several are stopped")
    command.kill()
    assert command.wait() == -signal.SIGKILL
    until(lambda: gone(kernel, *scheduled), "kernel process and children are gone", 5)


_DELAYED_ARMING = """
import os, sys, time
from sandbox.util import libc
from sandbox.machines.linux.process.spawn import Spawner
from sandbox.machines.linux.net.listeners import Listeners
from sandbox.model.spec import ProcessSpec, Segment

spawner = Spawner(max(os.sched_getaffinity(0)), ".", Listeners([], exposed=False))
prctl = libc.prctl

def late(option, value):
    if option == libc.PR_SET_PDEATHSIG:
        print(os.getpid(), flush=True)
        time.sleep(1)
    prctl(option, value)

libc.prctl = late
spawner.spawn(
    ProcessSpec("child", work=[Segment("cpu", 1)])
    if sys.argv[1] == "work"
    else ProcessSpec("child", command=["touch", sys.argv[2]])
)
"""


@pytest.mark.parametrize("kind", ["command", "work"])
def test_f02_death_between_fork_and_arming(tmp_path: Path, kind: str) -> None:
    use_all_cpus()
    proof = tmp_path / "it ran"
    parent_process = subprocess.Popen(
        [sys.executable, "-c", _DELAYED_ARMING, kind, str(proof)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert parent_process.stdout is not None
    child = int(parent_process.stdout.readline())
    assert parent(child) == parent_process.pid
    parent_process.kill()
    parent_process.wait()
    parent_process.stdout.close()
    assert not gone(child), "it was to be killed between fork and arming"
    until(lambda: gone(child), "the unarmed child is gone", 10)
    assert not proof.exists(), "the child came to its own first instruction"


@pytest.mark.parametrize("package", ["conformance", "conformance.resident", "sweep", "exploration"])
def test_f02_a_worker_whose_parent_has_died_before_it_began(package: str) -> None:
    """Nobody reads what it writes; the other end of its standard input is open, as in a fork of that parent."""
    words = [sys.executable, "-P", "-m", f"sandbox.analysis.{package}", "9", "lenient"]
    reading, writing = os.pipe()
    worker = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE, cwd=ROOT)
    for descriptor in (reading, writing):
        os.close(descriptor)
    with worker:
        assert worker.wait(30) == 1
        assert worker.stderr is not None
        assert worker.stderr.read() == b""


def test_f04_the_kernel_process_is_killed(tmp_path: Path) -> None:
    command = ui(tmp_path, text=BUSY_FAMILY)
    kernel = until(lambda: command.kernel, "the kernel process is there")
    until(lambda: len(scheduled(descendants(kernel))) >= 3 + 1 + FAMILY_SIZE, "the family is complete")
    family = descendants(kernel)
    os.kill(kernel, signal.SIGKILL)
    assert command.wait() == 1
    assert "the kernel process died" in command.stderr
    until(lambda: gone(*family), "the family is gone", 5)


def test_f04_the_app_says_so_and_runs_again(tmp_path: Path) -> None:
    with terminal(write_scenario(tmp_path, BUSY_FAMILY)) as app:
        kernel = app.read_until(lambda: app.kernel, "the kernel process is there")
        app.read_until(lambda: len(scheduled(descendants(kernel))) >= 3 + 1 + FAMILY_SIZE, "the family is complete")
        family = descendants(kernel)
        os.kill(kernel, signal.SIGKILL)
        app.read_until(lambda: app.shows("kernel process died"), "the app says what happened")
        app.read_until(lambda: gone(*family), "the family is gone", 5)
        app.press("\r")
        app.read_until(lambda: len(app.scheduled) >= 4, "the scenario runs again")
        assert app.kernel != kernel
        app.press("q")
        assert app.wait() == 0


STRICT = pytest.param(
    ("--strict",), id="strict", marks=pytest.mark.skipif(not can_be_strict(), reason="no pid namespace permitted here")
)


@pytest.mark.parametrize("words", [pytest.param((), id="plain"), STRICT])
def test_f05_the_kernel_process_is_stopped_and_the_terminals_process_killed(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    command = ui(tmp_path, *words)
    scheduled, kernel = command.wait_for_children(4), command.kernel
    os.kill(kernel, signal.SIGSTOP)
    until(lambda: state(kernel) == "T", "the kernel process is stopped")
    command.kill()
    command.wait()
    until(lambda: gone(kernel, *scheduled), "kernel process and children are gone", 5)


@pytest.mark.parametrize("words", [pytest.param((), id="plain"), STRICT])
def test_f05_ctrl_c_while_the_kernel_process_is_stopped(tmp_path: Path, words: tuple[str, ...]) -> None:
    command = ui(tmp_path, *words)
    scheduled, kernel = command.wait_for_children(4), command.kernel
    os.kill(kernel, signal.SIGSTOP)
    until(lambda: state(kernel) == "T", "the kernel process is stopped")
    command.kill(signal.SIGINT)
    assert command.wait() == 130
    assert gone(kernel, *scheduled)


def test_f06_both_killed_at_once(tmp_path: Path) -> None:
    command = ui(tmp_path)
    scheduled, kernel = command.wait_for_children(4), command.kernel
    procs.kill(command.os_pid, kernel, number=signal.SIGSTOP)  # so that neither can see the other die
    procs.kill(command.os_pid, kernel)
    command.wait()
    until(lambda: gone(kernel, *scheduled), "the children are gone", 5)


@pytest.mark.skipif(not can_be_strict(), reason="no pid namespace permitted here")
@pytest.mark.parametrize("middle", [False, True], ids=["kernel", "and what started it"])
def test_f06_strict_leaves_no_daemon_even_if_both_are_killed_at_once(
    tmp_path: Path, leftcheck: LeftCheck, middle: bool
) -> None:
    command = ui(tmp_path, "--strict", text=BUSY_FAMILY)
    kernel = until(lambda: command.kernel, "the kernel process is there")
    until(lambda: len(scheduled(descendants(kernel))) >= 3 + 1 + FAMILY_SIZE, "the family is complete")
    assert kernel not in children(command.os_pid), "it has a namespace's first process for a parent"
    starter = parent(kernel)
    procs.kill(command.os_pid, kernel, number=signal.SIGSTOP)
    procs.kill(command.os_pid, *[starter] * middle, kernel)
    command.wait()
    until(lambda: not leftcheck.marked(), "nothing is left", 5)


@pytest.mark.skipif(not can_be_strict(), reason="no pid namespace permitted here")
def test_f06_strict_survives_the_death_of_what_started_it(tmp_path: Path, leftcheck: LeftCheck) -> None:
    command = ui(tmp_path, "--strict", text=BUSY_FAMILY)
    command.wait_for_children(5)
    os.kill(parent(command.kernel), signal.SIGKILL)
    command.wait()
    until(lambda: not leftcheck.marked(), "nothing is left", 5)
