"""How far the reader of a lesson has come."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.lessons.tracker import LessonTracker
from sandbox.model.events import Event, Operator
from sandbox.model.spec import Scenario, Step
from sandbox.scenario import built_in_folder


class LessonProgress:
    """Steps are done as soon as what they wait for has happened. Where one pauses, though, what follows is not told
    before the reader goes on: the machine needs a moment to stop, and a lot can happen in it."""

    def __init__(self, scenario: Scenario) -> None:
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

    @property
    def awaited(self) -> Step | None:
        """The step that is waited for, if any is."""
        return self.steps[self.done] if self.done < len(self.steps) else None

    @property
    def all_done(self) -> bool:
        """Whether there were steps, and all are done."""
        return bool(self.steps) and self.done == len(self.steps)

    @property
    def in_haste(self) -> bool:
        """Whether the machine shall pause as soon as the awaited step is done."""
        return self.open and not self._stands and self.awaited is not None and self.awaited.pause

    def is_over(self, run_is_over: bool) -> bool:
        """Whether it is a lesson of the course that has come to its end; one without steps ends with its run."""
        return self.of_course and (self.all_done if self.steps else run_is_over)

    def add_events(self, events: Sequence[Event]) -> None:
        """Take in what has happened."""
        for event in events:
            self.story.add(event)
        if not self.open or any(_goes_on(event) for event in events):
            self._stands = False
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
