"""What the system and the shell may say to the app: leave, the terminal is gone, stop, go on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from select import select
from types import FrameType
from typing import Any

from textual.app import App

from sandbox.util.signals import ENDING, chosen

#: Who signals several times at once (a shell and a terminal, a key that bounces) has asked once.
_MIN_AGAIN_S = 0.25
#: Colours, cursor, mouse and screen as the shell had them.
_LEAVE_SCREEN = b"\x1b[0m\x1b[?25h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?1049l"

#: SIGQUIT would leave the terminal to whoever comes next as we have set it up.
_ENDING = (*ENDING, *(signal.Signals[name] for name in ("SIGQUIT",) if hasattr(signal, name)))


def _leave_soon(loop: asyncio.AbstractEventLoop, app: App[int], number: int, frame: FrameType | None) -> None:
    loop.call_soon_threadsafe(app.exit, 128 + number)


class Signals:
    """Leaves the terminal as it was found, whatever ends the app; stops and comes back as a shell expects it.

    Textual sets the terminal up again at every SIGCONT, with a second thread that reads keys, even if it was not
    Textual that stopped: so it hears of none.
    """

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._terminal: list[Any] | None = None
        self._suspended = False
        self._before: dict[signal.Signals, Any] = {}

    def leave_on_signals(self) -> None:
        """A signal that would end us ends the app instead."""
        loop = asyncio.get_running_loop()
        self._before = {number: signal.getsignal(number) for number in chosen(_ENDING)}
        for number in self._before:
            if sys.platform == "win32":  # where loops have no signal handlers
                signal.signal(number, partial(_leave_soon, loop, self._app))
            else:
                loop.add_signal_handler(number, self._leave, number)

    def _leave(self, number: signal.Signals) -> None:
        """Whoever asks again is not kept waiting, whatever we wait for: the terminal, perhaps."""
        loop, asked_s = asyncio.get_running_loop(), time.monotonic()

        def leave_at_once(again: int, frame: FrameType | None) -> None:
            if time.monotonic() - asked_s > _MIN_AGAIN_S:
                self._restore_terminal()
                os._exit(128 + again)

        for each in self._before:
            loop.remove_signal_handler(each)
            signal.signal(each, leave_at_once)
        self._app.exit(128 + number)

    def _restore_terminal(self) -> None:
        """As far as that takes no waiting."""
        if sys.platform == "win32" or self._terminal is None or sys.__stdin__ is None:
            return
        import termios

        try:
            termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, self._terminal)
            if select([], [2], [], 0)[1]:
                os.write(2, _LEAVE_SCREEN)
        except (OSError, ValueError, termios.error):
            pass

    def stop_and_go_on(self, suspend: Callable[[], None]) -> None:
        """Stand between Textual and the signals of job control. ``suspend``: what a request to stop does."""
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
        """Stop, with all who share our terminal, as at any Ctrl-Z; returns when we are continued.

        The terminal is put back before anybody stops: with the first one that does, the shell takes it.
        """
        if sys.platform == "win32":
            return
        self._suspended = True
        with self._app.suspend():
            handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.killpg(0, signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, handler)
        self._suspended = False

    def _continued(self, number: int, frame: FrameType | None) -> None:
        if sys.platform != "win32" and not self._suspended and self._terminal is not None and sys.__stdin__ is not None:
            import termios

            # Somebody stopped us from outside, and a shell may have taken the terminal in the meantime.
            try:
                termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, self._terminal)
            except termios.error:
                return  # it is gone: a hang-up, which comes with a SIGCONT of its own, ends us
            self._app.call_later(self._app.refresh, layout=True)

    def restore(self) -> None:
        """Leave the loop as it was found."""
        if sys.platform == "win32":
            return
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGTSTP)
        for number in self._before:  # until the terminal is as it was; who has asked before is heard all the same
            if loop.remove_signal_handler(number):
                signal.signal(number, signal.SIG_IGN)
        if signal.getsignal(signal.SIGCONT) == self._continued:
            signal.signal(signal.SIGCONT, signal.SIG_DFL)

    def listen_again(self) -> None:
        """The terminal is as it was: signals do what they did before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
