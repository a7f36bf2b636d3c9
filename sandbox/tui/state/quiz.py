"""The quiz "Who runs next?": the questions of a run, the reader's answers, the policy's decisions, and the score."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.model.events import Dispatched, Event, Operator
from sandbox.tui.state.viewpoint import Viewpoint
from sandbox.views.board import Board


class Question(NamedTuple):
    """The question which of the ``candidates``, in order of birth, gets ``cpu``. ``number``: a running number.
    ``chooses``: the answer decides it."""

    number: int
    cpu: int
    candidates: tuple[int, ...]
    chooses: bool = False


class Verdict(NamedTuple):
    """The process that the reader expected to run next, and the decision that was made."""

    said: int
    made: Dispatched

    @property
    def right(self) -> bool:
        return self.said == self.made.pid


class _PastQuestion(NamedTuple):
    """A question about a past ``decision``. ``made``: the point just after the decision. ``move``: the viewpoint's move
    that led to the question; any other move ends it."""

    question: Question
    decision: Dispatched
    made: int
    move: int


class Quiz:
    """Questions about decisions, asked while ``on``. Live, the machine pauses before each choice, undecided; in the
    past, the decision is known. A decision counts once, however often the reader returns to it."""

    def __init__(self, view: Viewpoint) -> None:
        self.on = False
        #: Whether the user wants to be asked; None: as the lesson wants.
        self.wish: bool | None = None
        self.right = 0
        self._view = view
        self._verdict: Verdict | None = None
        self._past: _PastQuestion | None = None
        self._number = 0
        #: The expected pid and the CPU, while the machine has not decided yet.
        self._said: tuple[int, int] | None = None
        #: The decisions that were counted, by the number of events up to and including them.
        self._counted: set[int] = set()

    @property
    def answered(self) -> int:
        return len(self._counted)

    @property
    def question(self) -> Question | None:
        """The question at the point looked at; None if there is none."""
        if self._view.looks_back:
            return None if self._asked_of_past is None else self._asked_of_past.question
        board = self._view.live.board
        if board.asked is None or self._said is not None:
            return None
        return self._ask(board.asked, board)._replace(chooses=board.chooses)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on the last question, as long as no later decision is looked at."""
        verdict, recent = self._verdict, reversed(self._view.board.recent)
        last = next((event for event in recent if isinstance(event, Dispatched)), None)
        return verdict if verdict is not None and last == verdict.made else None

    def step(self) -> None:
        """Go to the next decision of the past. While the quiz is on and several processes could run, ask about it
        first."""
        made = self._view.next_decision
        asked = None if not self.on or self._asked_of_past is not None else self._view.past.question(made)
        if asked is not None:
            point, decision = asked
            self._view.see(point)
            self._number += 1
            question = self._ask(decision.cpu, self._view.board)
            if len(question.candidates) > 1:
                self._past = _PastQuestion(question, decision, made, self._view.moves)
                return
        self._view.go(made)

    def answer(self, pid: int) -> bool:
        """Answer that this process runs next. Returns whether the machine is yet to decide it."""
        asked = self._asked_of_past
        if asked is not None:
            self._judge(pid, asked.decision, asked.made)
            self._view.go(asked.made)
        elif (cpu := self._view.live.board.asked) is not None:
            self._said = pid, cpu
            return True
        return False

    def add_event(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case Operator() if event.asks_cpu is not None:
                self._number += 1
                self._said = None
            case Dispatched(cpu=cpu) if self._said is not None and self._said[1] == cpu:
                self._judge(self._said[0], event, len(self._view.past))
                self._said = None

    @property
    def _asked_of_past(self) -> _PastQuestion | None:
        """The question about the past; None if the reader has moved to another point since."""
        return self._past if self._past is not None and self._past.move == self._view.moves else None

    def _ask(self, cpu: int, board: Board) -> Question:
        """Return the question which of the processes able to run gets a CPU, as the board stands."""
        candidates = {*board.ready} | {pid for on, pid in board.running.items() if on == cpu}
        return Question(self._number, cpu, tuple(sorted(candidates)))

    def _judge(self, said: int, made: Dispatched, index: int) -> None:
        """Compare an answer with the decision. ``index``: the number of events up to and including the decision."""
        self._verdict = Verdict(said, made)
        if index not in self._counted:
            self._counted.add(index)
            self.right += self._verdict.right
