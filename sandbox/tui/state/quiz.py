"""Who runs next? The questions of one run, what was said and what the policy did; the score."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.model.events import Dispatched, Event, Operator
from sandbox.views.board import Board


class Question(NamedTuple):
    """Who of the ``candidates``, in order of birth, gets ``cpu``? Questions are counted: ``number``."""

    number: int
    cpu: int
    candidates: tuple[int, ...]


class Verdict(NamedTuple):
    """Who was said to run next, and who was chosen."""

    said: int
    made: Dispatched

    @property
    def right(self) -> bool:
        return self.said == self.made.pid


class Quiz:
    """Off, unless somebody wants to be asked. A decision counts once, however often one goes back to it."""

    def __init__(self) -> None:
        self.on = False
        #: Whether the person at the keyboard wants to be asked; None: whatever the lesson does.
        self.wish: bool | None = None
        self.right = 0
        self.verdict: Verdict | None = None
        self._number = 0
        #: Who was said to get which CPU, while the machine has not decided yet.
        self._said: tuple[int, int] | None = None
        #: The decisions that were counted, by their place among the events.
        self._counted: set[int] = set()

    @property
    def answered(self) -> int:
        return len(self._counted)

    def ask(self, cpu: int, board: Board) -> Question:
        """Somebody is asked who of those who could run will get a CPU."""
        self._number += 1
        return self.asked(cpu, board)

    def asked(self, cpu: int, board: Board) -> Question:
        """The same question, as the board is by now."""
        candidates = {*board.ready} | {pid for on, pid in board.running.items() if on == cpu}
        return Question(self._number, cpu, tuple(sorted(candidates)))

    def say(self, pid: int, cpu: int) -> None:
        """He says that it will be this process; the machine has yet to decide."""
        self._said = pid, cpu

    def judge(self, said: int, made: Dispatched, index: int) -> None:
        """He said this, and that is what was decided, as the event of this index."""
        self.verdict = Verdict(said, made)
        if index not in self._counted:
            self._counted.add(index)
            self.right += self.verdict.right

    def take(self, event: Event, index: int) -> None:
        """Take in the next event of the run."""
        match event:
            case Operator() if event.asks_cpu is not None:
                self._number += 1
                self._said = None
            case Dispatched(cpu=cpu) if self._said is not None and self._said[1] == cpu:
                self.judge(self._said[0], event, index)
                self._said = None

    @property
    def waits(self) -> bool:
        """Whether something was said, and the machine has not decided yet."""
        return self._said is not None
