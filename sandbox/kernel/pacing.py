"""When the machine pauses by itself: after a decision that was stepped to, and before a choice that is asked about."""

from __future__ import annotations

from collections.abc import Callable, Sized

from sandbox.model.events import Event
from sandbox.model.rules import PausedBy

#: By whom the machine is paused while it asks who will run, or who shall, after a step, and where a lesson's step
#: pauses.
QUESTION = "question"
CHOICE = PausedBy.CHOICE
STEP = "step"
LESSON = "lesson"


class Pacing:
    """What the operator wants of pauses, and who made the present one."""

    def __init__(self) -> None:
        #: Who paused the machine, if it is paused.
        self.by = ""
        #: Decisions until the next pause; 0: none.
        self.steps = 0
        #: Whether to pause before each choice between several, and whether the present choice has been asked about.
        self.asks = self.answered = False
        #: Looks at the events of this instant as they come, the last of which may not be all: whether one of those
        #: that are new is what a reader waits for who wants the machine to pause there.
        self.watch: Callable[[list[Event]], bool] | None = None
        #: Whether somebody wants that.
        self.at_steps = False

    def awaited(self, events: list[Event]) -> bool:
        """Whether to pause because of what has just come."""
        return self.at_steps and self.watch is not None and self.watch(events)

    def asks_about(self, candidates: Sized, chooses: bool) -> str:
        """By whom the machine is paused before a choice between these; "": by nobody. ``chooses``: the policy leaves it
        to somebody who is there."""
        if self.answered or len(candidates) < 2:
            return ""
        if chooses:
            return CHOICE
        return QUESTION if self.asks else ""

    def decided(self) -> None:
        """The policy has chosen. Who is to choose himself is asked about each CPU, even at one instant."""
        if self.by == CHOICE:
            self.answered = False

    def step(self, paused: bool) -> None:
        """Go on until one more decision has been made. Who makes them himself steps from question to question, or to
        the decision that leaves no choice."""
        self.steps += 2 if paused and self.by == CHOICE else 1

    def paused(self, by: str) -> None:
        """The machine pauses: steps that were still to be made are forgotten."""
        self.by, self.steps = by, 0

    def resumed(self) -> bool:
        """The machine goes on; returns whether it was asking. What was asked about is not asked again."""
        self.answered = self.by in (QUESTION, CHOICE)
        return self.answered

    def pauses_after(self, decided: bool, events: list[Event]) -> str:
        """By whom the machine is paused after a dispatch, which was ``decided`` by the policy; "": by nobody."""
        if self.steps and decided:
            self.steps -= 1
            if self.steps == 0:
                return STEP
        return LESSON if self.at_steps and self.awaited(events) else ""
