"""An alarm clock that interrupts what takes too long, wherever the interpreter is in it; where it cannot, the process
says where it is and ends."""

from __future__ import annotations

import atexit
import faulthandler
import signal
import threading
from contextlib import AbstractContextManager, nullcontext
from time import thread_time
from types import FrameType
from typing import Any

_PATIENCE_S = 0.5
_TICK_S = 0.1
#: So much longer may a process be deaf to the alarm, in CPU time where nothing of Python is executed.
DEAF_S = 2.0


#: ``with alarm: …`` raises Overdue in the midst of its body when that takes too long.
Alarm = AbstractContextManager[Any]
ALL_THE_TIME: Alarm = nullcontext()


class Overdue(BaseException):
    """Raised in the midst of whatever takes too long. No ``except Exception`` may swallow it."""


class AlarmClock:
    """``with CLOCK: …`` raises Overdue in the body when that takes too long, and again with every tick if the body
    swallows it. In the main thread only; elsewhere it never rings.

    To enter costs no system call: the clock ticks (SIGALRM) while it is in use, and stops soon after. A process that
    is stopped, or gets no CPU, is not late: what counts is ticks that arrive, and CPU time.

    Code written in C is not interrupted before it returns. If that takes longer than ``deaf_s``, or if every Overdue is
    swallowed for so long, SIGPROF writes the stack to ``last_words`` and ends the process: nothing else can. None: it
    does not, because the process has more to lose than this.
    """

    def __init__(self, deaf_s: float | None = None) -> None:
        self.deaf_s = deaf_s
        #: A file descriptor: standard error, unless somebody else speaks for us.
        self.last_words = 2
        self._left_s = self._cpu_s = 0.0
        self._depth = 0
        self._ticking = self._used = False
        self._before: object = None
        self._timer = (0.0, 0.0)

    def __enter__(self) -> None:
        if threading.get_ident() != threading.main_thread().ident:
            return
        if not self._depth:
            self._left_s = _PATIENCE_S
        self._depth += 1
        self._used = True
        if not self._ticking:
            self._start()

    def __exit__(self, *exception: object) -> None:
        if self._depth:
            self._depth -= 1

    def _start(self) -> None:
        self._ticking = True
        self._cpu_s = thread_time()
        atexit.register(self._stop)  # an interpreter that is going down would be killed by the next tick
        if self.deaf_s is not None:
            faulthandler.register(signal.SIGPROF, file=self.last_words, all_threads=False, chain=True)
            signal.setitimer(signal.ITIMER_PROF, self.deaf_s)
        self._before = signal.signal(signal.SIGALRM, self._tick)
        self._timer = signal.setitimer(signal.ITIMER_REAL, _TICK_S, _TICK_S)

    def _stop(self) -> None:
        """Whoever had the timer before has it again."""
        atexit.unregister(self._stop)
        signal.setitimer(signal.ITIMER_REAL, *self._timer)
        if callable(self._before) or isinstance(self._before, int):
            signal.signal(signal.SIGALRM, self._before)
        if self.deaf_s is not None:
            signal.setitimer(signal.ITIMER_PROF, 0)
            faulthandler.unregister(signal.SIGPROF)
        self._ticking = False

    def _tick(self, number: int, frame: FrameType | None) -> None:
        if self.deaf_s is not None:
            signal.setitimer(signal.ITIMER_PROF, self.deaf_s)  # Python is executed
        before_s, self._cpu_s = self._cpu_s, thread_time()
        if self._depth:
            self._left_s -= max(self._cpu_s - before_s, _TICK_S)  # ticks that came while C did not return are one
            if self._left_s < 0 and (frame is None or frame.f_code not in _DOORS):
                if self.deaf_s is not None and self._left_s < -self.deaf_s:
                    signal.raise_signal(signal.SIGPROF)
                raise Overdue("takes too long")
        elif not self._used:
            self._stop()
        self._used = False


#: Whoever is in one of these is just going in, or just in time; a ring there would upset the count.
_DOORS = (AlarmClock.__enter__.__code__, AlarmClock.__exit__.__code__)

#: A process has one timer, so it has one clock.
CLOCK = AlarmClock()
