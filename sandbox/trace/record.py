"""Writes a recording: each event is a line, which is written before anybody sees the event.

The terminal's process writes, never the kernel process: a disk that is slow or full delays no dispatch. What was
written survives whoever is killed; a line that was cut in two by that is left out when it is read.
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

#: Answers to questions of the screen: a recording does not depend on who looked at it.
_ANSWERS = (Queues, Described)
_BEGINNINGS = tuple(f'{{"event":"{kind.__name__}"'.encode() for kind in _ANSWERS)
#: So begins the last event of a run.
_ENDS = b'{"event":"Halted"'


class Recorder:
    """Writes into one file, until that fails. A run goes on without its recording."""

    def __init__(self, path: str, header: Header, overwrite: bool = False) -> None:
        """Begin the file. Raises BadValue if there is one already, ``overwrite`` apart, or it cannot be opened."""
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
        """Record these. Returns, once, the fault by which the recording has ended."""
        self.write(b"".join(encode(event) for event in events if not isinstance(event, _ANSWERS)))
        fault, self._fault = self._fault, None
        return fault

    def copy(self, lines: bytes) -> None:
        """Record these whole lines, which were written down elsewhere."""
        kept = (line for line in lines.splitlines(keepends=True) if not line.startswith(_BEGINNINGS))
        self.write(b"".join(kept))

    def write(self, lines: bytes) -> None:
        """Write whole lines; where not all of them fit, none that was cut in two is left."""
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
        """End the recording; ``cut``: behind its last whole line."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            try:
                if cut and self._regular:
                    os.ftruncate(descriptor, self._written)
                os.close(descriptor)
            except OSError:
                pass  # there is nothing left to be done for it


def _open(path: str, overwrite: bool) -> int:
    """A file to write, or a pipe or device that is there already; ``-``: standard output."""
    if path == NAME:
        return os.dup(1)
    flags = os.O_WRONLY | os.O_CREAT | PLAIN | NONBLOCK  # a pipe that nobody reads is refused
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
