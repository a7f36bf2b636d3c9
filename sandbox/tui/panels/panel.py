"""What every panel is."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.timer import Timer
from textual.widget import Widget

from sandbox.model.events import Fault
from sandbox.tui.config import config_of
from sandbox.tui.state.session import Session


class Panel(Widget):
    """One view of the machine. Whatever it does with keys of its own is among ``keys.ACTIONS`` under its name, and its
    ``BINDINGS`` are ``keys.bindings(name)``. Nobody calls it while it is not in front, and it costs nothing then."""

    #: Whether the timeline stays below it: always, on terminals that are tall enough for both, or never.
    timeline: ClassVar[Literal["always", "tall", "never"]] = "tall"

    #: Whether processes that are folded away have no line on it: then the one whose line they are part of is chosen.
    folds: ClassVar[bool] = False

    #: What its list can leave out with a filter: processes (the timeline below has them, too), lines of the log, or
    #: nothing.
    filters: ClassVar[Literal["processes", "log", ""]] = "processes"

    #: While it is in front, how often it looks at what no event tells, in seconds; None: events tell all.
    poll_every_s: ClassVar[float | None] = None

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._polling: Timer | None = None

    def update_from(self, session: Session, chosen: int | None) -> None:
        """Show the session as it is now; called for every frame. ``chosen``: the pid of the chosen process."""
        raise NotImplementedError

    def poll(self) -> None:
        """Look at what no event tells."""

    def single_out(self) -> None:
        """The lesson speaks of the chosen process."""

    def shows_fault(self, fault: Fault) -> bool:
        """Whether it shows this fault itself, where it belongs; all others are told over the screen."""
        return False

    def arrive(self) -> None:
        """It has come to the front."""
        self.take_keys()
        if self.poll_every_s is not None and self._polling is None:
            self.poll()
            self._polling = self.set_interval(self.poll_every_s, self.poll)

    def leave(self) -> None:
        """Another one comes to the front."""
        if self._polling is not None:
            self._polling.stop()
            self._polling = None

    def take_keys(self) -> None:
        """Have the keys, if it can have them."""
        self.screen.set_focus(self if self.can_focus else None)

    def key(self, action: str) -> str:
        """The key of an action, as people write it."""
        return config_of(self).key(action)
