"""Standard output and standard error, for whose readers nobody waits for ever once we are asked to end."""

from __future__ import annotations

import io
import os
import sys
import time
from select import select
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: So long all that is still to be written may take together once we are in a hurry, in seconds.
_MAX_LATE_S = 1.0
#: What a pipe or a terminal that takes something takes at once, in bytes.
_PIECE = 4_096
#: So often somebody who waits for a reader looks whether we are in a hurry by now, in seconds.
_LOOK_S = 0.1


class _Hurry:
    """Until when (monotonic) somebody is waited for; None: for as long as it takes."""

    until_s: float | None = None


def hurry() -> None:
    """From now on what nobody reads is dropped rather than awaited."""
    if _Hurry.until_s is None:
        _Hurry.until_s = time.monotonic() + _MAX_LATE_S


class PatientFile(io.RawIOBase):
    """A descriptor to write to, in pieces that are written only when they are taken at once: so no call of the system
    keeps us where nothing else can be done. What comes when it is too late is taken and goes nowhere. ``owner``: the
    stream that closes the descriptor when nobody has it any more."""

    def __init__(self, descriptor: int, owner: TextIO | None = None) -> None:
        self._descriptor, self._owner = descriptor, owner

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: ReadableBuffer) -> int:
        """As ``RawIOBase.write``; what is dropped counts as written. When it is too late for waiting, what is taken at
        once is still written."""
        view = memoryview(data).cast("B")
        late = False
        while not late:
            late = _Hurry.until_s is not None and time.monotonic() >= _Hurry.until_s
            if select([], [self._descriptor], [], 0 if late else _LOOK_S)[1]:
                try:
                    return os.write(self._descriptor, view[:_PIECE])
                except BlockingIOError:  # somebody else has made it so, and it takes less than it said
                    time.sleep(_LOOK_S / 10)
        return len(view)


def patient_streams() -> None:
    """Have the standard streams be such files; they are otherwise as the interpreter made them."""
    sys.stdout = _patient(sys.stdout)
    sys.stderr = _patient(sys.stderr)


def _patient(stream: TextIO) -> TextIO:
    try:
        stream.flush()
        raw = PatientFile(stream.fileno(), stream)
    except (OSError, ValueError, AttributeError):  # it leads nowhere, or is somebody else's
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=any(getattr(stream, name, False) for name in ("line_buffering", "write_through")),
    )
