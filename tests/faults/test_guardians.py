"""The keeper: the terminal's process and the kernel process are both killed, or stopped, and nothing is left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import procs
from tests.support.files import BUSY, toml_list, write_scenario
from tests.support.kills import DISARMED, FAMILIES, Kill, Victims
from tests.support.leaks import LeftCheck
from tests.support.run import OSSANDBOX, ROOT, LoggedRun, until
from tests.support.scenarios import quick_python
from tests.support.surroundings import ORDINARY, as_user, can_be_user, let_others_in

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]

_KILLS_A_FAMILY = 4
#: In bytes, everything that it shares with others included.
_MAX_KEEPER = 10_000_000


def kill_both(folder: Path, leftcheck: LeftCheck, family: str, command: list[str], *kills: Kill) -> str:
    """Runs with this family side by side, as many as there are kills, a few random ones if none are given; what is left
    5 s after the last of them was killed."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    folder.chmod(0o755)
    path = Path(write_scenario(folder, FAMILIES[family]))
    kills = kills or tuple(Kill.of_both(chance, earliest_s=0.3) for _ in range(_KILLS_A_FAMILY))
    victims = [Victims(path, kill, command) for kill in kills]
    for victim in sorted(victims, key=lambda victim: victim.due_s):
        victim.kill()
    give_up_s = time.monotonic() + 5
    while leftcheck.marked() and time.monotonic() < give_up_s:
        time.sleep(0.02)
    left = ", ".join(f"{procs.name(os_pid)} ({procs.state(os_pid)})" for os_pid in leftcheck.marked())
    return left and f"seed {seed}: {left}"


def test_f46_neither_sees_the_other_one_die(tmp_path: Path, leftcheck: LeftCheck) -> None:
    kill = Kill(at_s=3.0, gap_s=0.0, stopped=True)
    assert kill_both(tmp_path, leftcheck, "tree", OSSANDBOX, kill) == ""


@pytest.mark.parametrize("family", FAMILIES)
def test_f46_both_are_killed_a_moment_apart(tmp_path: Path, leftcheck: LeftCheck, family: str) -> None:
    assert kill_both(tmp_path, leftcheck, family, OSSANDBOX) == ""


@pytest.mark.skipif(not can_be_user(), reason="not root, or nobody else may read what is to run")
@pytest.mark.parametrize("family", ["tree", "daemons"])
def test_f46_also_those_of_an_ordinary_user(tmp_path: Path, leftcheck: LeftCheck, family: str) -> None:
    let_others_in(tmp_path)
    assert kill_both(tmp_path, leftcheck, family, [*as_user(ORDINARY), *OSSANDBOX]) == ""


@pytest.mark.thorough
def test_f46_without_a_keeper_much_is_left(tmp_path: Path, leftcheck: LeftCheck) -> None:
    """The negative control: these tests would notice."""
    kill = Kill(at_s=3.0, gap_s=0.0, stopped=True)
    assert kill_both(tmp_path, leftcheck, "tree", DISARMED, kill) != ""
    leftcheck.end_leftovers()


def test_f47_the_kernel_process_is_stopped_at_once_and_the_terminals_process_killed(
    tmp_path: Path, leftcheck: LeftCheck
) -> None:
    command = LoggedRun(tmp_path, "run", write_scenario(tmp_path, BUSY), "--quiet")
    keeper = until(lambda: procs.children(command.os_pid), "the keeper is there")[0]
    kernel = until(lambda: procs.children(keeper), "the kernel process is there")[0]
    os.kill(kernel, signal.SIGSTOP)
    command.kill()
    command.wait()
    until(lambda: procs.gone(keeper, kernel) and not leftcheck.marked(), "nothing is left", 5)


@pytest.mark.parametrize("last", ["terminal", "kernel"])
def test_f46_the_keeper_is_killed_with_one_of_the_others(tmp_path: Path, leftcheck: LeftCheck, last: str) -> None:
    command = LoggedRun(tmp_path, "run", write_scenario(tmp_path, FAMILIES["tree"]), "--quiet")
    command.wait_for_children(5)
    keeper, kernel = procs.parent(command.kernel), command.kernel
    procs.kill(keeper, kernel if last == "terminal" else command.os_pid)
    command.wait()
    until(lambda: not leftcheck.marked(), "nothing is left", 5)


def test_f46_a_run_whose_keeper_is_killed_ends_and_says_so(tmp_path: Path, leftcheck: LeftCheck) -> None:
    command = LoggedRun(tmp_path, "run", write_scenario(tmp_path, BUSY), "--quiet")
    command.wait_for_children(4)
    os.kill(procs.parent(command.kernel), signal.SIGKILL)
    assert command.wait() == 1
    assert "the keeper was killed" in command.stderr
    assert not leftcheck.marked()


def test_f46_the_keeper_has_a_name_and_is_small(tmp_path: Path) -> None:
    command = LoggedRun(tmp_path, "run", write_scenario(tmp_path, BUSY), "--quiet")
    command.wait_for_children(4)
    keeper = procs.parent(command.kernel)
    assert procs.parent(keeper) == command.os_pid
    assert procs.name(keeper) == "ossandbox-keep"
    assert procs.resident_kib(keeper) * 1_024 < _MAX_KEEPER
    command.kill(signal.SIGTERM)
    command.wait()


_MANY = quick_python(
    "import os",
    "for _ in range(300):",
    "    if os.fork() == 0:",
    "        while True:",
    "            if os.fork() == 0: os._exit(0)",
    "            os.wait()",
    "os.wait()",
)


def test_f48_hundreds_that_fork_without_end(tmp_path: Path, leftcheck: LeftCheck) -> None:
    text = f'[machine]\nquantum = "1s"\n[[process]]\nname = "many"\ncommand = {toml_list(_MANY)}\n'
    command = LoggedRun(tmp_path, "run", write_scenario(tmp_path, text), "--quiet", "--for", "60s")
    try:
        until(lambda: len(leftcheck.marked()) > 200, "they are many", 30)
    finally:
        command.kill()
        command.wait()
    until(lambda: not leftcheck.marked(), "nothing is left", 20)


def test_f56_children_that_were_there_before_us_are_not_ours(tmp_path: Path, leftcheck: LeftCheck) -> None:
    path = write_scenario(tmp_path, BUSY)
    words = " ".join([*OSSANDBOX, "run", path, "--quiet", "--for", "60s"])
    script = f"sleep 300 & (sleep 301 & sleep 302) & exec {words}"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.DEVNULL, cwd=ROOT) as shell:
        keeper = until(lambda: [pid for pid in procs.children(shell.pid) if "keep" in procs.name(pid)], "a keeper")[0]
        kernel = until(lambda: procs.children(keeper), "a kernel process")[0]
        strangers = [
            pid
            for pid in procs.descendants(shell.pid)
            if procs.name(pid) == "sleep" and pid not in procs.descendants(keeper)
        ]
        assert len(strangers) == 3
        procs.kill(keeper, kernel)  # so that the terminal's process has to sweep
        shell.wait()
        assert [procs.name(pid) for pid in strangers] == ["sleep"] * 3
        for pid in strangers:
            os.kill(pid, signal.SIGKILL)
