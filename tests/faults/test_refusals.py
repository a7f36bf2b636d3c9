"""The first birth fails, or has to do without something: the call is named, and ``doctor`` says the same."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import forbid
from tests.support.files import write_scenario
from tests.support.run import OSSANDBOX, ROOT

pytestmark = [
    pytest.mark.real,
    pytest.mark.patient,
    pytest.mark.usefixtures("leftcheck"),
    pytest.mark.skipif(not forbid.CAN, reason="the filter is written for x86-64"),
]

_TWO = 'title = "two"\n[[process]]\nname = "p"\nwork = ["cpu 5ms"]\ncount = 2\n'
#: What cannot be done without, and what can, by the rule that tells of it.
_NEEDED = ["setsid", "prctl", "waitid", "signalfd4", "epoll_create1", "pidfd_send_signal", "pidfd_open"]
_WISHES = {
    "setpriority": "keeps our priority",
    "sched_setscheduler": "not a batch task",
    "sched_setaffinity": "not pinned",
}


def without(call: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command to which this call is forbidden."""
    command = [sys.executable, "-m", "tests.support.forbid", call, *OSSANDBOX, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=40)


def scheduling(done: subprocess.CompletedProcess[str]) -> str:
    """What the doctor found of it."""
    return next(str(finding["state"]) for finding in json.loads(done.stdout) if finding["name"] == "scheduling")


@pytest.mark.parametrize("call", _NEEDED)
def test_f60_what_cannot_be_done_without(tmp_path: Path, call: str) -> None:
    done = without(call, "run", write_scenario(tmp_path, _TWO), "--quiet")
    assert done.returncode == 1
    name = {"signalfd4": "signal_fd", "epoll_create1": "epoll"}.get(call, call)
    assert f"{name}: Operation not permitted" in done.stderr
    assert scheduling(without(call, "doctor", "--json")) == "fails"


@pytest.mark.parametrize("call", _WISHES)
def test_f60_what_can_be_done_without(tmp_path: Path, call: str) -> None:
    done = without(call, "run", write_scenario(tmp_path, _TWO), "--json")
    document = json.loads(done.stdout)
    assert [process["exit"] for process in document["processes"]] == [0, 0]
    assert _WISHES[call] in {fault["rule"] for fault in document["faults"]}
    assert done.returncode == 0
    found = json.loads(without(call, "doctor", "--json").stdout)
    assert any(call in finding["found"] for finding in found if finding["name"] == "done without")


@pytest.mark.parametrize("limit", [26, 32])
def test_f60_too_few_descriptors(tmp_path: Path, limit: int) -> None:
    path = write_scenario(tmp_path, _TWO)
    line = f"ulimit -n {limit}; exec {shlex.join([*OSSANDBOX, 'run', path, '--quiet'])}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, cwd=ROOT, timeout=40)
    assert done.returncode == 1
    assert "p-1 could not be started: Too many open files" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_f60_no_pseudo_terminals(tmp_path: Path) -> None:
    path = write_scenario(tmp_path, _TWO)
    line = f"mount -t tmpfs none /dev/pts && exec {shlex.join([*OSSANDBOX, 'run', path, '--quiet'])}"
    words = ["unshare", "--mount", "sh", "-c", line]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, timeout=40)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 1
    assert "could not be started: openpty: " in done.stderr
