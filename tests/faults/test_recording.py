"""A crash or a full disk while recording: the run goes on and says so, and every whole line can be read."""

from __future__ import annotations

import resource
import signal
import subprocess
from pathlib import Path

import pytest

from sandbox.model.events import AnyEvent, Booted, Halted
from sandbox.trace.load import Recording
from tests.support.files import BUSY
from tests.support.run import OSSANDBOX, OWN_MOUNTS, ossandbox, until
from tests.support.views import log_of

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leftcheck")]

SHORT = """
[machine]
quantum = "1ms"
[[process]]
name = "a"
work = ["cpu 60ms"]
count = 3
"""
#: A file system of its own, too small for the recording; the file is shown once the run is over.
TINY = 'mount -t tmpfs -o size=16k none "$1" && cd "$1" && shift && "$@"; status=$?; cat "$OLDPWD/tiny/it" >&3; exit $status'


def events_of(path: Path) -> list[AnyEvent]:
    """They can all have happened, or folding them would raise."""
    events = [*Recording(str(path)).events()]
    log_of(events)
    return events


@pytest.fixture
def short(tmp_path: Path) -> str:
    path = tmp_path / "short.toml"
    path.write_text(SHORT)
    return str(path)


def test_f44_a_device_that_is_full(short: str) -> None:
    done = ossandbox("run", short, "--record", "/dev/full", "--quiet")
    assert done.returncode == 0
    assert "the recording /dev/full ends here: No space left on device; the run goes on" in done.stderr
    assert done.stderr.count("recording") == 1, "it is told once"
    assert "makespan" in done.stdout


def test_f44_a_file_that_may_not_grow(short: str, tmp_path: Path) -> None:
    path = tmp_path / "it"
    most = 6_000
    done = ossandbox(
        "run", short, "--record", str(path), "--quiet",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )  # fmt: skip
    assert done.returncode == 0
    assert "File too large; the run goes on" in done.stderr
    data = path.read_bytes()
    assert len(data) <= most
    assert data.endswith(b"\n"), "no line was cut in two"
    assert len(events_of(path)) == data.count(b"\n") - 1


def test_f44_a_small_disk(short: str, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    kept = tmp_path / "kept"
    if subprocess.run([*OWN_MOUNTS, "mount", "-t", "tmpfs", "none", str(tmp_path)], check=False).returncode:
        pytest.skip("this system lets us mount nothing")
    command = [*OSSANDBOX, "simulate", short, "--record", "it", "--quiet"]
    with kept.open("wb") as file:
        done = subprocess.run(
            ["sh", "-c", f'exec 3>&1; exec {" ".join(OWN_MOUNTS)} sh -c "$0" sh "$@" >&2', TINY, "tiny", *command],
            cwd=tmp_path, stdout=file, stderr=subprocess.PIPE, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "No space left on device; the run goes on" in done.stderr
    assert kept.read_bytes().endswith(b"\n")
    assert len(events_of(kept)) > 10


def test_f44_the_writer_is_killed(tmp_path: Path) -> None:
    scenario, path = tmp_path / "busy.toml", tmp_path / "it"
    scenario.write_text(BUSY)
    run = subprocess.Popen([*OSSANDBOX, "run", str(scenario), "--record", str(path), "--quiet"])
    try:
        until(lambda: path.exists() and path.read_bytes().count(b"\n") > 150, "something is recorded")
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait(10)
    events = events_of(path)
    assert len(events) >= path.read_bytes().count(b"\n") - 1
    assert isinstance(events[0], Booted)
    assert not isinstance(events[-1], Halted)


def test_f44_what_was_recorded_is_what_happened(short: str, tmp_path: Path) -> None:
    path = tmp_path / "it"
    assert ossandbox("run", short, "--record", str(path), "--quiet").returncode == 0
    recording = Recording(str(path))
    events = [*recording.events()]
    assert recording.problems == []
    assert isinstance(events[-1], Halted)
    assert recording.header.text == SHORT
