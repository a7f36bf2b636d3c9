"""The app's handling of signals: to exit, after a hang-up, to stop, and to go on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from textual.app import App

from sandbox.tui.served import is_served
from sandbox.util.full_screen import leave_screen
from sandbox.util.signals import ENDING, chosen

if TYPE_CHECKING:
    if sys.platform == "win32":
        ScreenGuard = Any
    else:
        from sandbox.tui.screen_guard import ScreenGuard

#: Signals within this time (seconds) count as one, as a shell and a terminal may both send one, or a key may bounce.
_MIN_AGAIN_S = 0.25
#: How long the event loop may take to process a signal. It is blocked for ever if a thread cannot be started.
_MAX_BLOCKED_S = 10.0
#: SIGQUIT is included, as it would leave the terminal in the app's mode.
_ENDING = (*ENDING, *(signal.Signals[name] for name in ("SIGQUIT",) if hasattr(signal, name)))


class Signals:
    """Restores the terminal however the app ends, and stops and continues as a shell expects.

    Textual sets the terminal up again at every SIGCONT, with a second thread that reads keys, even if it was not
    suspended by Textual; therefore SIGCONT does not reach Textual.
    """

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._terminal: list[Any] | None = None
        self._guard: ScreenGuard | None = None
        self._suspended = False
        self._before: dict[signal.Signals, Any] = {}
        #: When the first signal came.
        self._asked_s: float | None = None

    def guard_screen(self) -> None:
        """Have the terminal restored if this process dies. To be called before full screen begins."""
        if sys.platform == "win32":
            return
        if self._app.is_headless or is_served() or sys.__stdin__ is None:
            return
        from sandbox.tui import screen_guard

        self._guard = screen_guard.ScreenGuard(sys.__stdin__.fileno(), 2)
        self._guard.enter()

    def leave_on_signals(self) -> None:
        """Exit the app on signals that would kill the process."""
        self._before = {number: signal.getsignal(number) for number in chosen(_ENDING)}
        for number in self._before:
            signal.signal(number, partial(self._heard, asyncio.get_running_loop()))

    def _heard(self, loop: asyncio.AbstractEventLoop, number: int, frame: FrameType | None) -> None:
        """Exit the app on the first signal. Exit at once on a second one, even if the app is blocked, such as on the
        terminal, and if the event loop does not process the first one."""
        now_s = time.monotonic()
        if self._asked_s is not None:
            if now_s - self._asked_s > _MIN_AGAIN_S:
                self._leave_at_once(number)
            return
        self._asked_s = now_s
        self._await_exit(number)
        try:
            loop.call_soon_threadsafe(self._leave, number)
        except RuntimeError:  # the loop is closed
            self._leave_at_once(number)

    def _await_exit(self, number: int) -> None:
        if sys.platform != "win32":
            signal.signal(signal.SIGALRM, lambda *_: self._leave_at_once(number))
            signal.setitimer(signal.ITIMER_REAL, _MAX_BLOCKED_S)

    def _leave(self, number: int) -> None:
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_REAL, 0)
        self._app.exit(128 + number)

    def _leave_at_once(self, number: int) -> NoReturn:
        self._restore_terminal()
        if self._guard is not None:
            self._guard.leave()
        os._exit(128 + number)

    def _restore_terminal(self) -> None:
        """Restore the terminal, as far as possible without blocking."""
        if sys.platform == "win32" or self._terminal is None or sys.__stdin__ is None:
            return
        import termios

        try:
            termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, self._terminal)
            leave_screen(2)
        except (OSError, ValueError, termios.error):
            pass

    def stop_and_go_on(self, suspend: Callable[[], None]) -> None:
        """Handle the signals of job control instead of Textual. ``suspend``: called on a request to stop."""
        if sys.platform == "win32":
            return
        import termios

        if callable(signal.getsignal(signal.SIGCONT)):  # there is a terminal
            asyncio.get_running_loop().add_signal_handler(signal.SIGTSTP, suspend)
            signal.signal(signal.SIGCONT, self._continued)
            try:
                self._terminal = termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ else None
            except (termios.error, OSError, ValueError):
                self._terminal = None

    def suspend(self) -> None:
        """Stop together with the whole process group, as on Ctrl-Z; returns when continued.

        The terminal is restored first: once the first process stops, the shell takes the terminal.
        """
        if sys.platform == "win32":
            return
        self._suspended = True
        with self._app.suspend():
            handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            if self._guard is not None:
                self._guard.leave()
            os.killpg(0, signal.SIGTSTP)
            if self._guard is not None:
                self._guard.enter()
            signal.signal(signal.SIGTSTP, handler)
        self._suspended = False

    def _continued(self, number: int, frame: FrameType | None) -> None:
        if sys.platform != "win32" and not self._suspended and self._terminal is not None and sys.__stdin__ is not None:
            import termios

            # Stopped from outside: a shell may have changed the terminal in the meantime.
            try:
                termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, self._terminal)
            except termios.error:
                return  # the terminal is gone: a hang-up, which comes with its own SIGCONT, ends the app
            self._app.call_later(self._app.refresh, layout=True)

    def restore(self) -> None:
        """Remove the signal handlers from the event loop."""
        if sys.platform == "win32":
            return
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTSTP)
        for number in self._before:  # ignored until the terminal is restored, unless an exit was requested before
            if self._asked_s is None:
                signal.signal(number, signal.SIG_IGN)
        if signal.getsignal(signal.SIGCONT) == self._continued:
            signal.signal(signal.SIGCONT, signal.SIG_DFL)

    def listen_again(self) -> None:
        """Restore the original signal handlers, once the terminal is restored."""
        if self._guard is not None:
            self._guard.end()
        for number, handler in self._before.items():
            signal.signal(number, handler)
