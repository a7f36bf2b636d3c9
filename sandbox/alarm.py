"""An alarm clock that interrupts what takes too long, wherever the interpreter is in it."""

from __future__ import annotations

import signal
from types import FrameType

from sandbox.policies.failures import Overdue

_PATIENCE_S = 0.5
#: Whoever swallows the first alarm gets another one.
_AGAIN_S = 0.1


class AlarmClock:
    """``with clock: …`` raises Overdue in the body when that takes too long. For the main thread only: the system's
    timer and SIGALRM are taken when it is first used."""

    def __init__(self, patience_s: float = _PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._armed = self._installed = False

    def __enter__(self) -> None:
        if not self._installed:
            self._installed = True
            signal.signal(signal.SIGALRM, self._ring)
        self._armed = True
        signal.setitimer(signal.ITIMER_REAL, self._patience_s, _AGAIN_S)

    def __exit__(self, *exception: object) -> None:
        self._armed = False  # before the timer: it may ring in between
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        inside = frame is None or frame.f_code is not AlarmClock.__exit__.__code__  # else it is just in time
        if self._armed and inside:
            raise Overdue("takes too long")
