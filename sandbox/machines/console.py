"""The console of a process: a pseudo-terminal of its own.

So its output can be kept apart, ``input()`` really blocks until somebody types, and no process can read the keys of the
real terminal or paint on it.
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

#: A console is read in pieces of so many bytes. A process that writes faster than they are read blocks on its console,
#: as it would on any slow terminal: memory stays bounded and nothing is lost.
_PIECE = 8_192
#: A terminal takes a long write in pieces of so many bytes.
_MIN_FLOOD = 2_048
#: A terminal holds at most 64 KiB. Of one whose process has ended no more pieces than this are read at once: a daemon
#: that goes on writing would keep us for ever.
_MAX_PIECES = 64
#: The flag of termios(3) by which a line is edited in characters, not bytes; Python knows it from 3.13 on only.
_IUTF8 = 0o40000
#: Bytes that wait until a terminal takes them; what is typed beyond that goes nowhere.
_MAX_UNSENT = 1 << 20


class Piece(NamedTuple):
    """Something that was written: harmless, and as the terminal was sent it (None where that says no more)."""

    text: str
    raw: str | None


class Settings(NamedTuple):
    """How a terminal is set: its size, whether it hands on whole lines or each key, whether it shows what is typed."""

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
        os.set_blocking(self._master, False)
        attributes = termios.tcgetattr(self.slave)
        attributes[0] |= _IUTF8  # backspace takes away a character, not a byte of it
        termios.tcsetattr(self.slave, termios.TCSANOW, attributes)
        self._size = TERMINAL_SIZE
        self.resize(*TERMINAL_SIZE)
        #: How it was set when somebody was last told.
        self.told = Settings(*TERMINAL_SIZE, canonical=True, echo=True)
        #: Whether nobody had it open when it was last read.
        self.vacant = False
        #: Whether more was written at once than is read at once.
        self.floods = False
        #: How many bytes were written to it so far.
        self.written = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._cleaner = Cleaner()
        self._unsent = bytearray()

    def fileno(self) -> int:
        return self._master

    def close_slave(self) -> None:
        """The process has its end: ours of that is closed, so that the console ends with its last user."""
        os.close(self.slave)
        self.slave = -1

    def resize(self, rows: int, columns: int) -> None:
        """Let it be so large; who uses it is told by the system."""
        self._size = rows, columns
        try:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        except OSError:  # it is closed
            pass

    @property
    def settings(self) -> Settings:
        """How it is set now."""
        try:
            modes = termios.tcgetattr(self._master)[3]
        except (OSError, termios.error):  # it is closed
            return self.told
        return Settings(*self._size, canonical=bool(modes & termios.ICANON), echo=bool(modes & termios.ECHO))

    def read(self) -> Piece | None:
        """What was written since the last time, at most one piece; None when nobody has it open (a process that it
        controls may open it again)."""
        try:
            data = os.read(self._master, _PIECE)
        except BlockingIOError:
            self.vacant = False
            return _NOTHING
        except OSError:  # EIO: every user of the terminal is gone
            self.vacant = True
            return None
        if not data:  # as other systems than Linux tell it
            self.vacant = True
            return None
        self.written += len(data)
        self.floods = self.floods or len(data) >= _MIN_FLOOD
        return self._piece(self._cleaner.whole(self._decode.decode(data)))

    def _piece(self, raw: str) -> Piece:
        """The terminal puts a carriage return before each newline, which only matters where more than lines is sent."""
        raw = clean_terminal(raw)
        text = clean_console(raw).replace("\r\n", "\n")
        return Piece(text, None if text.replace("\n", "\r\n") == raw else raw)

    @property
    def edits(self) -> bool:
        """Whether a program takes each key as it is typed, as line editors, pagers and games do."""
        return not self.settings.canonical

    @property
    def hides(self) -> bool:
        """Whether what is typed is shown by nobody: a program asks for a password. One that takes each key by itself
        may show it."""
        return self.settings.hides

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return self.settings.echo

    def read_rest(self) -> list[Piece]:
        """What is still in the terminal of a process that has ended."""
        pieces: list[Piece] = []
        for _ in range(_MAX_PIECES):
            piece = self.read()
            if piece is None or piece == _NOTHING:
                break
            pieces.append(piece)
        return pieces

    def type(self, text: str) -> bool:
        """Type into the console, keys with ctrl as the characters that they are; True when all of it has been taken.
        What a full terminal does not take waits for ``flush``."""
        self._unsent += text.encode(errors="replace")[: _MAX_UNSENT - len(self._unsent)]
        return self.flush()

    def flush(self) -> bool:
        """Hand over what was typed; True when all of it has been."""
        while self._unsent:
            try:
                del self._unsent[: os.write(self._master, self._unsent)]
            except BlockingIOError:
                return False
            except OSError:
                self._unsent.clear()
        return True

    def close(self) -> None:
        """Give it back; what is typed afterwards goes nowhere."""
        for descriptor in (self._master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)
        self._master = self.slave = -1


def take_console(slave: int) -> None:
    """In a child that leads its own session: make this terminal its own, and its standard streams."""
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for stream in (0, 1, 2):
        os.dup2(slave, stream)
