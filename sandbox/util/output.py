"""Standard output and standard error that do not block forever on a stalled reader once the program has to end."""

from __future__ import annotations

import io
import os
import sys
import time
from select import select
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: How long all further writes together may take after ``hurry``, in seconds.
_MAX_LATE_S = 1.0
#: The number of bytes that a writable pipe or terminal accepts without blocking.
_PIECE = 4_096
#: How often a write that waits for a reader checks whether ``hurry`` was called, in seconds.
_LOOK_S = 0.1


class _Hurry:
    """The monotonic time until which writes wait for readers; None: without limit."""

    until_s: float | None = None


def hurry() -> None:
    """From now on, drop output that is not read within the time limit instead of waiting."""
    if _Hurry.until_s is None:
        _Hurry.until_s = time.monotonic() + _MAX_LATE_S


class PatientFile(io.RawIOBase):
    """A raw file that writes to a descriptor in pieces, each only when it can be written without blocking, so that no
    system call blocks for long. After the time limit, data is accepted and dropped. ``owner``: the stream that owns
    the descriptor, kept alive here because it closes the descriptor when it is garbage-collected; ``aside``: data that
    cannot be written, because the disk is full for example, is dropped instead of raising OSError."""

    def __init__(self, descriptor: int, owner: TextIO | None = None, aside: bool = False) -> None:
        self._descriptor, self._owner, self._aside = descriptor, owner, aside

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: ReadableBuffer) -> int:
        """Write as ``RawIOBase.write`` does; dropped data counts as written. When it is too late to wait, data that is
        taken at once is still written."""
        view = memoryview(data).cast("B")
        late = False
        while not late:
            late = _Hurry.until_s is not None and time.monotonic() >= _Hurry.until_s
            if select([], [self._descriptor], [], 0 if late else _LOOK_S)[1]:
                try:
                    return os.write(self._descriptor, view[:_PIECE])
                except BlockingIOError:  # made non-blocking by another process, and with less room than expected
                    time.sleep(_LOOK_S / 10)
                except OSError:
                    if not self._aside:
                        raise
                    break
        return len(view)


def patient_streams() -> None:
    """Replace standard output and error by streams on a ``PatientFile``, with unchanged encoding and buffering."""
    sys.stdout = _patient(sys.stdout)
    sys.stderr = _patient(sys.stderr, aside=True)


def _patient(stream: TextIO, aside: bool = False) -> TextIO:
    try:
        stream.flush()
        raw = PatientFile(stream.fileno(), stream, aside)
    except (OSError, ValueError, AttributeError):  # closed, or not a file of the interpreter
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=any(getattr(stream, name, False) for name in ("line_buffering", "write_through")),
    )
