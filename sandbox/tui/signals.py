"""What the system and the shell may say to the app: leave, the terminal is gone, stop, go on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
from types import FrameType
from typing import Any

from textual.app import App

_LEAVE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Leaves the terminal as it was found, whatever ends the app; and comes back from a stop only once.

    Textual sets the terminal up again at every SIGCONT, with a second thread that reads keys, even if it was not
    Textual that stopped: so it hears only of the ones that follow a suspend of its own.
    """

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._resume: Any = None
        self._terminal: list[Any] | None = None
        #: True from a suspend of our own until the terminal is ours again.
        self.suspended = False

    def leave_on_signals(self) -> None:
        """A signal that would end us ends the app instead."""
        loop = asyncio.get_running_loop()
        for number in _LEAVE:
            loop.add_signal_handler(number, self._app.exit, 128 + number)

    def come_back_once(self) -> None:
        """Stand between SIGCONT and Textual."""
        self._resume = signal.getsignal(signal.SIGCONT)
        if callable(self._resume):
            signal.signal(signal.SIGCONT, self._continued)
            try:
                self._terminal = termios.tcgetattr(sys.__stdin__.fileno()) if sys.__stdin__ else None
            except (termios.error, OSError, ValueError):
                self._terminal = None

    def suspend(self) -> None:
        """Stop, and with us whoever shares our terminal, as at any Ctrl-Z; Textual puts the terminal back first."""
        self.suspended = True
        os.killpg(0, signal.SIGTSTP)

    def _continued(self, number: int, frame: FrameType | None) -> None:
        if self.suspended:
            self._resume(number, frame)
        elif self._terminal is not None and sys.__stdin__ is not None:
            # Somebody stopped us from outside, and a shell may have taken the terminal in the meantime.
            try:
                termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, self._terminal)
            except termios.error:
                return  # it is gone: a hang-up, which comes with a SIGCONT of its own, ends us
            self._app.call_later(self._app.refresh, layout=True)

    def restore(self) -> None:
        """Leave the loop as it was found."""
        loop = asyncio.get_running_loop()
        for number in _LEAVE:
            loop.remove_signal_handler(number)
        if callable(self._resume):
            signal.signal(signal.SIGCONT, signal.SIG_DFL)
