"""The position of each stepped process in its program, and the last turns, folded from events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from copy import copy
from typing import NamedTuple

from sandbox.model.events import Change, Dispatched, Stepped

#: The number of last turns whose processes are remembered.
MAX_TURNS = 200


class Stand(NamedTuple):
    """The position of a thread: the next ``line`` (0: none is left) of ``file``, and its ``function``."""

    file: str
    line: int
    function: str
    thread: int


class Steps:
    """The steps of one process: the positions of its threads, its last line, and what that changed."""

    __slots__ = ("changed", "count", "file", "line", "stands")

    def __init__(self) -> None:
        #: The file and line that it ran last; line 0: none yet.
        self.file, self.line = "", 0
        self.changed: tuple[Change, ...] = ()
        #: The number of lines it has run.
        self.count = 0
        self.stands: dict[int, Stand] = {}

    def apply(self, event: Stepped) -> None:
        """Apply the event of a line that the process has run."""
        self.changed = event.changed
        if event.line:
            self.file, self.line = event.file, event.line
            self.count += 1
        file = event.next_file or event.file
        self.stands[event.thread] = Stand(file, event.next_line, event.function, event.thread)

    @property
    def last(self) -> Stand | None:
        """The position of the thread that ran last, or was created last if none has run; None if there is no thread."""
        return next(reversed(self.stands.values()), None)

    def copy(self) -> Steps:
        steps = copy(self)
        steps.stands = dict(self.stands)
        return steps


class Program:
    """All processes that run one line per turn, by pid, and the last turns of any kind."""

    def __init__(self) -> None:
        self.steps: dict[int, Steps] = {}
        #: The process that has run a line last.
        self.last: int | None = None
        #: The pids of the last turns, newest last, and the number of all turns.
        self.turns: deque[int] = deque(maxlen=MAX_TURNS)
        self.taken = 0

    def dispatch(self, event: Dispatched) -> None:
        """Apply a dispatch, with which a turn may begin."""
        if event.begins_turn:
            self.turns.append(event.pid)
            self.taken += 1

    def step(self, event: Stepped) -> None:
        """Apply the event of a line that a process has run."""
        steps = self.steps.get(event.pid)
        if steps is None:
            steps = self.steps[event.pid] = Steps()
        if event.thread in steps.stands and event.thread != next(reversed(steps.stands)):
            del steps.stands[event.thread]  # apply then inserts it as the last one
        steps.apply(event)
        self.last = event.pid

    def forget(self, pids: Iterable[int]) -> None:
        """Forget processes."""
        for pid in pids:
            self.steps.pop(pid, None)

    def copy(self) -> Program:
        program = copy(self)
        program.steps = {pid: steps.copy() for pid, steps in self.steps.items()}
        program.turns = self.turns.copy()
        return program
