"""Recordings as gzip files: what was written can be read, even if the file ends in the middle."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: How every gzip file begins, and how the names of those end that we write.
_MAGIC, SUFFIX = b"\x1f\x8b", ".gz"
#: A gzip file around it, for zlib.
_GZIP = zlib.MAX_WBITS | 16
#: Bytes that are unpacked at once; what is packed is seldom a thousandth of what it was.
_CHUNK = 1 << 12


class Packer:
    """Packs piece by piece, each of which can be read once it is in the file."""

    def __init__(self) -> None:
        self._zip = zlib.compressobj(wbits=_GZIP)

    def add(self, data: bytes, ends: bool = False) -> bytes:
        """``ends``: with this the file is complete; what comes all the same begins another one behind it."""
        packed = self._zip.compress(data) + self._zip.flush(zlib.Z_FINISH if ends else zlib.Z_SYNC_FLUSH)
        if ends:
            self._zip = zlib.compressobj(wbits=_GZIP)
        return packed


def unpacked(file: BinaryIO) -> BinaryIO:
    """What is in a file, read from its beginning: of a gzip file, what is packed there. Closes with it."""
    begins = file.read(len(_MAGIC))
    file.seek(-len(begins), io.SEEK_CUR)
    return cast(BinaryIO, io.BufferedReader(_Unpacked(file), _CHUNK)) if begins == _MAGIC else file


class _Unpacked(io.RawIOBase):
    """Reads what is packed, as far as it can be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._unzip = file, zlib.decompressobj(wbits=_GZIP)
        #: Unpacked, and not read yet.
        self._data = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer).cast("B")
        while not self._data and (packed := self._file.read(_CHUNK)):
            self._data = b"".join(self._pieces(packed))
        data, self._data = self._data[: len(room)], self._data[len(room) :]
        room[: len(data)] = data
        return len(data)

    def _pieces(self, packed: bytes) -> Iterator[bytes]:
        """What was packed there; nothing more comes behind what is damaged."""
        while packed:
            before = self._unzip.copy()
            try:
                yield self._unzip.decompress(packed)
            except zlib.error:
                if len(packed) > 1:  # up to there it is good
                    self._unzip = before
                    for byte in range(len(packed)):
                        yield from self._pieces(packed[byte : byte + 1])
                self._file.seek(0, io.SEEK_END)
                return
            packed = self._unzip.unused_data
            if self._unzip.eof:  # several files, one behind the other, are one
                self._unzip = zlib.decompressobj(wbits=_GZIP)

    def close(self) -> None:
        self._file.close()
        super().close()
