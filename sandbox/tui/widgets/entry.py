"""Lines in which one types, what a client says or what a console is told; and before each, whom it is for."""

from __future__ import annotations

import re
from collections.abc import Sequence
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

#: Cells of a name in a prompt.
_MAX_NAME = 16
_LINE_END = re.compile(r"\r\n|\r|\n")
#: Lines that can be had back.
_MAX_LINES = 200


class TakesAllKeys:
    """A widget that hands on every key it gets: to a program, which knows what each is for."""

    @property
    def expects(self) -> bool:
        """Whether somebody has just pressed a key, and waits to see what comes of it."""
        return False


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
            return [(f" {_(self._nobody)} ", palette.dim)]
        name = fit_name(self._who, min(cell_len(self._who), _MAX_NAME))
        return (
            [(f" {_('{name} waits for a line').format(name=name)} ", palette.paused), (" ", palette.text)]
            if self._asks
            else [(f" {name} ▸ ", palette.strong)]
        )


class EntryLine(Input):
    """A line that one can leave. The lines before come back with the arrows, which lead nowhere else from here.
    ``several``: several lines that are pasted are as many that are typed; else they are one, and nothing is taken
    before the reader says so."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("entry")

    class Left(Message):
        """Nobody wants to type any more."""

    class Pasted(Message):
        """Whole lines, the first of which may have been begun by hand."""

        def __init__(self, lines: list[str]) -> None:
            super().__init__()
            self.lines = lines

    def __init__(
        self,
        id: str | None = None,
        compact: bool = False,
        placeholder: str = "",
        before: Sequence[str] = (),
        several: bool = False,
    ) -> None:
        super().__init__(id=id, compact=compact, placeholder=placeholder)
        self._several = several
        self._before = [*before]
        #: How many lines back the one is that is shown; 0: a new one, which is kept meanwhile.
        self._back = 0
        self._new = ""
        self._of: object = None

    def on_paste(self, event: Paste) -> None:
        """Textual itself would keep the first line, and lose the others."""
        *whole, rest = _LINE_END.split(event.text)
        if not whole:
            return
        event.prevent_default()
        event.stop()
        if self._several:
            self.replace(whole[0], *self.selection)
            self.post_message(self.Pasted([self.value, *whole[1:]]))
            self.value = rest
            self.cursor_position = len(rest)
        else:
            self.replace(" ".join(filter(None, map(str.strip, [*whole, rest]))), *self.selection)

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def meant_for(self, whom: object) -> None:
        """Who gets what is typed: a line that was begun for somebody else is nothing for them."""
        if whom != self._of:
            self._of = whom
            self._before.clear()
            self._back = 0
            self.clear()

    def take(self) -> None:
        """What it says has been sent: it begins anew, and can be had back, unless it is a password."""
        if self.value and not self.password and self.value not in self._before[-1:]:
            self._before = [*self._before, self.value][-_MAX_LINES:]
        self._back = 0
        self.clear()

    def action_recall(self, by: int) -> None:
        """The line before, or the one after."""
        back = max(min(self._back - by, len(self._before)), 0)
        if back == self._back:
            return
        if self._back == 0:
            self._new = self.value
        self._back = back
        self.value = self._before[-back] if back else self._new
        self.cursor_position = len(self.value)


class TypingLine(EntryLine):
    """A line for a console. While it has the keys, those with ctrl that terminals know are the process's, too."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("typing")

    class Pressed(Message):
        """A key for the process."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    def action_press(self, key: str) -> None:
        self.post_message(self.Pressed(KEYS[key]))
