"""``-`` as a file name for standard input, which may be opened and read from its beginning any number of times."""

from __future__ import annotations

import errno
import io
import os
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

NAME = "-"
#: The number of bytes read at once.
_PIECE = 1 << 16


def open_bytes(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading; ``-``: standard input. Raises OSError."""
    if os.fspath(path) != NAME:
        return open(path, "rb")
    return cast(BinaryIO, io.BufferedReader(_Input(_kept())))


def is_terminal() -> bool:
    """Whether standard input is a terminal, so that only a person could send data, without being asked to."""
    return os.isatty(0)


def give_terminal_back() -> None:
    """Read and keep all of standard input, then make it the controlling terminal, if there is one, for reading keys."""
    _kept().read_all()
    with suppress(OSError):
        descriptor = os.open("/dev/tty", os.O_RDWR)
        os.dup2(descriptor, 0)
        os.close(descriptor)


class _Kept:
    """The data read from standard input so far, in a temporary file. More is read only on demand, so that an endless
    stream can be inspected and refused."""

    def __init__(self) -> None:
        """Raises OSError if standard input is a terminal."""
        if is_terminal():
            raise OSError(errno.ENODATA, "it is a terminal")
        from sandbox.util.scratch import unnamed_file  # imported here because it is rarely needed

        self._sent = os.dup(0)
        self._file = unnamed_file()
        self._size = 0
        self._ended = False

    def read(self, place: int, most: int) -> bytes:
        while place >= self._size and not self._ended:
            self._more()
        self._file.seek(place)
        return self._file.read(most)

    def read_all(self) -> int:
        """Read to the end, and return the total number of bytes."""
        while not self._ended:
            self._more()
        return self._size

    def _more(self) -> None:
        data = os.read(self._sent, _PIECE)
        self._file.seek(self._size)
        self._file.write(data)
        self._size += len(data)
        self._ended = not data


@cache
def _kept() -> _Kept:
    return _Kept()


class _Input(io.RawIOBase):
    """One reader of the kept data, with a position of its own."""

    def __init__(self, kept: _Kept) -> None:
        self._kept = kept
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer).cast("B")
        data = self._kept.read(self._place, len(room))
        room[: len(data)] = data
        self._place += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        before = {io.SEEK_SET: 0, io.SEEK_CUR: self._place}
        self._place = offset + (self._kept.read_all() if whence == io.SEEK_END else before[whence])
        return self._place
