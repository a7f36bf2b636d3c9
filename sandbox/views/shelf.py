"""Storage outside memory for rarely needed data: an unnamed temporary file that vanishes with the process."""

from __future__ import annotations

import tempfile
import weakref
import zlib
from typing import IO, NamedTuple


class Place(NamedTuple):
    """The place of data on the shelf. ``here``: the compressed data, kept in memory because the file failed."""

    offset: int
    size: int
    here: bytes | None = None


class Shelf:
    """Stores bytes in compressed form and returns them on request."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self._end

    def put(self, data: bytes) -> Place:
        """Store data, and return its place. If the file cannot be written, the data stays in memory."""
        packed = zlib.compress(data, 1)
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="ossandbox-")
                weakref.finalize(self, self._file.close)
            self._file.seek(self._end)
            self._file.write(packed)
            self._file.flush()
        except OSError:
            return Place(0, 0, packed)
        self._end += len(packed)
        return Place(self._end - len(packed), len(packed))

    def get(self, place: Place) -> bytes:
        """Return the data stored at a place."""
        if place.here is not None or self._file is None:
            return zlib.decompress(place.here or b"")
        self._file.seek(place.offset)
        return zlib.decompress(self._file.read(place.size))
