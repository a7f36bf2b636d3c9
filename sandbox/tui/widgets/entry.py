"""Lines in which one types, what a client says or what a console is told; and before each, whom it is for."""

from __future__ import annotations

import re
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import BindingType
from textual.events import Paste
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input

from sandbox.i18n import _
from sandbox.model.commands import KEYS, Key
from sandbox.render.cells import fit_name
from sandbox.tui.keys import bindings
from sandbox.tui.widgets.lines import Lines, Piece, line, width_of

_LINE_END = re.compile(r"\r\n|\r|\n")
#: Cells of a name in a prompt.
_MAX_NAME = 16


class Prompt(Lines):
    """Who is told what is typed, and whether it waits for that; as wide as what it says. ``nobody``: the message for
    where nobody would hear."""

    def __init__(self, id: str, nobody: str) -> None:
        super().__init__(id=id)
        self._nobody = nobody
        self._who: str | None = None
        self._asks = False

    def update_from(self, name: str | None, asks: bool) -> None:
        """``name`` None: nobody is there. ``asks``: it waits until somebody types."""
        if (self._who, self._asks) != (name, asks):
            self._who, self._asks = name, asks
            self.styles.width = width_of(self._pieces())
            self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        return [line(self._pieces(), width)]

    def _pieces(self) -> list[Piece]:
        palette = self.palette
        if self._who is None:
            return [(f" {_(self._nobody)}", palette.dim)]
        name = fit_name(self._who, min(cell_len(self._who), _MAX_NAME))
        return (
            [(f" {_('{name} waits for a line').format(name=name)} ", palette.paused), (" ", palette.text)]
            if self._asks
            else [(f" {name} ▸ ", palette.strong)]
        )


class EntryLine(Input):
    """A line that one can leave."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("entry")

    class Left(Message):
        """Nobody wants to type any more."""

    def action_leave(self) -> None:
        self.post_message(self.Left())


class TypingLine(EntryLine):
    """A line for a console. While it has the keys, those with ctrl that terminals know are the process's, too."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("typing")

    class Pressed(Message):
        """A key for the process."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    class Pasted(Message):
        """Whole lines, all at once; what follows the last of them is still to be gone on with."""

        def __init__(self, lines: list[str]) -> None:
            super().__init__()
            self.lines = lines

    def on_paste(self, event: Paste) -> None:
        """Of itself an input takes the first line, and forgets the others."""
        *lines, rest = _LINE_END.split(event.text)
        if lines:
            event.stop()
            event.prevent_default()
            lines[0] = self.value + lines[0]
            self.value, self.cursor_position = rest, len(rest)
            self.post_message(self.Pasted(lines))

    def action_press(self, key: str) -> None:
        self.post_message(self.Pressed(KEYS[key]))
