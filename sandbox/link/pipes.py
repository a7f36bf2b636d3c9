"""Pipes of a child that can be waited for with ``select`` on every system. On Windows, which can only wait for sockets,
a thread copies between a pipe and a socket.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import IO

#: Bytes that are copied at once.
_PIECE = 1 << 16


class _End:
    """Our end of a pipe, or of the socket that stands for it. ``copy`` starts to copy between both."""

    def __init__(self, pipe: IO[bytes], blocks: bool, copy: Callable[[IO[bytes], socket.socket], None]) -> None:
        self._end: socket.socket | None = None
        self._pipe = pipe
        if sys.platform == "win32":
            self._end, theirs = socket.socketpair()
            self._end.setblocking(blocks)
            copy(pipe, theirs)
        else:
            os.set_blocking(pipe.fileno(), blocks)

    def fileno(self) -> int:
        return self._pipe.fileno() if self._end is None else self._end.fileno()

    def close(self) -> None:
        (self._end or self._pipe).close()


class Source(_End):
    """The output of a child. ``blocks``: whether a read waits for data."""

    def __init__(self, pipe: IO[bytes], blocks: bool = True) -> None:
        super().__init__(pipe, blocks, carry_out)

    def read(self, most: int) -> bytes:
        """Return up to ``most`` bytes; none at the end. Raises OSError."""
        return os.read(self._pipe.fileno(), most) if self._end is None else self._end.recv(most)


class Sink(_End):
    """The input of a child. Writes do not block."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(pipe, False, _carry_in)

    def write(self, data: bytes | bytearray) -> int:
        """Write data. Returns how many bytes were accepted. Raises BlockingIOError if none are, and OSError."""
        return os.write(self._pipe.fileno(), data) if self._end is None else self._end.send(data)


def carry_out(pipe: IO[bytes], end: socket.socket) -> None:
    """Start copying from a pipe to a socket. Both are closed at the end."""
    Thread(target=_copy_out, args=(pipe, end), daemon=True).start()


def _copy_out(pipe: IO[bytes], end: socket.socket) -> None:
    with pipe, end, suppress(OSError):  # the reader has closed the socket
        while data := os.read(pipe.fileno(), _PIECE):
            end.sendall(data)


def _carry_in(pipe: IO[bytes], end: socket.socket) -> None:
    """Start copying from a socket to a pipe. Both are closed at the end."""
    Thread(target=_copy_in, args=(pipe, end), daemon=True).start()


def _copy_in(pipe: IO[bytes], end: socket.socket) -> None:
    with end, suppress(OSError), pipe:
        while data := end.recv(_PIECE):
            left = memoryview(data)
            while left:
                left = left[os.write(pipe.fileno(), left) :]
