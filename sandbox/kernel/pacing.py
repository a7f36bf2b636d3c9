"""Automatic pauses: after a single step, before a choice that the user makes or predicts, at a lesson's step."""

from __future__ import annotations

from collections.abc import Callable, Sized

from sandbox.model.events import Event
from sandbox.model.rules import PausedBy

#: Why the machine is paused: it asks which process the policy will pick; which one it shall pick; a single step is
#: over; a step of a lesson has come true.
QUESTION = "question"
CHOICE = PausedBy.CHOICE
STEP = "step"
LESSON = "lesson"


class Pacing:
    """Which pauses the operator has asked for, and the reason of the current one."""

    def __init__(self) -> None:
        #: The reason of the current pause; "" if there is none.
        self.by = ""
        #: Decisions until the next pause; 0: none is due.
        self.steps = 0
        #: Whether to ask before each choice between several processes; whether the next choice has been answered.
        self.asks = self.answered = False
        #: Given the events of this instant so far, tells whether a new one of them is what a lesson's step waits for.
        self.watch: Callable[[list[Event]], bool] | None = None
        #: Whether to pause when it is.
        self.at_steps = False

    def awaited(self, events: list[Event]) -> bool:
        """Whether what a lesson's step waits for has come true."""
        return self.watch is not None and self.watch(events)

    def asks_about(self, candidates: Sized, chooses: bool) -> str:
        """Return the reason to pause before a choice between these candidates, or "". ``chooses``: the policy leaves
        the choice to the user, who is there."""
        if self.answered or len(candidates) < 2:
            return ""
        if chooses:
            return CHOICE
        return QUESTION if self.asks else ""

    def decided(self) -> None:
        """Note that the policy has chosen. A user who makes the choices is asked for each CPU, even at one instant."""
        if self.by == CHOICE:
            self.answered = False

    def step(self, paused: bool) -> None:
        """Go on until one more decision has been made. Where the user makes the choices, a step goes to the next
        question or to a decision that leaves no choice."""
        self.steps += 2 if paused and self.by == CHOICE else 1

    def paused(self, by: str) -> None:
        """Note that the machine pauses for this reason. Remaining steps are dropped."""
        self.by, self.steps = by, 0

    def resumed(self) -> bool:
        """Note that the machine goes on. Returns whether the pause was a question, which is not asked again then."""
        self.answered = self.by in (QUESTION, CHOICE)
        return self.answered

    def pauses_after(self, decided: bool, events: list[Event]) -> str:
        """Return the reason to pause after a dispatch, or "". ``decided``: the dispatch was a decision of the policy,
        not the continuation after a pause."""
        if self.steps and decided:
            self.steps -= 1
            if self.steps == 0:
                return STEP
        return LESSON if self.at_steps and self.awaited(events) else ""
