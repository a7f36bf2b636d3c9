"""The proof of the slices at the command line: ``run --verify`` and ``doctor --measure``; shapes and sentences, for what
the figures are is this machine's affair."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.machines.linux import perf_events as perf
from tests.support.real import SENSORS
from tests.support.run import OWN_MOUNTS, ossandbox

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

WORLD = """
[machine]
quantum = "5ms"
[[process]]
name = "hog"
work = ["cpu 60ms"]
count = 2
[[process]]
name = "io"
work = ["cpu 1ms", "io 8ms"]
repeat = 5
"""
SPREAD = {"count", "p50", "p99", "max"}
VERIFIED = {"slice_error", "dispatch_gap", "block_to_dispatch", "accounting_error"}


@pytest.fixture
def world(tmp_path: Path) -> str:
    path = tmp_path / "short.toml"
    path.write_text(WORLD)
    return str(path)


def without(number: int) -> Callable[[], None]:
    """To be called before a program starts: the system refuses it a system call, as containers do."""
    libc = ctypes.CDLL(None)
    load, if_equal, answer = 0x20, 0x15, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | errno.EPERM
    steps = [(load, 0, 0, 0), (if_equal, 0, 1, number), (answer, 0, 0, refuse), (answer, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))

    def confine() -> None:
        no_new_privs, seccomp, by_filter = 38, 22, 2
        program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
        arguments = [(no_new_privs, 1, None), (seccomp, by_filter, program)]
        for option, value, pointer in arguments:
            if libc.prctl(option, ctypes.c_ulong(value), ctypes.c_char_p(pointer), None, None):
                os._exit(77)

    return confine


def rising(spread: dict[str, Any]) -> bool:
    """Whether it is a distribution, of something."""
    return set(spread) == SPREAD and spread["count"] > 0 and spread["p50"] <= spread["p99"] <= spread["max"]


@pytest.mark.skipif("perf" not in SENSORS, reason="no records are kept for us here")
def test_verify_holds_every_slice_against_the_records(world: str) -> None:
    done = ossandbox("run", world, "--verify", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    figures = document["verification"]
    assert set(figures) == VERIFIED | {"undispatched_ns", "undispatched_recorded_ns"}
    assert all(rising(figures[key]) for key in VERIFIED), figures
    assert figures["accounting_error"]["count"] == 3, "one a process"
    assert figures["slice_error"]["count"] <= len([e for e in document["slices"] if e["reason"] == "expired"])
    assert figures["block_to_dispatch"]["count"] <= 5
    printed = ossandbox("run", world, "--verify", "--quiet")
    assert printed.returncode == 0
    assert "compared with the system's records of every switch:" in printed.stdout
    assert "ran without being dispatched:" in printed.stdout.splitlines()[-1]


@pytest.mark.skipif(perf._NUMBER is None, reason="no such system call on this machine")
def test_f45_verify_without_records_says_why_there_is_nothing_to_verify(world: str) -> None:
    assert perf._NUMBER is not None
    done = ossandbox("run", world, "--verify", "--json", preexec_fn=without(perf._NUMBER))
    assert done.returncode == 0, done.stderr
    assert done.stderr == "ossandbox: the slices cannot be verified here: Operation not permitted\n"
    document = json.loads(done.stdout)
    assert "verification" not in document
    assert document["machine"]["sensor"] != "perf"
    assert all(process["exit"] == 0 for process in document["processes"])


def test_f45_without_proc_it_says_at_start_what_is_missing(world: str) -> None:
    hide = ["mount", "-t", "tmpfs", "none", "/proc"]
    if subprocess.run([*OWN_MOUNTS, *hide], check=False).returncode:
        pytest.skip("this system lets us mount nothing")
    for words, answer in ((["run", world], 2), (["doctor"], 1)):
        command = [sys.executable, "-m", "sandbox", *words]
        bare = [*OWN_MOUNTS, "sh", "-c", f'{" ".join(hide)} && exec "$@"', "sh", *command]
        done = subprocess.run(bare, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == answer
        assert "mount -t proc proc /proc" in done.stdout + done.stderr


def test_measure_tells_what_this_machine_does() -> None:
    done = ossandbox("doctor", "--measure", "--for", "1s", "--json")
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert [figures["quantum_ns"] for figures in measured["quanta"]] == [1_000_000, 5_000_000, 20_000_000]
    for figures in measured["quanta"]:
        assert set(figures) == {"quantum_ns", "delivered", "slice_error_ns", "dispatch_gap_ns", "engine_cpu"}
        assert 0 < figures["delivered"] <= 1.01
        assert rising(figures["slice_error_ns"])
        assert figures["dispatch_gap_ns"] is None or rising(figures["dispatch_gap_ns"])
    assert [figures["sensor"] for figures in measured["sensors"]] == SENSORS
    assert set(measured["against_linux"]) == {"makespan_ns", "linux_makespan_ns", "ratio"}


def test_only_a_measurement_takes_long() -> None:
    done = ossandbox("doctor", "--for", "3s")
    assert (done.returncode, done.stderr) == (2, "options: --for: means nothing without --measure\n")
    done = ossandbox("doctor", "--measure", "--for", "3")
    assert done.returncode == 2
    assert "--for: '3' has no unit" in done.stderr
