"""Writer for recordings: each event is a line, which is written before the event is shown.

The process with the user interface writes, not the kernel process, so that a slow or full disk delays no dispatch. If
it is killed, everything written so far can be read; an incomplete last line is then ignored.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable

import msgspec

from sandbox.model.events import Clause, Described, Event, Queues, encode
from sandbox.model.values import BadValue
from sandbox.trace.header import Header
from sandbox.trace.packed import SUFFIX, Packer
from sandbox.util.paths import NONBLOCK, PLAIN
from sandbox.util.stdin import NAME

#: Replies to requests of the user interface; they are not recorded, as a recording must not depend on what was shown.
_ANSWERS = (Queues, Described)
_BEGINNINGS = tuple(f'{{"event":"{kind.__name__}"'.encode() for kind in _ANSWERS)
#: The beginning of the line of a run's last event.
_ENDS = b'{"event":"Halted"'


class Recorder:
    """Writes a recording to a file until a write fails; the run then goes on without being recorded."""

    def __init__(self, path: str, header: Header, overwrite: bool = False) -> None:
        """Create the file and write the header. Raises BadValue if the file exists (unless ``overwrite``) or cannot be
        opened."""
        self.path = path
        self._descriptor: int | None = _open(path, overwrite)
        self._regular = path != NAME and stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        self._pack = Packer() if path.endswith(SUFFIX) else None
        self._written = 0
        self._fault: Clause | None = None
        self.write(msgspec.json.encode(header) + b"\n")

    @property
    def goes_on(self) -> bool:
        return self._descriptor is not None

    def take(self, events: Iterable[Event]) -> Clause | None:
        """Record events. Return the fault that has ended the recording, once; None otherwise."""
        self.write(b"".join(encode(event) for event in events if not isinstance(event, _ANSWERS)))
        fault, self._fault = self._fault, None
        return fault

    def copy(self, lines: bytes) -> None:
        """Record complete lines that were already encoded."""
        kept = (line for line in lines.splitlines(keepends=True) if not line.startswith(_BEGINNINGS))
        self.write(b"".join(kept))

    def write(self, lines: bytes) -> None:
        """Write complete lines. If a write fails, remove an incomplete last line and end the recording."""
        if self._descriptor is None or not lines:
            return
        data = lines if self._pack is None else self._pack.add(lines, ends=_ENDS in lines)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            fits = len(data) - len(rest)
            self._written += 0 if self._pack else data.rfind(b"\n", 0, fits) + 1
            self._fault = Clause("recording ended", {"file": self.path, "reason": error.strerror})
            self.close(cut=True)
        else:
            self._written += len(data)

    def close(self, cut: bool = False) -> None:
        """End the recording. ``cut``: truncate the file after its last complete line."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            try:
                if cut and self._regular:
                    os.ftruncate(descriptor, self._written)
                os.close(descriptor)
            except OSError:
                pass  # nothing more can be done


def _open(path: str, overwrite: bool) -> int:
    """Open a new file, or an existing pipe or device, for writing; ``-``: standard output. Raises BadValue."""
    if path == NAME:
        return os.dup(1)
    flags = os.O_WRONLY | os.O_CREAT | PLAIN | NONBLOCK  # opening a pipe without a reader fails
    try:
        regular = not os.path.exists(path) or os.path.isfile(path)
        descriptor = os.open(path, flags | (os.O_TRUNC if overwrite else os.O_EXCL if regular else 0), 0o666)
        if sys.platform != "win32" and NONBLOCK:
            os.set_blocking(descriptor, True)
    except FileExistsError:
        raise BadValue("file exists") from None
    except OSError as error:
        raise BadValue("cannot be written", reason=error.strerror) from None
    return descriptor
