"""A time limit for foreign code, enforced by SIGALRM.

Python code is interrupted by an exception. C code cannot be interrupted; the process may then be ended with a dump of
its stack.
"""

from __future__ import annotations

import atexit
import faulthandler
import signal
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from threading import get_ident
from time import thread_time
from types import FrameType
from typing import Any

#: How long the body of ``with ALARM:`` may take, and how often that is checked.
_LIMIT_S = 0.5
_TICK_S = 0.1
#: CPU time in which no Python code is executed, after which a process counts as hanging.
HANG_S: float | None = 2.0

#: ``with limit: …`` raises Timeout inside its body when that takes too long.
TimeLimit = AbstractContextManager[Any]
NO_LIMIT: TimeLimit = nullcontext()


class Timeout(BaseException):
    """Raised inside code that takes too long. A BaseException, so that ``except Exception`` does not swallow it."""


class Alarm:
    """A context manager that raises Timeout in its body (``with ALARM: …``) if that takes too long, and again at every
    tick if the body swallows it. It works only in the main thread and on systems with SIGALRM; else it has no effect.

    Entering costs no system call: the timer ticks (SIGALRM) while the alarm is in use and stops soon after. A stopped
    process or one that gets no CPU does not time out, as only delivered ticks and CPU time count.

    C code is not interrupted before it returns. If it takes more than ``hang_s`` seconds of CPU time, or if every
    Timeout is swallowed for that long, SIGPROF writes the stack to the descriptor ``last_words`` and ends the process,
    because nothing else can. With ``hang_s`` None the process is never ended.
    """

    def __init__(self, hang_s: float | None = None, last_words: int = 2) -> None:
        self._hang_s, self._last_words = hang_s, last_words
        self._limit_s = _LIMIT_S
        self._left_s = self._cpu_s = 0.0
        self._depth = 0
        self._ticking = self._used = False
        self._thread = 0
        self._before: object = None
        self._timer = (0.0, 0.0)

    def end_hanging_process(self, last_words: int = 2) -> None:
        """End this process from now on if it hangs. Call this once, before the alarm is used."""
        self._hang_s, self._last_words = HANG_S, last_words

    def begin_anew(self) -> None:
        """Reset the alarm in a forked process, which does not inherit the timers of its parent."""
        self._ticking, self._depth = False, 0

    def be_patient(self, limit_s: float) -> None:
        """Set another time limit in seconds, for runs without a user waiting at a screen."""
        self._limit_s = limit_s

    def __enter__(self) -> None:
        if not self._ticking or get_ident() != self._thread:
            if sys.platform == "win32":
                return
            if get_ident() != threading.main_thread().ident:
                return
            self._thread = get_ident()
        if not self._depth:
            self._left_s = self._limit_s
        self._depth += 1
        self._used = True
        if not self._ticking and sys.platform != "win32":
            self._start()

    def __exit__(self, *exception: object) -> None:
        if self._depth:
            self._depth -= 1

    if sys.platform != "win32":

        def _start(self) -> None:
            self._ticking = True
            self._cpu_s = thread_time()
            atexit.register(self._stop)  # a tick during the interpreter's finalization would kill it
            if self._hang_s is not None:
                faulthandler.register(signal.SIGPROF, file=self._last_words, all_threads=False, chain=True)
                signal.setitimer(signal.ITIMER_PROF, self._hang_s)
            self._before = signal.signal(signal.SIGALRM, self._tick)
            self._timer = signal.setitimer(signal.ITIMER_REAL, _TICK_S, _TICK_S)

        def _stop(self) -> None:
            """Restore the signal handler and the timer that were set before."""
            atexit.unregister(self._stop)
            signal.setitimer(signal.ITIMER_REAL, *self._timer)
            if callable(self._before) or isinstance(self._before, int):
                signal.signal(signal.SIGALRM, self._before)
            if self._hang_s is not None:
                signal.setitimer(signal.ITIMER_PROF, 0)
                faulthandler.unregister(signal.SIGPROF)
            self._ticking = False

        def _tick(self, number: int, frame: FrameType | None) -> None:
            if self._hang_s is not None:
                signal.setitimer(signal.ITIMER_PROF, self._hang_s)  # Python code is running
            before_s, self._cpu_s = self._cpu_s, thread_time()
            if self._depth:
                self._left_s -= max(self._cpu_s - before_s, _TICK_S)  # ticks during C code are merged into one
                if self._left_s < 0 and (frame is None or frame.f_code not in _DOORS):
                    if self._hang_s is not None and self._left_s < -self._hang_s:
                        signal.raise_signal(signal.SIGPROF)
                    raise Timeout("takes too long")
            elif not self._used:
                self._stop()
            self._used = False


#: Functions that must not be interrupted, because an exception in them would corrupt the depth.
_DOORS = (Alarm.__enter__.__code__, Alarm.__exit__.__code__)

#: The only alarm of the process, as a process has only one real-time timer.
ALARM = Alarm()
