"""What every panel is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from textual.widget import Widget

from sandbox.events import Fault
from sandbox.tui.session import Session


class Panel(Widget):
    """One view of the machine. Whatever it does with keys of its own is among ``keys.ACTIONS`` under its name, and its
    ``BINDINGS`` are ``keys.bindings(name)``. Nobody calls it while it is not in front."""

    #: Whether the timeline stays below it: always, on terminals that are tall enough for both, or never.
    timeline: ClassVar[Literal["always", "tall", "never"]] = "tall"

    #: Whether who is folded away has no line on it: then he is not chosen either, but whose line he is part of.
    folds: ClassVar[bool] = False

    #: Keys that the user has moved, by action.
    keymap: Mapping[str, str] = {}

    def show(self, session: Session, chosen: int | None) -> None:
        """Show the session as it is now; called for every frame. ``chosen``: the pid of the chosen process."""
        raise NotImplementedError

    def arrive(self) -> None:
        """It has come to the front: by default it has the keys, if it can have them."""
        self.screen.set_focus(self if self.can_focus else None)

    def takes(self, fault: Fault) -> bool:
        """Whether it shows this fault itself, where it belongs; all others are told over the screen."""
        return False

    def leave(self) -> None:
        """Another one comes to the front."""
