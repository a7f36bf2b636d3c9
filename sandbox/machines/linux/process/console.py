"""The console of a process: a pseudo-terminal of its own.

So its output can be kept apart, ``input()`` really blocks until somebody types, and no process can read the keys of the
real terminal or paint on it.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import struct
import termios

from sandbox.util.text import Cleaner

#: A console is read in pieces of so many bytes. A process that writes faster than they are read blocks on its console,
#: as it would on any slow terminal: memory stays bounded and nothing is lost.
_PIECE = 8_192
#: A terminal takes a long write in pieces of so many bytes.
_MIN_FLOOD = 2_048
#: A terminal holds at most 64 KiB. Of one whose process has ended no more pieces than this are read at once: a daemon
#: that goes on writing would keep us for ever.
_MAX_PIECES = 64
_ROWS, _COLUMNS = 24, 80


class Console:
    """The machine's end of a process's pseudo-terminal."""

    def __init__(self) -> None:
        self._master, self.slave = os.openpty()
        os.set_blocking(self._master, False)
        attributes = termios.tcgetattr(self.slave)
        attributes[1] &= ~termios.OPOST  # bytes as the program wrote them: no carriage return before a newline
        termios.tcsetattr(self.slave, termios.TCSANOW, attributes)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
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

    def read(self) -> str | None:
        """What was written since the last time, made harmless, at most one piece; None when nobody has it open (a
        process that it controls may open it again)."""
        try:
            data = os.read(self._master, _PIECE)
        except BlockingIOError:
            self.vacant = False
            return ""
        except OSError:  # EIO: every user of the terminal is gone
            self.vacant = True
            return None
        self.written += len(data)
        self.floods = self.floods or len(data) >= _MIN_FLOOD
        return self._cleaner.feed(self._decode.decode(data)) if data else None

    @property
    def edits(self) -> bool:
        """Whether a program takes each key as it is typed, as line editors, pagers and games do."""
        return not self._local_modes & termios.ICANON

    @property
    def hides(self) -> bool:
        """Whether what is typed is shown by nobody: a program asks for a password. One that takes each key by itself
        may show it."""
        return not self.echoes and not self.edits

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(self._local_modes & termios.ECHO)

    @property
    def _local_modes(self) -> int:
        try:
            return int(termios.tcgetattr(self._master)[3])
        except (OSError, termios.error):  # it is closed
            return termios.ICANON | termios.ECHO

    def read_rest(self) -> str:
        """What is still in the terminal of a process that has ended."""
        pieces: list[str] = []
        for _ in range(_MAX_PIECES):
            piece = self.read()
            if not piece:
                break
            pieces.append(piece)
        return "".join(pieces)

    def type(self, text: str) -> bool:
        """Type into the console, keys with ctrl as the characters that they are; True when all of it has been taken.
        What a full terminal does not take waits for ``flush``."""
        self._unsent += text.encode()
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
