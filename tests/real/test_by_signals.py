"""Real processes where there is no Linux but a UNIX: by signals alone, with all that macOS lacks taken away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.util.units import MS
from tests.support import procs
from tests.support.run import ROOT, until
from tests.support.terminal import terminal

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

THERE = [sys.executable, "-m", "tests.support.elsewhere", "macos"]
TURNS = """
[machine]
policy = "rr"
quantum = "20ms"
[[process]]
name = "a"
work = ["cpu 90ms"]
[[process]]
name = "b"
work = ["cpu 50ms", "io 60ms", "cpu 20ms"]
[[process]]
name = "late"
work = ["cpu 10ms"]
arrive = "70ms"
"""
PEOPLE = """
[machine]
policy = "rr"
quantum = "20ms"
[[process]]
name = "asker"
command = ["sh", "-c", "read line; echo you said $line; exit 3"]
[[process]]
name = "spinner"
command = ["sh", "-c", "while :; do :; done"]
[[process]]
name = "mailer"
python = "mailer.py:send"
args = ["bob"]
[[at]]
time = "400ms"
do = "type asker hello"
[[at]]
time = "600ms"
do = "pause"
[[at]]
time = "700ms"
do = "resume"
[[at]]
time = "900ms"
do = "kill spinner"
"""


def run(tmp_path: Path, scenario: str, *words: str) -> dict[str, Any]:
    """The result of a scenario there."""
    path = tmp_path / "it.toml"
    path.write_text(scenario, "utf-8")
    command = [*THERE, "run", str(path), "--sensor", "psutil", "--json", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=40, check=False)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["machine"]["kind"] == "posix"
    return document


def test_they_take_turns_and_nothing_is_lost(tmp_path: Path) -> None:
    told = run(tmp_path, TURNS)
    by_name = {process["name"]: process for process in told["processes"]}
    for name, cpu_ns in (("a", 90 * MS), ("b", 70 * MS), ("late", 10 * MS)):
        assert by_name[name]["exit"] == 0
        assert by_name[name]["cpu_ns"] == pytest.approx(cpu_ns, rel=0.15, abs=4 * MS)
    assert by_name["b"]["blocked_ns"] > 30 * MS, "its wait was seen"
    assert by_name["a"]["switches"] >= 3


def test_consoles_a_pause_and_a_kill(tmp_path: Path) -> None:
    (tmp_path / "mailer.py").write_text("def send(to):\n    print('to', to)\n", "utf-8")
    recording = tmp_path / "it.trace"
    told = run(tmp_path, PEOPLE, "--record", str(recording))
    ends = {process["name"]: process["exit"] for process in told["processes"]}
    assert ends == {"asker": 3, "spinner": -signal.SIGTERM, "mailer": 0}
    written = "".join(event.get("text", "") for event in map(json.loads, recording.read_text("utf-8").splitlines()))
    assert "you said hello\n" in written
    assert "to bob\n" in written


def test_a_killed_kernel_process_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "it.toml").write_text('[[process]]\nname = "spinner"\ncommand = ["sh", "-c", "while :; do :; done"]\n')
    command = [*THERE, "run", str(tmp_path / "it.toml"), "--sensor", "psutil"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        told = run.stdout
        assert told is not None
        until(lambda: "spinner" in told.readline(), "it runs")
        [kernel] = [os_pid for os_pid in procs.descendants(run.pid) if "loopback_server" in procs.command_line(os_pid)]
        os.kill(kernel, signal.SIGKILL)
        run.communicate(timeout=20)
        assert run.returncode == 1


@pytest.mark.thorough
def test_the_app_drives_them() -> None:
    with terminal("convoy", "--sensor", "psutil", command=THERE) as run:
        run.read_until(lambda: run.shows("video"), "they are born")
        run.press_until(" ", "PAUSED", "they stand still")
        run.press_until("p", "Scheduling policy", "what there is")
        run.press_until("rr\r", "rr  quantum", "another policy")
        run.press_until(".", "rr chooses", "a step of it")
        run.press_until(",", "PAST", "one decision back")
        run.press("q")
        assert run.wait() == 0
