"""``-`` is standard input where a file is read, and standard output where one is written."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.scenario import find
from sandbox.trace.load import Recording
from sandbox.util import stdin
from tests.support.commands import CommandRunner
from tests.support.run import ossandbox as real_command
from tests.support.terminal import terminal

SCENARIO = b"""
[machine]
policy = "rr"

[[process]]
name = "a"
work = ["cpu 30ms", "io 10ms"]
count = 3
"""

Send = Callable[[bytes], None]


@pytest.fixture
def send(tmp_path: Path) -> Iterator[Send]:
    """Have this process find something on its standard input."""
    before = os.dup(0)

    def sent(data: bytes) -> None:
        (tmp_path / "sent").write_bytes(data)
        descriptor = os.open(tmp_path / "sent", os.O_RDONLY)
        os.dup2(descriptor, 0)
        os.close(descriptor)
        stdin._kept.cache_clear()

    yield sent
    os.dup2(before, 0)
    os.close(before)
    stdin._kept.cache_clear()


@pytest.fixture
def trace(ossandbox: CommandRunner, tmp_path: Path) -> Path:
    path = tmp_path / "it.trace"
    assert ossandbox("simulate", "convoy", "--quiet", "--record", str(path)).status == 0
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("simulate", "{}", "--json"),
        ("compare", "{}", "--policies", "rr,fcfs", "--csv"),
        ("sweep", "{}", "--policies", "rr,fcfs", "--jobs", "1"),
        ("check", "{}"),
    ],
    ids=lambda words: words[0],
)
def test_a_scenario_comes_that_way(
    ossandbox: CommandRunner, send: Send, tmp_path: Path, words: tuple[str, ...]
) -> None:
    file = tmp_path / "stdin.toml"
    file.write_bytes(SCENARIO)
    send(SCENARIO)
    there, here = (ossandbox(*(word.format(name) for word in words)) for name in (str(file), "-"))
    assert (here.status, here.out.replace(f"{file}", "-")) == (0, there.out.replace(f"{file}", "-"))


@pytest.mark.parametrize(
    "words",
    [
        ("export", "{}", "--to", "json"),
        ("export", "{}", "--to", "csv", "-o", "-"),
        ("whatif", "{}", "--policy", "fcfs"),
        ("plot", "{}", "--y", "queue"),
    ],
    ids=lambda words: words[0],
)
def test_a_recording_comes_that_way(ossandbox: CommandRunner, send: Send, trace: Path, words: tuple[str, ...]) -> None:
    send(trace.read_bytes())
    there, here = (ossandbox(*(word.format(name) for word in words)) for name in (str(trace), "-"))
    assert here.status == 0, here
    assert here == there


def test_a_recording_goes_that_way(trace: Path, tmp_path: Path) -> None:
    done = real_command("simulate", "convoy", "--quiet", "--record", "-")
    (tmp_path / "sent").write_text(done.stdout, "utf-8")
    got, kept = (Recording(str(path)) for path in (tmp_path / "sent", trace))
    assert [*got.events()] == [*kept.events()]
    assert "turnaround" in done.stderr


def test_rows_of_a_spreadsheet_are_drawn(ossandbox: CommandRunner, send: Send) -> None:
    table = ossandbox("compare", "convoy", "--policies", "rr:quantum=10ms,rr:quantum=20ms,rr:quantum=50ms", "--csv")
    send(table.out.encode())
    done = ossandbox("plot", "-", "--y", "response.mean")
    assert done.status == 0, done
    assert "response.mean by quantum (ms)" in done.out or "10ms" in done.out, done.out
    assert ossandbox("plot", "-", "--y", "nothing").status == 2


def test_a_policy_goes_that_way(ossandbox: CommandRunner) -> None:
    done = ossandbox("policies", "--new", "-")
    assert (done.status, "class Mine(Policy)" in done.out) == (0, True)


CONFLICTS = [
    (("check", "-", "-"), "twice"),
    (("sweep", "-", "-"), "twice"),
    (("simulate", "convoy", "--record", "-"), "--quiet"),
    (("simulate", "convoy", "--record", "-", "--json"), "--json"),
    (("sweep", "convoy", "-o", "-", "--resume"), "-o FILE"),
    (("sweep", "convoy", "-o", "-", "--force"), "-o FILE"),
    (("check", "convoy", "--junit", "-", "--json"), "--json"),
    (("lesson", "convoy", "--virtual", "--plain", "--record", "-"), "--plain"),
    (("labs", "mlfq", "--new", "-"), "no folder"),
]


@pytest.mark.parametrize(("words", "says"), CONFLICTS, ids=lambda value: " ".join(value) if value[1:] else "")
def test_what_cannot_be_is_said_in_a_line(
    ossandbox: CommandRunner, send: Send, words: tuple[str, ...], says: str
) -> None:
    send(SCENARIO)
    done = ossandbox(*words)
    assert (done.status, done.out) == (2, "")
    [line] = done.err.splitlines()
    assert says in line


def test_a_policy_is_checked_by_the_name_of_its_file(ossandbox: CommandRunner, send: Send) -> None:
    send(b"from sandbox.policies import Policy\n")
    done = ossandbox("check", "-")
    assert (done.status, done.out) == (2, "")
    assert "-: standard input is read as a scenario; name the file of a policy, for example mine.py" in done.err


def test_a_terminal_sends_no_file() -> None:
    ours, theirs = pty.openpty()
    try:
        done = real_command("check", "-", stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert "terminal" in line


def test_what_never_ends_is_refused_at_once() -> None:
    """A scenario has a size, and so has the patience for a recording."""
    read, write = os.pipe()
    with open(read, "rb") as endless:
        os.set_blocking(write, False)
        while True:  # as much as a pipe holds, and nobody closes it
            try:
                os.write(write, b"no recording at all\n" * 100)
            except BlockingIOError:
                break
        done = real_command("export", "-", "--to", "json", stdin=endless, timeout=20)
    os.close(write)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_the_name_is_no_scenario_of_ours() -> None:
    assert str(find("-")) == "-"


def test_a_recording_that_is_sent_leaves_the_keys_to_the_terminal(trace: Path) -> None:
    command = ["sh", "-c", f"cat {trace} | {sys.executable} -m sandbox replay -"]
    with terminal(command=command) as run:
        run.read_until(lambda: run.shows("REPLAY") or run.shows("convoy"), "it is on the screen")
        run.press("q")
        assert run.wait() == 0
