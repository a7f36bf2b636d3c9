"""The caller's side of persistent workers, and ``run_chunk``, which any executor can call in any thread.

Each thread has a worker process of its own, which is started once. A policy may hang, kill or exhaust it. Rows arrive
one by one, so the run is known in which that happens: it gets a row with the reason, and a new worker continues with
the next run. (``ProcessPoolExecutor`` loses all pending work when one of its processes dies, and cannot end a hanging
one.)
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from select import select
from typing import NamedTuple

import msgspec

import sandbox
from sandbox import __version__
from sandbox.analysis.sweep import messages
from sandbox.analysis.sweep.messages import Chunk
from sandbox.analysis.sweep.run import failure, over_time
from sandbox.link.pipes import Source
from sandbox.link.wire import Lines, last_words
from sandbox.model.clause import Clause
from sandbox.policies.host.failures import cause
from sandbox.util.scratch import unnamed_file

#: A run ends by itself when its time is over; its worker is killed so many seconds later.
_GRACE_S = 3.0
#: How often a silent worker is checked.
_LOOK_S = 0.25
#: How long a worker may take to start.
_BEGIN_S = 60.0
#: Bytes of its standard error that are read; the dump of a deep stack fits.
_MAX_WORDS = 1 << 16


class Done(NamedTuple):
    """The result of a chunk: its rows in their order, and how many seconds they took."""

    rows: list[bytes]
    seconds: float


class CannotWork(Exception):
    """No worker can be started here, or it has another version; the message says which."""


class OtherVersion(CannotWork):
    """The worker has another version than the caller."""


class _Died(Exception):
    def __init__(self, what: Clause) -> None:
        super().__init__(what.rule)
        self.what = what


#: Not defined in ``signal`` on all systems.
_SIGKILL = 9


class Warm:
    """A worker process. It is used by one thread, and does not outlive that."""

    def __init__(self) -> None:
        root = str(Path(sandbox.__file__).parents[1])  # so that the worker imports the same version
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._stderr = unnamed_file()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", "-m", "sandbox.analysis.sweep"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"},
        )
        assert self._process.stdout is not None
        self._says = Source(self._process.stdout)
        self._lines = Lines()
        self._read: list[bytes] = []
        try:
            version = self._next(_BEGIN_S).decode()
        except _Died as died:
            raise CannotWork(died.what.text("reason") or died.what.rule) from None
        if version != __version__:
            self.end()
            raise CannotWork(version)

    def rows(self, chunk: Chunk) -> Iterator[bytes]:
        """Make the runs of a chunk, and yield the rows. Raises _Died."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(messages.encode(chunk) + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise _Died(self._why()) from None
        for _ in chunk.rows:
            yield self._next(chunk.limit_s + _GRACE_S, over_time(chunk.limit_s))

    def _next(self, patience_s: float, late: Clause | None = None) -> bytes:
        """Return the next line. Raises _Died, with ``late`` if that is given and the time is over."""
        until_s = time.monotonic() + patience_s
        while not self._read:
            if not select([self._says], [], [], _LOOK_S)[0]:
                if time.monotonic() > until_s:
                    self.end()
                    raise _Died(late or self._why())
                if self._process.poll() is None:
                    continue
                raise _Died(self._why())  # a descendant may keep the pipe open
            data = self._says.read(1 << 18)
            if not data:
                raise _Died(self._why())
            self._read += self._lines.feed(data)
        return self._read.pop(0)

    def _why(self) -> Clause:
        """Return why it has died."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_S)
        words = ""
        with suppress(OSError, ValueError):
            words = last_words(self._stderr, _MAX_WORDS)
        status = self._process.returncode
        found = cause(words, hangs="run hangs", died="worker died")
        if found.rule == "worker died" and status is not None and (status >= 0 or status == -_SIGKILL):
            rule = "worker was killed" if status < 0 else "run ends the process"
            return Clause(rule, {"status": status} if status >= 0 else {})
        return found

    def end(self) -> None:
        """Kill it and its process group."""
        with suppress(OSError):
            if sys.platform != "win32":
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._says, self._stderr):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


class _Mine(threading.local):
    warm: Warm | None = None


_mine = _Mine()
_all: set[Warm] = set()
#: Set once the results of workers are not wanted any more.
_closed = threading.Event()


def run_chunk(message: bytes) -> Done:
    """Make the runs of an encoded chunk. Raises CannotWork."""
    if messages.version_of(message) != __version__:
        raise OtherVersion(__version__)
    chunk = messages.decode(message)
    begun_s = time.monotonic()
    rows: list[bytes] = []
    while len(rows) < len(chunk.rows):
        left = msgspec.structs.replace(chunk, rows=chunk.rows[len(rows) :])
        try:
            rows.extend(_warm().rows(left))  # extends row by row, so that those before a death are kept
        except _Died as died:
            _dismiss()
            if _closed.is_set():
                raise CannotWork("closed") from None
            rows.append(failure(chunk, chunk.rows[len(rows)], died.what))
    return Done(rows, time.monotonic() - begun_s)


def _warm() -> Warm:
    """Return the worker of this thread."""
    if _closed.is_set():
        raise CannotWork("closed")
    if _mine.warm is None:
        _mine.warm = Warm()
        _all.add(_mine.warm)
    return _mine.warm


def _dismiss() -> None:
    warm, _mine.warm = _mine.warm, None
    if warm is not None:
        _all.discard(warm)
        warm.end()


def open_all() -> None:
    """Allow workers to be started again."""
    _closed.clear()


def end_all() -> None:
    """Kill the workers of all threads of this process, and start no more."""
    _closed.set()
    for warm in [*_all]:
        _all.discard(warm)
        warm.end()


def version() -> str:
    """Return the version of this package. Called on a cluster's workers."""
    return __version__
