"""``-`` as the name of a file that is read: standard input, from its beginning as often as it is asked for."""

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
#: Bytes that are read at once.
_PIECE = 1 << 16


def open_bytes(path: str | os.PathLike[str]) -> BinaryIO:
    """A file to read; ``-``: standard input. Raises OSError."""
    if os.fspath(path) != NAME:
        return open(path, "rb")
    return cast(BinaryIO, io.BufferedReader(_Input(_kept())))


def is_terminal() -> bool:
    """Whether nobody would send anything but a person who does not know that we wait."""
    return os.isatty(0)


def give_terminal_back() -> None:
    """What was sent is kept, all of it, and standard input is the terminal, if there is one: for keys."""
    _kept().read_all()
    with suppress(OSError):
        descriptor = os.open("/dev/tty", os.O_RDWR)
        os.dup2(descriptor, 0)
        os.close(descriptor)


class _Kept:
    """What has come so far; more is read when somebody wants it: a stream without end is looked at, and refused."""

    def __init__(self) -> None:
        """Raises OSError."""
        if is_terminal():
            raise OSError(errno.ENODATA, "it is a terminal")
        from sandbox.util.scratch import unnamed_file  # few send us anything

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
        """How many bytes there are."""
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
    """One who reads it."""

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
