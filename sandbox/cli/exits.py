"""How a command ends: its exit status, and signals that ask it to end.

Those take effect where the command waits, so that nothing is left half done.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from select import select
from types import FrameType
from typing import Any, NoReturn

from sandbox.render.output import flush
from sandbox.util.output import hurry
from sandbox.util.signals import chosen

DONE = 0
FAILED = 1
BAD_INPUT = 2
HUNG_UP = 129
INTERRUPTED = 130

#: Signals that we use ourselves, for what nobody can have chosen to ignore.
_OURS = tuple(
    signal.Signals[name] for name in ("SIGCHLD", "SIGALRM", "SIGPROF", "SIGCONT", "SIGWINCH") if hasattr(signal, name)
)


class Interrupted(BaseException):
    """A signal asks us to end; ``status`` is the exit status that tells which."""

    def __init__(self, status: int) -> None:
        self.status = status


#: Who signals several times at once (a shell and a terminal, a key that bounces) has asked once.
_MIN_AGAIN_S = 0.25


class Interruption:
    """While it is entered, signals that ask a program to end raise Interrupted: where we wait for others, and where we
    ask for it. Everywhere else what was begun is finished first, so that no event is lost, but nobody is waited for who
    does not read. Whoever asks again is not kept waiting: the process ends at once, and the keeper clears up. Signals
    that were ignored when we began stay so: somebody chose that (``nohup``). It may be entered more than once."""

    def __init__(self) -> None:
        self._status: int | None = None
        #: When (monotonic) we were asked to end.
        self._asked_s: float | None = None
        self._waiting = False
        self._before: dict[int, Any] = {}
        self._entered = 0

    def __enter__(self) -> None:
        self._entered += 1
        if self._entered == 1:
            self._before = {number: signal.signal(number, self._handle) for number in chosen()}

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
        now_s = time.monotonic()
        if self._asked_s is None:
            self._asked_s, self._status = now_s, 128 + number
            hurry()
            if self._waiting:
                self.check()
        elif now_s - self._asked_s > _MIN_AGAIN_S:
            os._exit(128 + number)


def leave(status: int) -> NoReturn:
    """End this process at once, with all that was printed: no thread, destructor or exit handler of somebody's policy
    decides when."""
    flush()
    os._exit(status)


def fresh_signals() -> None:
    """What we inherited is as we need it: children tell of their ends, nothing is blocked. What somebody may have
    chosen, which is to ignore a request to end, stays."""
    if sys.platform != "win32" and hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in _OURS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
