"""What is rarely wanted again is put out of memory: into a file that has no name and is gone with us."""

from __future__ import annotations

import tempfile
import weakref
import zlib
from typing import IO, NamedTuple


class Place(NamedTuple):
    """Where on the shelf something is; ``here``: it is in memory, because there was no room elsewhere."""

    offset: int
    size: int
    here: bytes | None = None


class Shelf:
    """Takes bytes, and gives them back; compressed in between."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0

    @property
    def size(self) -> int:
        """Bytes that are out of memory."""
        return self._end

    def put(self, data: bytes) -> Place:
        """Keep it."""
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
        """What was put there."""
        if place.here is not None or self._file is None:
            return zlib.decompress(place.here or b"")
        self._file.seek(place.offset)
        return zlib.decompress(self._file.read(place.size))
