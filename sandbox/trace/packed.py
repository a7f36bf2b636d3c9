"""Recordings as gzip files that can be read as far as they were written, even if the file is cut off."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: The first bytes of every gzip file, and the suffix of the files that are written packed.
_MAGIC, SUFFIX = b"\x1f\x8b", ".gz"
#: The ``wbits`` argument of zlib for the gzip format.
_GZIP = zlib.MAX_WBITS | 16
#: The number of packed bytes read at once; compressed data is rarely smaller than a thousandth of the original.
_CHUNK = 1 << 12


class Packer:
    """Compresses data piece by piece, so that each piece can be read as soon as it is in the file."""

    def __init__(self) -> None:
        self._zip = zlib.compressobj(wbits=_GZIP)

    def add(self, data: bytes, ends: bool = False) -> bytes:
        """Return the compressed data. ``ends``: complete the gzip file; later data begins another one after it."""
        packed = self._zip.compress(data) + self._zip.flush(zlib.Z_FINISH if ends else zlib.Z_SYNC_FLUSH)
        if ends:
            self._zip = zlib.compressobj(wbits=_GZIP)
        return packed


def unpacked(file: BinaryIO) -> BinaryIO:
    """Return a file object for the uncompressed content of a file, which must be at its beginning. A file that is not
    in gzip format is returned itself. Closing the result closes the file."""
    begins = file.read(len(_MAGIC))
    file.seek(-len(begins), io.SEEK_CUR)
    return cast(BinaryIO, io.BufferedReader(_Unpacked(file), _CHUNK)) if begins == _MAGIC else file


class _Unpacked(io.RawIOBase):
    """Raw reader for the content of a gzip file, up to the first damage."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._unzip = file, zlib.decompressobj(wbits=_GZIP)
        #: Unpacked data that has not been read yet.
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
        """Yield the unpacked data; at damage, yield the intact part and skip the rest of the file."""
        while packed:
            before = self._unzip.copy()
            try:
                yield self._unzip.decompress(packed)
            except zlib.error:
                if len(packed) > 1:  # find the intact part before the damage
                    self._unzip = before
                    for byte in range(len(packed)):
                        yield from self._pieces(packed[byte : byte + 1])
                self._file.seek(0, io.SEEK_END)
                return
            packed = self._unzip.unused_data
            if self._unzip.eof:  # concatenated gzip files count as one
                self._unzip = zlib.decompressobj(wbits=_GZIP)

    def close(self) -> None:
        self._file.close()
        super().close()
