"""Distributes work over forked copies of this process, which share all that it has read and checked.

Results are returned in the order of the pieces of work, whichever copy has done them. If a copy is killed or exits, the
process ends in the same way, as if it had done the work itself.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from select import select
from typing import Any, Generic, NoReturn, TypeVar

from sandbox.util.cpus import usable_cpus
from sandbox.util.timeout import ALARM

R = TypeVar("R")

_LENGTH = struct.Struct("=Q")
#: Pieces are handed out in batches of equal size, about so many for each CPU, because some pieces take longer.
_BATCHES_A_CPU = 8
#: Bytes that are read at once.
_PIECE = 1 << 20
#: How long copies may take to finish once they are asked to stop.
_PATIENCE_S = 2.0


def cpus() -> int:
    """Return how many copies can work at the same time; 1 if this process must not be forked."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return len(usable_cpus())


class _Copy:
    """A copy at work, and the results that it has sent so far."""

    def __init__(self, os_pid: int, source: int, pieces: range) -> None:
        self.os_pid, self.source, self.pieces = os_pid, source, pieces
        self._came = bytearray()
        self._done = 0

    def fileno(self) -> int:
        return self.source

    def read(self) -> Iterator[tuple[int, Any]]:
        """Yield the numbers and results of the pieces that it has done since. Raises EOFError at the end."""
        data = os.read(self.source, _PIECE)
        if not data:
            raise EOFError
        self._came += data
        while len(self._came) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._came)[0]
            if len(self._came) < end:
                return
            result = pickle.loads(memoryview(self._came)[_LENGTH.size : end])  # noqa: S301 - a copy of ourselves
            del self._came[:end]
            yield self.pieces[self._done], result
            self._done += 1


class Copies(Generic[R]):
    """Forks copies that call ``work`` with the numbers below ``number``, ``jobs`` copies at a time. ``is_last``:
    whether a copy stops after this result. Not for a process with other threads."""

    def __init__(self, work: Callable[[int], R], number: int, jobs: int, is_last: Callable[[R], bool]) -> None:
        self._work, self._number, self._jobs, self._is_last = work, number, jobs, is_last
        batch = max(number // (jobs * _BATCHES_A_CPU), 1)
        self._todo = [range(first, min(first + batch, number)) for first in range(0, number, batch)][::-1]
        self._at_work: list[_Copy] = []
        self._results: dict[int, R] = {}

    def results(self, wait: Callable[..., object] = select) -> Iterator[tuple[int, R]]:
        """Yield the number and the result of each piece in order. ``wait``: like ``select``; it may raise."""
        for number in range(self._number):
            while number not in self._results:
                while self._todo and len(self._at_work) < self._jobs:
                    self._begin(self._todo.pop())
                if not self._at_work:
                    return
                wait(self._at_work, [], [])
                self._hear()
            yield number, self._results.pop(number)

    def stop(self) -> None:
        """Start no more copies, and ask those at work to finish."""
        self._todo.clear()
        for copy in self._at_work:
            os.kill(copy.os_pid, signal.SIGTERM)

    def rest(self) -> Iterator[tuple[int, R]]:
        """After ``stop``: yield the results that arrive in time, in order."""
        give_up_s = time.monotonic() + _PATIENCE_S
        while self._at_work and select(self._at_work, [], [], max(give_up_s - time.monotonic(), 0))[0]:
            self._hear()
        for number in sorted(self._results):
            yield number, self._results.pop(number)

    def end(self) -> None:
        """Kill the copies that are still at work."""
        if sys.platform == "win32":
            raise NotImplementedError
        for copy in self._at_work:
            os.kill(copy.os_pid, signal.SIGKILL)
            os.waitpid(copy.os_pid, 0)
            os.close(copy.source)
        self._at_work.clear()

    def _begin(self, pieces: range) -> None:
        if sys.platform == "win32":
            raise NotImplementedError
        source, out = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent, os_pid = os.getpid(), os.fork()
        if not os_pid:
            self._do(pieces, out, parent)
        os.close(out)
        self._at_work.append(_Copy(os_pid, source, pieces))

    def _do(self, pieces: range, out: int, parent: int) -> NoReturn:
        from sandbox.util import libc

        ALARM.begin_anew()
        status = 1
        try:
            if libc.end_with_parent(parent):
                with os.fdopen(out, "wb") as file:
                    for piece in pieces:
                        result = self._work(piece)
                        said = pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
                        file.write(_LENGTH.pack(len(said)) + said)
                        file.flush()
                        if self._is_last(result):
                            break
                status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _hear(self) -> None:
        for copy in select(self._at_work, [], [], 0)[0]:
            try:
                self._results.update(copy.read())
            except EOFError:
                self._at_work.remove(copy)
                os.close(copy.source)
                status = os.waitstatus_to_exitcode(os.waitpid(copy.os_pid, 0)[1])
                if status:
                    self.end()
                    _end_like(status)


def _end_like(status: int) -> NoReturn:
    """End this process in the same way as a copy, which has printed the reason."""
    if sys.platform == "win32":
        raise NotImplementedError
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(abs(status))
