"""Signals interrupt where a command waits, and nowhere else."""

from __future__ import annotations

import os
import signal
import time

import pytest

from sandbox.cli.exits import Interrupted, Interruption

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", SIGNALS)
def test_what_is_begun_is_finished_first(number: int) -> None:
    interruption, done = Interruption(), []
    with interruption:
        os.kill(os.getpid(), number)
        done.append("all of it")
        with pytest.raises(Interrupted) as interrupted:
            interruption.check()
    assert done == ["all of it"]
    assert interrupted.value.status == 128 + number


def test_a_wait_is_left_at_once() -> None:
    interruption = Interruption()

    def wait() -> None:
        with interruption.while_waiting():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)

    with interruption, pytest.raises(Interrupted):
        wait()


def test_a_signal_that_came_before_keeps_from_waiting() -> None:
    interruption = Interruption()
    with interruption:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            interruption.select([], [], [], 60)
        interruption.select([], [], [], 0)  # it is told once
        os.kill(os.getpid(), signal.SIGINT)  # and clearing up is not interrupted
        interruption.check()


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interruption():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
