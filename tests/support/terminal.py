"""The real command on a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pyte

from sandbox.link.client import use_all_cpus
from tests.support.run import OSSANDBOX, ROOT, CommandRun, until

T = TypeVar("T")


class Terminal(CommandRun):
    """The command, or another one, on a terminal of its own, 120 × 40, whose screen can be read and whose keys can be
    pressed."""

    def __init__(self, *words: str, command: Sequence[str] = OSSANDBOX, folder: Path = ROOT) -> None:
        use_all_cpus()
        self.written = bytearray()
        self._screen = pyte.Screen(120, 40)
        self._stream = pyte.ByteStream(self._screen)
        self._lines: list[str] | None = None
        self._status: int | None = None
        self.os_pid, self.master = pty.fork()
        if self.os_pid == 0:
            try:
                os.chdir(folder)
                # In the C library's own environment there may be a size of another terminal.
                os.execvpe(command[0], [*command, *words], {**os.environ, "TERM": "xterm-256color"})
            finally:
                os._exit(127)
        os.set_blocking(self.master, False)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.attributes = self.modes

    @property
    def modes(self) -> list[Any]:
        """The modes of the terminal, as ``termios`` has them."""
        return termios.tcgetattr(self.master)

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def press_until(self, keys: str, text: str, why: str) -> None:
        """Press keys, and read until the screen shows what comes of them."""
        self.press(keys)
        self.read_until(lambda: self.shows(text), why)

    def read(self) -> None:
        """Take what it has written."""
        while True:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:  # nothing now, or nobody there any more
                return
            if not data:
                return
            self.written += data
            self._stream.feed(data)
            self._lines = None

    def shows(self, text: str) -> bool:
        """Whether this can be read on its screen."""
        self.read()
        return any(text in line for line in self.lines)

    @property
    def lines(self) -> list[str]:
        """What is on its screen, by what has been read."""
        if self._lines is None:  # to put it together takes longer than to look at it
            self._lines = [line.rstrip() for line in self._screen.display]
        return self._lines

    @property
    def display(self) -> str:
        return "\n".join(self.lines)

    def wait(self, seconds: float = 20.0) -> int:
        """Its exit status, read on until then; minus the signal that ended it."""

        def ended() -> bool:
            if self._status is None:
                os_pid, status = os.waitpid(self.os_pid, os.WNOHANG)
                if os_pid:
                    self._status = os.waitstatus_to_exitcode(status)
            return self._status is not None

        self.read_until(ended, "the command has ended", seconds)
        if self.master >= 0:
            self.read()
        assert self._status is not None
        return self._status

    def hang_up(self) -> None:
        """The terminal goes away, as when its window is closed."""
        os.close(self.master)
        self.master = -1

    def read_until(self, what: Callable[[], T | None], why: str, seconds: float = 20.0) -> T:
        """``until``, while its output is read."""

        def step() -> T | None:
            if self.master >= 0:
                self.read()
            return what()

        try:
            return until(step, why, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.display}") from None

    def close(self) -> None:
        """Whatever happened in the test, it is gone afterwards."""
        if self._status is None:
            try:
                if os.waitpid(self.os_pid, os.WNOHANG) == (0, 0):
                    os.kill(self.os_pid, signal.SIGKILL)
                    os.waitpid(self.os_pid, 0)
            except ChildProcessError:
                pass
        if self.master >= 0:
            os.close(self.master)


@contextmanager
def terminal(*words: str, command: Sequence[str] = OSSANDBOX, folder: Path = ROOT) -> Iterator[Terminal]:
    """The command on a terminal."""
    run = Terminal(*words, command=command, folder=folder)
    try:
        yield run
    finally:
        run.close()
