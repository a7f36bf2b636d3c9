"""Who does not read is waited for until we are in a hurry; who is refused something is told by which call."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from typing import NoReturn

import pytest

from sandbox.util import libc, output, signals
from sandbox.util.output import PatientFile, hurry
from sandbox.util.refusals import explained, refused_call
from tests.support.systems import unix


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> tuple[int, PatientFile]:
    monkeypatch.setattr(output._Hurry, "until_s", None)
    monkeypatch.setattr(output, "_MAX_LATE_S", 0.1)
    reading, writing = os.pipe()
    return reading, PatientFile(writing)


def test_in_a_hurry_what_nobody_reads_is_dropped(pipe: tuple[int, PatientFile]) -> None:
    reading, file = pipe
    assert file.write(b"x" * 100) == 100
    hurry()
    began_s, dropped = time.monotonic(), 0
    while time.monotonic() - began_s < 0.3:
        dropped += file.write(b"y" * 10_000)
    assert dropped > 1 << 17, "far more than a pipe holds"
    assert os.read(reading, 100) == b"x" * 100
    os.close(reading)
    os.close(file.fileno())


def test_what_is_taken_at_once_is_written_even_when_it_is_late(
    pipe: tuple[int, PatientFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, file = pipe
    monkeypatch.setattr(output._Hurry, "until_s", 0.0)
    assert file.write(b"so far") == 6
    assert os.read(reading, 100) == b"so far"


def test_a_reader_who_is_gone_is_no_full_pipe(pipe: tuple[int, PatientFile]) -> None:
    reading, file = pipe
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        file.write(b"x")
    os.close(file.fileno())


def test_the_call_that_was_refused() -> None:
    with pytest.raises(OSError) as refusal:
        os.kill(1 << 22, 0)
    assert refused_call(refusal.value) == "kill"
    with pytest.raises(OSError) as refusal:
        libc.prctl(-1, 0)
    assert refused_call(refusal.value) == "prctl"
    assert explained(OSError(errno.ENOSPC, "no space")) == "no space"


@unix
def test_who_was_told_to_ignore_a_signal_goes_on_to() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in signals.chosen()
        assert signal.SIGTERM in signals.chosen()
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(sys.platform != "linux", reason="commands are isolated on Linux alone")
def test_a_command_runs_where_no_process_is_left_to_isolate_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from sandbox.cli.isolate import isolated

    def refuse() -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    descriptors = os.listdir("/proc/self/fd")
    assert isolated(lambda last_words: last_words + 5) == 7
    assert os.listdir("/proc/self/fd") == descriptors


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device")
def test_messages_that_cannot_be_written_are_dropped_and_results_are_not() -> None:
    with open("/dev/full", "wb", buffering=0) as full:
        assert PatientFile(full.fileno(), aside=True).write(b"x" * 9) == 9
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            PatientFile(full.fileno()).write(b"x")
