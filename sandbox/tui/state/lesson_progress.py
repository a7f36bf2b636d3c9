"""How far the reader of a lesson has come."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.model.events import Event, Operator
from sandbox.model.spec import Step


class Reading:
    """Steps are done as soon as what they wait for has happened. Where one pauses, though, what follows is not told
    before the reader goes on: the machine needs a moment to stop, and a lot can happen in it."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        #: Whether the lesson is open: it does not pause for nobody.
        self.open = False
        #: So many steps are done.
        self.done = 0
        #: Whether the reader is at a pause.
        self._stands = False
        self._asks = False

    @property
    def awaited(self) -> Step | None:
        """The step that is waited for, if any is."""
        return self.steps[self.done] if self.done < len(self.steps) else None

    @property
    def over(self) -> bool:
        """Whether there were steps, and all are done."""
        return bool(self.steps) and self.done == len(self.steps)

    @property
    def in_haste(self) -> bool:
        """Whether the machine shall pause as soon as the awaited step is done."""
        return self.open and not self._stands and self.awaited is not None and self.awaited.pause

    def take(self, events: Sequence[Event], reached: int) -> None:
        """Take in what has happened; by now so many steps have come."""
        if not self.open or any(_goes_on(event) for event in events):
            self._stands = False
        while self.done < reached and not self._stands:
            pauses = self.steps[self.done].pause
            self.done += 1
            self._stands = self._asks = pauses and self.open

    def pause(self) -> bool:
        """Whether the machine is to be asked for a pause now, once."""
        asks, self._asks = self._asks, False
        return asks


def _goes_on(event: Event) -> bool:
    return isinstance(event, Operator) and event.goes_on
