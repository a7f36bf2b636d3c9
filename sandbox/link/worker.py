"""A worker: a child process that does one task and tells what comes of it.

It ends with its parent, and only its messages reach it: one JSON object a line each way. A package that gives its work
to one defines the task, the messages, and a ``__main__`` that calls ``serve``.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from select import select
from threading import Thread
from types import TracebackType
from typing import IO, BinaryIO, Generic, TypeVar

import msgspec

from sandbox.link.wire import Lines, last_words
from sandbox.model.clause import Clause
from sandbox.model.values import BadValue
from sandbox.util.scratch import unnamed_file

#: The end of what it wrote to its standard error, in bytes: the dump of a deep stack fits.
_MAX_WORDS = 1 << 16


class Message(msgspec.Struct, frozen=True, tag_field="message"):
    """A message of a worker."""


class BadTask(Message, frozen=True, tag=True):
    """The task cannot be done: the faults of the BadValue that says why."""

    faults: list[tuple[str, Clause]]


M = TypeVar("M", bound=Message)
Task = TypeVar("Task", bound=msgspec.Struct)
Tell = Callable[[Message], None]

_encode = msgspec.json.Encoder().encode


class Worker(Generic[M]):
    """The parent's side. The work begins at once; ``fileno`` is readable as soon as there is a message."""

    def __init__(self, package: str, task: msgspec.Struct, decode: Callable[[bytes], M]) -> None:
        """``package``: the one whose ``__main__`` does it; ``decode``: a line as a message."""
        self._decode = decode
        self._lines = Lines()
        #: Whether it has nothing more to tell.
        self.closed = False
        self._stderr = unnamed_file()
        with unnamed_file() as stdin:  # a pipe may be too small for the task, and nobody shall wait
            stdin.write(_encode(task) + b"\n")
            stdin.seek(0)
            self._end, theirs = socket.socketpair()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-X", "utf8", "-m", package],
                stdin=stdin,
                stdout=subprocess.PIPE if sys.platform == "win32" else theirs.fileno(),
                stderr=self._stderr,
                start_new_session=True,
            )
        if self._process.stdout is not None:  # one can wait for sockets everywhere, for pipes not
            Thread(target=_pass_on, args=(self._process.stdout, theirs), daemon=True).start()
        else:
            theirs.close()
        self._end.setblocking(False)

    def __enter__(self) -> Worker[M]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    @property
    def os_pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        return self._end.fileno()

    def receive(self) -> list[M]:
        """The messages that have come, without waiting for more."""
        try:
            data = self._end.recv(1 << 18)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        self.closed = not data
        return [self._decode(line) for line in self._lines.feed(data)]

    def messages(self, patience_s: float) -> Iterator[M]:
        """All messages until it has ended, or until it has taken so long."""
        give_up_s = time.monotonic() + patience_s
        while not self.closed and time.monotonic() < give_up_s:
            select([self], [], [], max(give_up_s - time.monotonic(), 0))
            yield from self.receive()
        try:
            self._process.wait(max(give_up_s - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            pass

    @property
    def succeeded(self) -> bool:
        """Whether it has ended with exit status 0."""
        return self._process.poll() == 0

    def last_words(self) -> str:
        """The end of what it wrote to its standard error."""
        return last_words(self._stderr, _MAX_WORDS)

    def end(self, grace_s: float = 0) -> None:
        """End it, whatever it is doing. ``grace_s``: it is asked to, and may take so long."""
        self.closed = True
        if grace_s:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        self._process.kill()
        self._process.wait()
        self._end.close()
        self._stderr.close()


def _pass_on(pipe: IO[bytes], end: socket.socket) -> None:
    """All that comes out of a pipe, to a socket."""
    with pipe, end, suppress(OSError):  # nobody listens any more
        while data := os.read(pipe.fileno(), 1 << 16):
            end.sendall(data)


def serve(decode: Callable[[bytes], Task], work: Callable[[Task, Tell], None], adopts: bool = False) -> None:
    """The worker's side: read the task from standard input and do it. What policies print meanwhile goes nowhere.
    ``adopts``: it starts those whom it does not trust: whatever is left of them becomes its own child."""
    if adopts and sys.platform == "linux":
        from sandbox.link.client import adopt_orphans
        from sandbox.util import libc

        adopt_orphans()
        libc.let_nobody_in()
    tell = _begin()
    task = decode(sys.stdin.buffer.readline())
    try:
        work(task, tell)
    except BadValue as bad:
        tell(BadTask(bad.faults))
    os._exit(0)  # whatever a policy has left running


def detach() -> BinaryIO:
    """End with the parent, and have standard output for it alone: what policies print goes nowhere."""
    if sys.platform == "linux":
        from sandbox.util import libc

        libc.end_with_reader(sys.stdout.fileno())
    parent = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return parent


def _begin() -> Tell:
    parent = detach()

    def tell(message: Message) -> None:
        parent.write(_encode(message) + b"\n")
        parent.flush()

    return tell
