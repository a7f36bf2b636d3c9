"""How a command ends: its exit status, and signals that ask it to end.

Those take effect where the command waits, so that nothing is left half done.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from select import select
from types import FrameType
from typing import Any

from sandbox.util.signals import ENDING

DONE = 0
FAILED = 1
BAD_INPUT = 2
HUNG_UP = 129
INTERRUPTED = 130


class Interrupted(BaseException):
    """A signal asks us to end; ``status`` is the exit status that tells which."""

    def __init__(self, status: int) -> None:
        self.status = status


class Interruption:
    """While it is entered, signals that ask a program to end raise Interrupted: where we wait for others, and where we
    ask for it. Everywhere else what was begun is finished first, so that no event is lost. It may be entered
    more than once."""

    def __init__(self) -> None:
        self._status: int | None = None
        self._waiting = False
        self._before: dict[int, Any] = {}
        self._entered = 0

    def __enter__(self) -> None:
        self._entered += 1
        if self._entered == 1:
            self._before = {number: signal.signal(number, self._handle) for number in ENDING}

    def __exit__(self, *_: object) -> None:
        self._entered -= 1
        for number, handler in self._before.items():
            signal.signal(number, self._handle if self._entered else handler)

    def select(self, *arguments: Any) -> None:
        """``select``, unless a signal has come or comes."""
        with self.while_waiting():
            select(*arguments)

    @contextmanager
    def while_waiting(self) -> Iterator[None]:
        """Code in here may be interrupted at any point."""
        self._waiting = True
        try:
            self.check()
            yield
        finally:
            self._waiting = False

    def check(self) -> None:
        """Raise Interrupted, once, if a signal has come."""
        if self._status is not None:
            status, self._status = self._status, None
            raise Interrupted(status)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        ignore_signals()
        self._status = 128 + number
        if self._waiting:
            self.check()


def ignore_signals() -> None:
    """From now on nothing interrupts us: we are clearing up."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
