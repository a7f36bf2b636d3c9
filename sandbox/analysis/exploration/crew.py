"""Workers that make the runs, each in a process that is kept: ``python -m sandbox.analysis.exploration``.

They are given orders in turn, and the next one before the previous run is returned, so that none of them ever waits.
They end with us, and so do all processes that they have started.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from select import select
from types import TracebackType
from typing import Any

import msgspec

from sandbox.analysis.exploration.known import Gone
from sandbox.analysis.exploration.runs import Run, Start
from sandbox.analysis.exploration.search import Task
from sandbox.link.wire import Lines, last_words
from sandbox.model.events import Clause
from sandbox.model.spec import Scenario
from sandbox.util.scratch import unnamed_file

#: The maximum number of orders that a worker has, including the one in progress.
_AHEAD = 2
#: How long workers may take to exit by themselves, in seconds.
_LEAVE_S = 2.0

Select = Callable[..., Any]


class Opening(msgspec.Struct, frozen=True):
    """The first message to a worker: the scenario, the real CPU for its programs (None: any), and the os_pid of its
    parent."""

    scenario: Scenario
    cpu: int | None = None
    parent: int = 0


class Order(msgspec.Struct, frozen=True):
    """The first turns of a run, and how it goes on; see ``Runner.run``."""

    order: tuple[str, ...]
    roams: bool = False
    met: Sequence[Gone] = ()
    start: Start | None = None


class Lost(Exception):
    """A worker has ended, or cannot work at all. ``words``: its last output."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Refused(msgspec.Struct, frozen=True):
    """The answer that this scenario cannot be explored, and why."""

    refused: Clause


class CannotExplore(Exception):
    """The scenario cannot be explored. ``what``: the reason, as in ``Refused``."""

    def __init__(self, what: Clause) -> None:
        super().__init__(what.rule)
        self.what = what


_encode = msgspec.json.Encoder().encode
_decode: Callable[[bytes], Run] = msgspec.json.Decoder(Run).decode
_decode_refusal = msgspec.json.Decoder(Refused).decode


#: At most so many bytes are read from a worker's standard error.
_MAX_WORDS = 1 << 14


class Hand:
    """One worker."""

    def __init__(self, opening: Opening) -> None:
        self._lines = Lines()
        self._read: deque[bytes] = deque()
        self._stderr = unnamed_file()
        self._told = 0
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", "-m", "sandbox.analysis.exploration"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},  # so that states have the same keys in all of them
        )
        self._send(opening)

    def give(self, task: Task, met: Sequence[Gone]) -> None:
        self._send(Order(task.order, task.roams, met[self._told :], task.start))
        self._told = len(met)

    def _send(self, message: msgspec.Struct) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # noticed when its answer is awaited
            self._process.stdin.write(_encode(message) + b"\n")
            self._process.stdin.flush()

    def next(self, wait: Select, until_s: float) -> Run | None:
        """Return its next run; None if it takes longer than until ``until_s`` (monotonic). Raises Lost, CannotExplore,
        and what ``wait`` raises."""
        assert self._process.stdout is not None
        while not self._read:
            wait([self._process.stdout], [], [], max(until_s - time.monotonic(), 0))
            if not select([self._process.stdout], [], [], 0)[0]:
                return None
            data = os.read(self._process.stdout.fileno(), 1 << 18)
            if not data:
                raise Lost(self._last_words())
            self._read += self._lines.feed(data)
        line = self._read.popleft()
        if line.startswith(b'{"refused"'):
            raise CannotExplore(_decode_refusal(line).refused)
        return _decode(line)

    def _last_words(self) -> str:
        self._process.wait()
        return last_words(self._stderr, _MAX_WORDS)

    def leave(self) -> None:
        """Let the worker exit."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def end(self, until_s: float) -> None:
        """Wait until the worker has exited. It is killed if it is still there at ``until_s`` (monotonic)."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(until_s - time.monotonic(), 0))
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._stderr.close()


class Workers:
    """A number of workers (``jobs``). ``cpus``: the real CPUs for their programs, one for each worker in turn;
    ``wait``: the ``select`` to use."""

    def __init__(self, scenario: Scenario, jobs: int, cpus: Sequence[int] = (), wait: Select = select) -> None:
        self._wait = wait
        self._hands: list[Hand] = []
        self._under_way: deque[Hand] = deque()
        self._given = 0
        self._scenario, self._jobs, self._cpus = scenario, jobs, cpus

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for hand in self._hands:
            hand.leave()
        until_s = time.monotonic() + _LEAVE_S
        for hand in self._hands:
            hand.end(until_s)

    @property
    def slots(self) -> int:
        """How many orders may be given out. The first run is made alone: it shows whether there is anything to
        share."""
        return self._jobs * _AHEAD if self._given else 1

    def give(self, task: Task, met: Sequence[Gone]) -> None:
        number = self._given % self._jobs
        if number == len(self._hands):
            cpu = self._cpus[number % len(self._cpus)] if self._cpus else None
            self._hands.append(Hand(Opening(self._scenario, cpu, os.getpid())))
        self._given += 1
        self._hands[number].give(task, met)
        self._under_way.append(self._hands[number])

    def next(self, within_s: float) -> Run | None:
        """Return the next run, or None if it takes longer. Raises Lost and CannotExplore."""
        return self._under_way.popleft().next(self._wait, time.monotonic() + within_s)
