"""Whose stop it is: ours is undone when a process gets a leaf to be frozen in, somebody else's holds."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from sandbox.machines.linux.process import child as module
from sandbox.machines.linux.process.child import Child
from sandbox.model.spec import ProcessSpec


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
