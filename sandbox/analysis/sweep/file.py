"""The result file of a sweep. Rows are appended, existing ones are known by their keys, and an incomplete line of a
writer that was killed is removed."""

from __future__ import annotations

import os
import sys
from array import array
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator
from typing import BinaryIO

import msgspec

from sandbox.model.values import BadValue


class _Key(msgspec.Struct):
    key: str


_decode = msgspec.json.Decoder(_Key).decode


def _key(line: bytes) -> str | None:
    """Return the key of a row; None if it is no valid row."""
    try:
        key = _decode(line).key
        int(key[:16], 16)
    except (msgspec.MsgspecError, ValueError):
        return None
    return key


class Known:
    """A set of keys that stores eight bytes of each: 64 bits suffice to distinguish a million rows."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._found = array("Q", sorted(int(key[:16], 16) for key in keys))

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str) or not key:
            return False
        wanted = int(key[:16], 16)
        place = bisect_left(self._found, wanted)
        return place < len(self._found) and self._found[place] == wanted


class ResultFile:
    """A result file that is open for appending. Raises BadValue if it exists and neither ``resume`` nor ``overwrite``
    is set, or if another process writes to it."""

    def __init__(self, path: str, resume: bool, overwrite: bool) -> None:
        self.path = path
        there = os.path.lexists(path) and (resume or overwrite)
        try:
            self._file: BinaryIO = open(path, "r+b" if there else "x+b")
        except FileExistsError:
            raise BadValue("sweep exists") from None
        except OSError as error:
            raise BadValue("cannot be written", reason=error.strerror) from None
        self._lock()
        if overwrite and not resume:
            self._file.truncate()
        self.known = Known(self._keys())

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadValue("sweep under way") from None

    def _keys(self) -> Iterator[str]:
        """Yield the keys of all complete lines, then truncate the file after the last of them."""
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            end += len(line)
            key = _key(line)
            if key is not None:
                yield key
        self._file.seek(end)
        self._file.truncate()

    def write(self, row: bytes) -> None:
        """Append a row, and flush it to the system."""
        self._file.write(row + b"\n")
        self._file.flush()

    def rows(self, wanted: Container[str] | None = None) -> Iterator[bytes]:
        """Yield the rows of the file. If the file had rows before, only those with ``wanted`` keys."""
        self._file.seek(0)
        for line in self._file:
            if wanted is None or not self.known or (_key(line) or "") in wanted:
                yield line

    def close(self) -> None:
        self._file.close()
