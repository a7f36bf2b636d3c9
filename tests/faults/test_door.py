"""At the door: what a command inherits, and that whoever wants it to end is not kept waiting."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import procs
from tests.support.files import BUSY, write_scenario
from tests.support.leaks import LeftCheck
from tests.support.run import OSSANDBOX, ROOT, until

pytestmark = [pytest.mark.real, pytest.mark.patient, pytest.mark.usefixtures("leftcheck")]

_TWO = """
title = "two"
[[process]]
name = "a"
work = ["cpu 20ms", "io 5ms", "cpu 5ms"]
[[process]]
name = "b"
command = ["sh", "-c", "true; exit 3"]
"""
_TWO_SYNTHETIC = _TWO.replace('command = ["sh", "-c", "true; exit 3"]', 'work = ["cpu 10ms"]')
_CHATTY = BUSY + '[[process]]\nname = "chat"\ncommand = ["sh", "-c", "while :; do echo 0123456789; done"]\n'
#: It does not end before it is killed, when the grace is over.
_STUBBORN = _CHATTY + '[[process]]\nname = "stays"\ncommand = ["sh", "-c", "trap \'\' TERM HUP; while :; do :; done"]\n'


def inherits(before: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, started by a shell that has done this before."""
    line = f"{before}; exec {shlex.join([*OSSANDBOX, *words])}"
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, cwd=ROOT, timeout=40, preexec_fn=_unblock
    )


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


@pytest.mark.parametrize("ignored", ["CHLD", "ALRM PROF", "CONT WINCH USR1 USR2 TSTP TTIN TTOU QUIT", "HUP INT"])
@pytest.mark.parametrize("command", ["simulate", "run", "check"])
def test_f54_signals_that_were_ignored(tmp_path: Path, ignored: str, command: str) -> None:
    path = write_scenario(tmp_path, _TWO if command == "run" else _TWO_SYNTHETIC)
    done = inherits(f"trap '' {ignored}", command, path, *(["--json"] if command != "check" else []))
    assert done.returncode == 0, done.stderr
    if command != "check":
        exits = [process["exit"] for process in json.loads(done.stdout)["processes"]]
        assert exits == [0, 3 if command == "run" else 0]


_BLOCKED = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, set(range(1, 32)))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("command", ["simulate", "run"])
def test_f54_signals_that_were_blocked(tmp_path: Path, command: str) -> None:
    path = write_scenario(tmp_path, _TWO_SYNTHETIC)
    words = [OSSANDBOX[0], "-c", _BLOCKED, *OSSANDBOX, command, path, "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, timeout=40)
    assert done.returncode == 0, done.stderr


def test_f54_a_hang_up_that_is_ignored_stays_so(tmp_path: Path) -> None:
    path = write_scenario(tmp_path, BUSY)
    words = ["nohup", *OSSANDBOX, "run", path, "--quiet"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as command:
        until(lambda: len(procs.descendants(command.pid)) >= 2 + 4, "it runs")
        command.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert command.poll() is None
        command.send_signal(signal.SIGTERM)
        assert command.wait(10) == 128 + signal.SIGTERM


@contextmanager
def unread(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command, which writes into pipes that nobody reads."""
    with subprocess.Popen([*OSSANDBOX, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as command:
        try:
            yield command
        finally:
            command.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_f55_standard_output_is_a_full_pipe(tmp_path: Path, leftcheck: LeftCheck, number: signal.Signals) -> None:
    with unread("run", write_scenario(tmp_path, _CHATTY)) as command:
        until(lambda: len(procs.descendants(command.pid)) >= 2 + 4, "it runs")
        time.sleep(1.5)
        command.send_signal(number)
        assert command.wait(8) == 128 + number
    assert not leftcheck.marked()


def test_f55_a_second_signal_always_ends(tmp_path: Path, leftcheck: LeftCheck) -> None:
    with unread("run", write_scenario(tmp_path, _STUBBORN)) as command:
        kernel = until(
            lambda: [child for keeper in procs.children(command.pid) for child in procs.children(keeper)], "it runs"
        )[0]
        time.sleep(1)
        os.kill(kernel, signal.SIGSTOP)
        command.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        command.send_signal(signal.SIGTERM)
        assert command.wait(1.2) == 128 + signal.SIGTERM, "the grace would take longer"
    until(lambda: not leftcheck.marked(), "the keeper has cleared up", 5)


def test_f55_nothing_of_a_slow_readers_result_is_lost(tmp_path: Path) -> None:
    path = write_scenario(tmp_path, _TWO_SYNTHETIC.replace('work = ["cpu 10ms"]', 'work = ["cpu 400ms"]'))
    words = [*OSSANDBOX, "simulate", path, "--json", "--quantum", "100us"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT) as command:
        time.sleep(2.5)
        assert command.stdout is not None
        assert len(json.loads(command.stdout.read())["slices"]) > 1_000
    assert command.returncode == 0


def test_f63_births_that_failed_are_in_the_result(tmp_path: Path) -> None:
    text = 'title = "many"\n[[process]]\nname = "p"\nwork = ["cpu 1ms"]\ncount = 60\n'
    done = inherits("ulimit -n 90", "run", write_scenario(tmp_path, text), "--json")
    document = json.loads(done.stdout)
    born = len(document["processes"])
    assert 0 < born < 60
    assert len(document["faults"]) == 60 - born
    assert {fault["rule"] for fault in document["faults"]} == {"could not be started"}
    assert "could not be started" in document["faults"][0]["text"]
    assert done.returncode == 1


#: What is scarce, as a shell makes it so; the exit status that follows, and what says why.
_SCARCE = {
    "standard output": ("exec >/dev/full", 1, "No space left on device"),
    "both streams": ("exec >/dev/full 2>/dev/full", 1, ""),
    "standard error": ("exec 2>/dev/full", 0, ""),
    "descriptors": ("ulimit -n 7", 1, "Too many open files"),
    "temporary files": ("export TMPDIR=/proc", 0, ""),
    "length of files": ("ulimit -f 0", 0, ""),
    "a home": ("unset HOME XDG_STATE_HOME XDG_CONFIG_HOME", 0, ""),
    "an environment": ("for name in $(compgen -e); do unset $name; done", 0, ""),
}


@pytest.mark.parametrize(("before", "status", "says"), _SCARCE.values(), ids=_SCARCE)
def test_f60_what_is_scarce_is_done_without_or_told(tmp_path: Path, before: str, status: int, says: str) -> None:
    path = write_scenario(tmp_path, _TWO_SYNTHETIC)
    done = inherits(before, "compare", path, "--policies", "rr,fcfs")
    assert "Traceback" not in done.stderr
    assert done.returncode == status, done.stderr
    assert says in done.stderr
