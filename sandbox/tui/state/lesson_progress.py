"""The reader's progress through a lesson."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum, auto

from sandbox.model.commands import Kill, Signal
from sandbox.model.events import Dispatched, Event, Operator
from sandbox.model.spec import Scenario, Step
from sandbox.scenario import built_in_folder
from sandbox.views.board import Board
from sandbox.views.tracker import LessonTracker


class Wait(StrEnum):
    """What a lesson is waiting for."""

    #: The reader, before anything has run.
    BEGINNING = auto()
    #: The reader, at a pause.
    READER = auto()
    #: An answer to a question.
    ANSWER = auto()
    #: An event that has not happened yet.
    STEP = auto()
    #: An event that can no longer happen.
    NEVER = auto()
    #: Nothing.
    NOTHING = auto()


#: Verbs of steps that happen after the end of a process.
_AFTER_ITS_END = ("is a zombie", "is reaped")


class LessonProgress:
    """The steps of a lesson that are done, and its pauses. A step is done once its event has happened; but after a step
    that pauses, later steps count only when the reader goes on, whatever has happened by then. The machine pauses by
    itself at such a step (see ``PauseAtSteps``); it is asked for a pause where a step becomes done later than its
    event."""

    def __init__(self, scenario: Scenario) -> None:
        self.exists = scenario.lesson is not None
        self._first = scenario.processes[0].name if scenario.processes else ""
        self.steps: Sequence[Step] = scenario.steps
        #: The processes that the scenario kills or sends signals to.
        self._killed = {at.do.who for at in scenario.script if isinstance(at.do, Kill | Signal)}
        #: Whether this is a lesson of the built-in course.
        self.of_course = scenario.lesson is not None and scenario.folder == str(built_in_folder())
        #: The events so far that the lesson's steps and texts refer to.
        self.story = LessonTracker(steps=[step.until for step in scenario.steps])
        #: Whether the lesson is shown; a lesson that is not shown does not pause.
        self.open = False
        #: The number of steps that are done.
        self.done = 0
        #: Whether the lesson stands at a pause.
        self._stands = False
        self._wants_pause = False
        #: Whether the run was let go on after the introduction.
        self._begun = False

    def begin(self) -> bool:
        """Begin the run. Returns whether it shall wait for the reader to read the introduction first."""
        self._stands = self.open and self.exists and not self._pauses_at_once
        self._begun = not self._stands
        return self._stands

    @property
    def _pauses_at_once(self) -> bool:
        """Whether the first step pauses at the first decision, so that no pause is needed before."""
        first = self.steps[0] if self.steps else None
        return first is not None and first.pause and (first.until.verb, first.until.who) == ("runs", self._first)

    @property
    def awaited(self) -> Step | None:
        """The next step that is not done; None if there is none."""
        return self.steps[self.done] if self.done < len(self.steps) else None

    @property
    def reader_kills(self) -> bool:
        """Whether the next step needs a process to be killed that only the reader can kill, as the scenario does
        not."""
        step = self.awaited
        return step is not None and step.until.verb == "is killed" and step.until.who not in self._killed

    @property
    def all_done(self) -> bool:
        """Whether the lesson has steps and all of them are done."""
        return bool(self.steps) and self.done == len(self.steps)

    def wait(self, board: Board, run_is_over: bool) -> Wait:
        """Return what the lesson is waiting for now."""
        came = self.done < len(self.story.reached)  # the step's event has happened; it counts when the reader goes on
        if self.awaited is not None and not came and (run_is_over or self._has_missed(self.awaited, board)):
            return Wait.NEVER
        if board.asked is not None:
            return Wait.ANSWER
        if board.paused and (came or not run_is_over):
            return Wait.READER if self._begun else Wait.BEGINNING
        return Wait.NOTHING if self.awaited is None else Wait.STEP

    def _has_missed(self, step: Step, board: Board) -> bool:
        """Whether the step is about a process that has ended, or about a child of one that has."""
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
        """Whether this is a lesson of the course that has come to its end; a lesson without steps ends with its run."""
        return self.of_course and (self.all_done if self.steps else run_is_over)

    def add_events(self, events: Sequence[Event]) -> None:
        """Take in new events, and count the steps that are done."""
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
        """Whether to ask the machine for a pause now; true once per pause."""
        wants, self._wants_pause = self._wants_pause, False
        return wants


def _goes_on(event: Event) -> bool:
    return isinstance(event, Operator) and event.goes_on
