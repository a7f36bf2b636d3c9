"""The console of a process: a pseudo-terminal of its own.

It keeps the output of processes separate, lets ``input()`` really block until something is typed, and keeps processes
from reading from and writing to the real terminal.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import codecs
import fcntl
import os
import struct
import termios
from typing import NamedTuple

from sandbox.model.commands import TERMINAL_SIZE
from sandbox.util.text import Cleaner, clean_console, clean_terminal

#: The most bytes of one read. A process that writes faster than they are read blocks, as on any slow terminal, so that
#: memory is bounded and nothing is lost.
_PIECE = 8_192
#: The kernel splits a long write to a terminal into pieces of so many bytes.
_MIN_FLOOD = 2_048
#: The most reads from the console of a process that has ended. A terminal holds at most 64 KiB, but a daemon that keeps
#: writing could keep us busy endlessly.
_MAX_PIECES = 64
#: The flag of termios(3) that lets a line be edited in characters instead of bytes; in Python's termios as of 3.13.
_IUTF8 = 0o40000
#: The most bytes that wait until a terminal accepts them; more input is discarded.
_MAX_UNSENT = 1 << 20


class Piece(NamedTuple):
    """Output: as text that is safe to print, and as it was sent to the terminal (None if that contains nothing
    more)."""

    text: str
    raw: str | None


class Settings(NamedTuple):
    """The settings of a terminal: its size, whether it passes on whole lines or each key, whether it echoes input."""

    rows: int
    columns: int
    canonical: bool
    echo: bool

    @property
    def hides(self) -> bool:
        return self.canonical and not self.echo


_NOTHING = Piece("", None)


class Console:
    """The machine's end of a process's pseudo-terminal."""

    def __init__(self) -> None:
        self._master, self.slave = os.openpty()
        self.path = os.ttyname(self.slave)
        os.set_blocking(self._master, False)
        attributes = termios.tcgetattr(self.slave)
        attributes[0] |= _IUTF8  # so that backspace removes a character and not a byte
        termios.tcsetattr(self.slave, termios.TCSANOW, attributes)
        self._size = TERMINAL_SIZE
        self.resize(*TERMINAL_SIZE)
        #: The settings that were last reported.
        self.told = Settings(*TERMINAL_SIZE, canonical=True, echo=True)
        #: Whether no process had it open when it was last read.
        self.vacant = False
        #: Whether a single write was longer than the kernel passes on at once.
        self.floods = False
        #: The number of bytes that were written to it so far.
        self.written = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._cleaner = Cleaner()
        self._unsent = bytearray()

    def fileno(self) -> int:
        return self._master

    def close_slave(self) -> None:
        """Close our copy of the process's end, so that the console ends with its last user."""
        os.close(self.slave)
        self.slave = -1

    def resize(self, rows: int, columns: int) -> None:
        """Set the size. The system notifies the processes (SIGWINCH)."""
        self._size = rows, columns
        try:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        except OSError:  # closed already
            pass

    @property
    def settings(self) -> Settings:
        """The current settings."""
        try:
            modes = termios.tcgetattr(self._master)[3]
        except (OSError, termios.error):  # closed already
            return self.told
        return Settings(*self._size, canonical=bool(modes & termios.ICANON), echo=bool(modes & termios.ECHO))

    def read(self) -> Piece | None:
        """Return the next piece of output; None if no process has the terminal open (a process whose controlling
        terminal it is may open it again)."""
        try:
            data = os.read(self._master, _PIECE)
        except BlockingIOError:
            self.vacant = False
            return _NOTHING
        except OSError:  # EIO: no process has it open
            self.vacant = True
            return None
        if not data:  # the same on systems other than Linux
            self.vacant = True
            return None
        self.written += len(data)
        self.floods = self.floods or len(data) >= _MIN_FLOOD
        return self._piece(self._cleaner.whole(self._decode.decode(data)))

    def _piece(self, raw: str) -> Piece:
        """Return a piece of output. The terminal adds carriage returns to newlines, which does not count as raw
        output."""
        raw = clean_terminal(raw)
        text = clean_console(raw).replace("\r\n", "\n")
        return Piece(text, None if text.replace("\n", "\r\n") == raw else raw)

    @property
    def edits(self) -> bool:
        """Whether a program reads each key as it is typed, as line editors, pagers and games do."""
        return not self.settings.canonical

    @property
    def hides(self) -> bool:
        """Whether input is not shown, because a program asks for a password. A program that reads each key may show it
        itself."""
        return self.settings.hides

    @property
    def echoes(self) -> bool:
        """Whether the terminal echoes input."""
        return self.settings.echo

    @property
    def suspends(self) -> int | None:
        """The process group that ctrl+z suspends; None if a program reads this key like any other."""
        try:
            attributes = termios.tcgetattr(self._master)
            if attributes[3] & termios.ISIG and attributes[6][termios.VSUSP] == b"\x1a":
                return os.tcgetpgrp(self._master)
        except (OSError, termios.error):  # closed already, or no group is in the foreground
            pass
        return None

    def read_rest(self) -> list[Piece]:
        """Return the remaining output of a process that has ended."""
        pieces: list[Piece] = []
        for _ in range(_MAX_PIECES):
            piece = self.read()
            if piece is None or piece == _NOTHING:
                break
            pieces.append(piece)
        return pieces

    def type(self, text: str) -> bool:
        """Type text, with keys like ctrl+c as control characters. Returns whether all of it was accepted; the rest,
        which a full terminal does not accept, waits for ``flush``."""
        self._unsent += text.encode(errors="replace")[: _MAX_UNSENT - len(self._unsent)]
        return self.flush()

    def flush(self) -> bool:
        """Write waiting input to the terminal. Returns whether all of it was accepted."""
        while self._unsent:
            try:
                del self._unsent[: os.write(self._master, self._unsent)]
            except BlockingIOError:
                return False
            except OSError:
                self._unsent.clear()
        return True

    def close(self) -> None:
        """Close the terminal. Input is discarded afterwards."""
        for descriptor in (self._master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)
        self._master = self.slave = -1


def take_console(slave: int) -> None:
    """In a child that leads its own session: make this the controlling terminal, and the standard streams."""
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for stream in (0, 1, 2):
        os.dup2(slave, stream)
