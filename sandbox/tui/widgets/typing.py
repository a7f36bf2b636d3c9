"""Lines in which one types: what a client says, what a console is told."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from sandbox.model.commands import KEYS, Key
from sandbox.tui.keys import bindings


class EntryLine(Input):
    """A line that one can leave."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("entry")

    class Left(Message):
        """Nobody wants to type any more."""

    def action_entry_leave(self) -> None:
        """Leave it."""
        self.post_message(self.Left())


class TypingLine(EntryLine):
    """While it has the keys, those with ctrl that terminals know are the process's, too."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("typing")

    class Pressed(Message):
        """A key for the process."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    def action_typing_interrupt(self) -> None:
        """Interrupt who reads."""
        self.post_message(self.Pressed(KEYS["ctrl+c"]))

    def action_typing_end(self) -> None:
        """End what it reads."""
        self.post_message(self.Pressed(KEYS["ctrl+d"]))

    def action_typing_suspend(self) -> None:
        """Suspend it."""
        self.post_message(self.Pressed(KEYS["ctrl+z"]))
