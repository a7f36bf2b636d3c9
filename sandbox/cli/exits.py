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

#: Signals that are used internally, whose inherited disposition is reset.
_OURS = tuple(
    signal.Signals[name] for name in ("SIGCHLD", "SIGALRM", "SIGPROF", "SIGCONT", "SIGWINCH") if hasattr(signal, name)
)


class Interrupted(BaseException):
    """A signal has asked this process to end. ``status``: the exit status, 128 plus the signal's number."""

    def __init__(self, status: int) -> None:
        self.status = status


#: Signals within this time count as one: a shell and a terminal may both send one.
_MIN_AGAIN_S = 0.25


class Interruption:
    """A context in which signals that end a program raise Interrupted, while the process waits and in ``check``.

    Elsewhere the current work is finished first, so that no event is lost, but writes do not wait for slow readers any
    more. A second signal ends the process at once; the keeper cleans up. Signals that were ignored at the start stay
    ignored (``nohup``). The context may be entered several times.
    """

    def __init__(self) -> None:
        self._status: int | None = None
        #: When the first signal has come (time.monotonic).
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
        """Call ``select``. Raises Interrupted if a signal has come or comes meanwhile."""
        with self.while_waiting():
            select(*arguments)

    @contextmanager
    def while_waiting(self) -> Iterator[None]:
        """A context in which Interrupted may be raised at any point."""
        self._waiting = True
        try:
            self.check()
            yield
        finally:
            self._waiting = False

    def check(self) -> None:
        """Raise Interrupted if a signal has come since the last time."""
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
    """Flush the output and exit at once, without running threads, destructors and exit handlers of policies."""
    flush()
    os._exit(status)


def fresh_signals() -> None:
    """Reset the inherited signal mask, and the dispositions of signals that are used internally. Ignored requests to
    end stay ignored, because that may be intended."""
    if sys.platform != "win32" and hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in _OURS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
