"""Worker processes, each of which does one task and reports the results.

A worker ends with its parent. It reads the task and writes messages as JSON, one object per line. A package that uses
one defines the task, the messages, and a ``__main__`` that calls ``serve``.
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
from types import TracebackType
from typing import BinaryIO, Generic, TypeVar

import msgspec

from sandbox.link.pipes import carry_out
from sandbox.link.wire import Lines, last_words
from sandbox.model.clause import Clause
from sandbox.model.values import BadValue
from sandbox.util.scratch import unnamed_file

#: Bytes of its standard error that are read, from the end; the dump of a deep stack fits.
_MAX_WORDS = 1 << 16


class Message(msgspec.Struct, frozen=True, tag_field="message"):
    """The base class of messages from a worker."""


class BadTask(Message, frozen=True, tag=True):
    """The task cannot be done. ``faults``: those of the BadValue that was raised."""

    faults: list[tuple[str, Clause]]


M = TypeVar("M", bound=Message)
Task = TypeVar("Task", bound=msgspec.Struct)
Tell = Callable[[Message], None]

_encode = msgspec.json.Encoder().encode


class Worker(Generic[M]):
    """The parent's side. The worker starts at once; ``fileno`` becomes readable when there is a message."""

    def __init__(self, package: str, task: msgspec.Struct, decode: Callable[[bytes], M]) -> None:
        """``package``: its ``__main__`` does the task; ``decode``: decodes a line into a message."""
        self._decode = decode
        self._lines = Lines()
        #: Whether no more messages will come.
        self.closed = False
        self._stderr = unnamed_file()
        with unnamed_file() as stdin:  # writing a large task to a pipe could block
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
        if self._process.stdout is not None:  # select() accepts only sockets on Windows
            carry_out(self._process.stdout, theirs)
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
        """Return the messages that have arrived, without waiting."""
        try:
            data = self._end.recv(1 << 18)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        self.closed = not data
        return [self._decode(line) for line in self._lines.feed(data)]

    def messages(self, patience_s: float) -> Iterator[M]:
        """Yield all messages until the worker has exited, for ``patience_s`` at most."""
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
        """Whether it has exited with status 0."""
        return self._process.poll() == 0

    def last_words(self) -> str:
        """Return the end of its standard error."""
        return last_words(self._stderr, _MAX_WORDS)

    def end(self, grace_s: float = 0) -> None:
        """Kill it. ``grace_s``: how long it has to end by itself after SIGTERM; 0: none is sent."""
        self.closed = True
        if grace_s:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        self._process.kill()
        self._process.wait()
        self._end.close()
        self._stderr.close()


def serve(decode: Callable[[bytes], Task], work: Callable[[Task, Tell], None], adopts: bool = False) -> None:
    """The worker's side: read the task from standard input and do it. Output of policies is discarded. ``adopts``: the
    worker starts untrusted processes, and inherits those that are left of them."""
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
    os._exit(0)  # do not wait for threads that a policy has started


def detach() -> BinaryIO:
    """Have this process killed when its parent dies, and reserve standard output for the parent: other output is
    discarded. Returns the file to write to."""
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
