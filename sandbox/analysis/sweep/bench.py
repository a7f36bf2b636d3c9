"""A warm worker, as whoever gives it work sees it, and ``run_chunk``, which any executor can call in any thread.

Each thread has a worker of its own, a process that is kept: it starts once. A policy may hang it, end it or fill its
memory; the rows come one by one, so it is known which run that was. This one gets a row that says why, and a new
worker goes on with the next. (``ProcessPoolExecutor`` loses all that is under way when one of its processes dies, and
cannot end one that hangs.)
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
from sandbox.link.wire import Lines, last_words
from sandbox.model.clause import Clause
from sandbox.policies.host.failures import cause
from sandbox.util.scratch import unnamed_file

#: A run ends by itself when its time is over; so many seconds later its worker is ended.
_GRACE_S = 3.0
#: How often is looked whether a silent worker lives.
_LOOK_S = 0.25
#: How long a worker may take to begin.
_BEGIN_S = 60.0
#: Bytes of what it wrote to its standard error: the dump of a deep stack fits.
_MAX_WORDS = 1 << 16


class Done(NamedTuple):
    """What came of a chunk: its rows in their order, and how long they took."""

    rows: list[bytes]
    seconds: float


class CannotWork(Exception):
    """No worker begins here, or it is of another version; the words say which."""


class OtherVersion(CannotWork):
    """Whoever shall do the work has another version than whoever asks for it."""


class _Died(Exception):
    def __init__(self, what: Clause) -> None:
        super().__init__(what.rule)
        self.what = what


#: On systems that have it.
_SIGKILL = 9


class Warm:
    """The process. To be used by one thread, which it does not outlive."""

    def __init__(self) -> None:
        root = str(Path(sandbox.__file__).parents[1])  # of this very version, wherever this one was imported from
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
        """The rows of a chunk, one after another. Raises _Died."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(messages.encode(chunk) + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise _Died(self._why()) from None
        for _ in chunk.rows:
            yield self._next(chunk.limit_s + _GRACE_S, over_time(chunk.limit_s))

    def _next(self, patience_s: float, late: Clause | None = None) -> bytes:
        """The next line, in time. ``late``: what to say of it if it is not."""
        assert self._process.stdout is not None
        until_s = time.monotonic() + patience_s
        while not self._read:
            if sys.platform != "win32" and not select([self._process.stdout], [], [], _LOOK_S)[0]:
                if time.monotonic() > until_s:
                    self.end()
                    raise _Died(late or self._why())
                if self._process.poll() is None:
                    continue
                raise _Died(self._why())  # somebody whom it has started may keep our pipe open
            data = os.read(self._process.stdout.fileno(), 1 << 18)
            if not data:
                raise _Died(self._why())
            self._read += self._lines.feed(data)
        return self._read.pop(0)

    def _why(self) -> Clause:
        """What it died of."""
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
        """End it and whatever is in its session."""
        with suppress(OSError):
            if sys.platform != "win32":
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._stderr):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


class _Mine(threading.local):
    warm: Warm | None = None


_mine = _Mine()
_all: set[Warm] = set()
#: Set while nobody wants what the workers do any more.
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
            rows.extend(_warm().rows(left))  # one by one: those before a death are kept
        except _Died as died:
            _dismiss()
            if _closed.is_set():
                raise CannotWork("closed") from None
            rows.append(failure(chunk, chunk.rows[len(rows)], died.what))
    return Done(rows, time.monotonic() - begun_s)


def _warm() -> Warm:
    """The worker of this thread."""
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
    """Workers of this process may begin again."""
    _closed.clear()


def end_all() -> None:
    """End the workers of all threads of this process, and let none begin."""
    _closed.set()
    for warm in [*_all]:
        _all.discard(warm)
        warm.end()


def version() -> str:
    """Of whoever does the work."""
    return __version__
