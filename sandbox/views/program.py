"""Events → where each process stands in its program, and whose the last turns were."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from copy import copy
from typing import NamedTuple

from sandbox.model.events import Change, Dispatched, Stepped

#: So many of the last turns are known by whose they were.
MAX_TURNS = 200


class Stand(NamedTuple):
    """Before which ``line`` of which ``file`` a thread stands (0: it has none left), in which ``function``."""

    file: str
    line: int
    function: str
    thread: int


class Steps:
    """One process: where its threads stand, what it has run last, and what changed by that."""

    __slots__ = ("changed", "count", "file", "line", "stands")

    def __init__(self) -> None:
        #: The last line that it has run, of which file; 0: none yet.
        self.file, self.line = "", 0
        self.changed: tuple[Change, ...] = ()
        #: How many lines it has run.
        self.count = 0
        self.stands: dict[int, Stand] = {}

    def apply(self, event: Stepped) -> None:
        """It has run a line."""
        self.changed = event.changed
        if event.line:
            self.file, self.line = event.file, event.line
            self.count += 1
        file = event.next_file or event.file
        self.stands[event.thread] = Stand(file, event.next_line, event.function, event.thread)

    @property
    def last(self) -> Stand | None:
        """Where the thread stands that has run last, which is the one that came last if it has run nothing."""
        return next(reversed(self.stands.values()), None)

    def copy(self) -> Steps:
        steps = copy(self)
        steps.stands = dict(self.stands)
        return steps


class Program:
    """All processes that run a line a turn, by pid, and the turns, whatever they are."""

    def __init__(self) -> None:
        self.steps: dict[int, Steps] = {}
        #: Who has run a line last.
        self.last: int | None = None
        #: Whose the last turns were, newest last, and how many there were.
        self.turns: deque[int] = deque(maxlen=MAX_TURNS)
        self.taken = 0

    def dispatch(self, event: Dispatched) -> None:
        """Somebody is on a CPU: perhaps a turn begins."""
        if event.begins_turn:
            self.turns.append(event.pid)
            self.taken += 1

    def step(self, event: Stepped) -> None:
        """Somebody has run a line."""
        steps = self.steps.get(event.pid)
        if steps is None:
            steps = self.steps[event.pid] = Steps()
        if event.thread in steps.stands and event.thread != next(reversed(steps.stands)):
            del steps.stands[event.thread]  # it comes last again
        steps.apply(event)
        self.last = event.pid

    def forget(self, pids: Iterable[int]) -> None:
        """These are remembered no longer."""
        for pid in pids:
            self.steps.pop(pid, None)

    def copy(self) -> Program:
        program = copy(self)
        program.steps = {pid: steps.copy() for pid, steps in self.steps.items()}
        program.turns = self.turns.copy()
        return program
