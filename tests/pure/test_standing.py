"""Whose stop it is: ours is undone when a process gets a leaf to be frozen in, somebody else's holds."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

import pytest

from sandbox.machines.linux.blocking.sensors.wakeups import Wakeups
from sandbox.machines.linux.blocking.stop_signals import stop_signal
from sandbox.machines.linux.process import child as module
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS


class Stopped(Child):
    """One of ours that was stopped by a signal, which goes nowhere here; ``pending``: what it has not heard."""

    def __init__(self, pending: set[int], confirmed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "pending_signals", lambda _: pending)
        super().__init__(os.getpid(), ProcessSpec("me", command=["me"]), forked=False)
        self.sent: list[int] = []
        self.stop()
        if confirmed:
            self.stopping_ns = None

    def send(self, number: int) -> bool:
        if number:
            self.sent.append(number)
        return True


@pytest.mark.parametrize(
    ("pending", "confirmed", "sent_again"),
    [
        ({signal.SIGSTOP}, False, []),  # our own stop is still on its way
        ({signal.SIGSTOP}, True, [signal.SIGSTOP]),
        ({signal.SIGTSTP}, False, [signal.SIGTSTP]),
        (set(), True, []),
    ],
)
def test_our_own_stop_is_not_sent_again_when_it_gets_a_leaf(
    pending: set[int], confirmed: bool, sent_again: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Stopped(pending, confirmed, monkeypatch)
    try:
        leaf: Any = object()
        process.enter(leaf)
        assert process.sent == [signal.SIGSTOP, signal.SIGCONT, *sent_again]
    finally:
        process.close()


@contextmanager
def stopped(command: str, number: int = 0) -> Iterator[Child]:
    """A job that has stopped itself, or that we have stopped, of which its parent knows."""
    with subprocess.Popen(["sh", "-c", command], process_group=0, stdin=subprocess.PIPE) as job:
        child = Child(job.pid, ProcessSpec("job"), None, False)
        try:
            if number:
                while child.state()[0] != "S":
                    pass
                child.send(number)
            assert os.WIFSTOPPED(os.waitpid(job.pid, os.WUNTRACED)[1])
            yield child
        finally:
            child.close()
            job.kill()


@pytest.mark.parametrize(
    ("command", "sent", "expected", "found"),
    [
        ("kill -TSTP $$", 0, 0, signal.SIGTSTP),
        ("kill -TTIN $$", 0, signal.SIGTSTP, signal.SIGTTIN),
        ("read x", signal.SIGTSTP, signal.SIGTSTP, signal.SIGTSTP),
        ("read x", signal.SIGSTOP, 0, signal.SIGSTOP),
    ],
)
def test_what_has_stopped_a_job_is_known_after_its_shell_has_asked(
    command: str, sent: int, expected: int, found: int
) -> None:
    with stopped(command, sent) as child:
        child.stop_expected = expected
        assert stop_signal(child) == found
        assert stop_signal(child) == found, "it is remembered"


def test_who_is_frozen_and_stopped_by_another_process_has_no_turn() -> None:
    with stopped("kill -STOP $$") as child:
        child.leaf = Mock()
        child.hear_stops()
        assert child.held


def test_who_is_awake_for_a_moment_in_a_sleep_is_looked_at_again_soon() -> None:
    child: Any = Mock(mode=Mode.BLOCKED, wait_number=1, looked_later=-1, wait_cpu_ns=5)
    child.blocked_on.figures = {"for_ns": 1000 * MS}
    child.cpu_ns = lambda: 7
    wakeups = Wakeups(1, MS)
    wakeups.add(child, 0)
    for _ in range(3):
        wakeups.look_later(child, 20 * MS)
    assert wakeups.next_ns == 20 * MS
    assert wakeups.look(20 * MS, lambda _: True) == ([], [child])
