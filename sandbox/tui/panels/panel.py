"""The base class of panels."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.timer import Timer
from textual.widget import Widget

from sandbox.model.events import Fault
from sandbox.tui.config import config_of
from sandbox.tui.state.session import Session


class Panel(Widget):
    """One view of the machine. The actions of a panel's own keys are in ``keys.ACTIONS`` under its name, and its
    ``BINDINGS`` are ``keys.bindings(name)``. A panel that is not in front is never called and costs nothing."""

    #: Whether the timeline stays below the panel: always, on terminals that are tall enough for both, or never.
    timeline: ClassVar[Literal["always", "tall", "never"]] = "tall"

    #: Whether processes that are folded away have no line on it, so that the process whose line they are part of is
    #: chosen instead.
    folds: ClassVar[bool] = False

    #: What a filter can hide: processes (also on the timeline below), lines of the log, or nothing.
    filters: ClassVar[Literal["processes", "log", ""]] = "processes"

    #: The interval in seconds at which the panel is polled while in front, for changes without events; None: no
    #: polling.
    poll_every_s: ClassVar[float | None] = None

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._polling: Timer | None = None

    def update_from(self, session: Session, chosen: int | None) -> None:
        """Show the session as it is now; called for every frame. ``chosen``: the pid of the chosen process, or None."""
        raise NotImplementedError

    def poll(self) -> None:
        """Look for changes that no event reports."""

    def single_out(self) -> None:
        """Restrict the view to the chosen process, as the lesson is about it; does nothing by default."""

    def shows_fault(self, fault: Fault) -> bool:
        """Whether the panel shows this fault itself; other faults are shown as messages over the screen."""
        return False

    def arrive(self) -> None:
        """Prepare for being in front."""
        self.take_keys()
        if self.poll_every_s is not None and self._polling is None:
            self.poll()
            self._polling = self.set_interval(self.poll_every_s, self.poll)

    def leave(self) -> None:
        """Stop polling, as another panel comes to the front."""
        if self._polling is not None:
            self._polling.stop()
            self._polling = None

    def take_keys(self) -> None:
        """Take the keyboard focus, or clear it if the panel cannot have it."""
        self.screen.set_focus(self if self.can_focus else None)

    def key(self, action: str) -> str:
        """Return the key of an action, as users write it."""
        return config_of(self).key(action)
