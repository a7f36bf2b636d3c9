"""How far the reader of a lesson has come."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum, auto

from sandbox.model.events import Dispatched, Event, Operator
from sandbox.model.spec import Scenario, Step
from sandbox.scenario import built_in_folder
from sandbox.views.board import Board
from sandbox.views.tracker import LessonTracker


class Wait(StrEnum):
    """What a lesson waits for."""

    #: For its reader, before anything has run.
    BEGINNING = auto()
    #: For its reader, at a pause.
    READER = auto()
    #: For an answer.
    ANSWER = auto()
    #: For something that is yet to happen.
    STEP = auto()
    #: For something that cannot happen any more.
    NEVER = auto()
    #: For nothing.
    NOTHING = auto()


#: What becomes of a process that has ended.
_AFTER_ITS_END = ("is a zombie", "is reaped")


class LessonProgress:
    """Steps are done as soon as what they wait for has happened. Where one pauses, though, what follows is not told
    before the reader goes on, whatever has happened by then. The machine pauses by itself at such a step (see
    ``PauseAtSteps``); it is asked to where a step is told only after it was done."""

    def __init__(self, scenario: Scenario) -> None:
        self.exists = scenario.lesson is not None
        self._first = scenario.processes[0].name if scenario.processes else ""
        self.steps: Sequence[Step] = scenario.steps
        #: Whether this is a lesson of the course.
        self.of_course = scenario.lesson is not None and scenario.folder == str(built_in_folder())
        #: What has happened that the lesson speaks of.
        self.story = LessonTracker(steps=[step.until for step in scenario.steps])
        #: Whether the lesson can be seen: else it does not pause.
        self.open = False
        #: How many steps are done.
        self.done = 0
        #: Whether the reader is at a pause.
        self._stands = False
        self._wants_pause = False
        #: Whether its reader has let it begin.
        self._begun = False

    def begin(self) -> bool:
        """The run begins. Returns whether it is to wait for its reader first, who reads what it will be about."""
        self._stands = self.open and self.exists and not self._pauses_at_once
        self._begun = not self._stands
        return self._stands

    @property
    def _pauses_at_once(self) -> bool:
        """Whether its first step is a pause at the first decision: it needs none before that."""
        first = self.steps[0] if self.steps else None
        return first is not None and first.pause and (first.until.verb, first.until.who) == ("runs", self._first)

    @property
    def awaited(self) -> Step | None:
        """The step that is waited for, if any is."""
        return self.steps[self.done] if self.done < len(self.steps) else None

    @property
    def all_done(self) -> bool:
        """Whether there were steps, and all are done."""
        return bool(self.steps) and self.done == len(self.steps)

    def wait(self, board: Board, run_is_over: bool) -> Wait:
        """What it waits for now."""
        came = self.done < len(self.story.reached)  # it has happened, and is told when the reader goes on
        if self.awaited is not None and not came and (run_is_over or self._has_missed(self.awaited, board)):
            return Wait.NEVER
        if board.asked is not None:
            return Wait.ANSWER
        if board.paused and (came or not run_is_over):
            return Wait.READER if self._begun else Wait.BEGINNING
        return Wait.NOTHING if self.awaited is None else Wait.STEP

    def _has_missed(self, step: Step, board: Board) -> bool:
        """Whether it is about a process that has ended, or about a child of one that has."""
        who, verb = step.until.who, step.until.verb
        while who:
            pids = [pid for pid, path in self.story.paths.items() if path == who and pid in board.rows]
            if pids:
                gone = all(board.rows[pid].exited is not None for pid in pids)
                if who == step.until.who and verb in _AFTER_ITS_END:
                    return False
                return gone or (verb == "is born" and who == step.until.who)
            who = who.rpartition("/")[0]
        return False

    def is_over(self, run_is_over: bool) -> bool:
        """Whether it is a lesson of the course that has come to its end; one without steps ends with its run."""
        return self.of_course and (self.all_done if self.steps else run_is_over)

    def add_events(self, events: Sequence[Event]) -> None:
        """Take in what has happened."""
        for event in events:
            self.story.add(event)
        begins = not self._begun and any(isinstance(event, Dispatched) for event in events)
        if not self.open or begins or any(_goes_on(event) for event in events):
            self._stands, self._begun = False, True
        while self.done < len(self.story.reached) and not self._stands:
            pauses = self.steps[self.done].pause
            self.done += 1
            self._stands = self._wants_pause = pauses and self.open

    def wants_pause(self) -> bool:
        """Whether the machine is to be asked for a pause now, once."""
        wants, self._wants_pause = self._wants_pause, False
        return wants


def _goes_on(event: Event) -> bool:
    return isinstance(event, Operator) and event.goes_on
