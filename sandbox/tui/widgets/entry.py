"""Input lines for what a client says or a console gets, and the prompts before them."""

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

#: The greatest width of a name in a prompt, in cells.
_MAX_NAME = 16
_LINE_END = re.compile(r"\r\n|\r|\n")
#: The most earlier lines that can be recalled.
_MAX_LINES = 200


class TakesAllKeys:
    """A widget that passes all keys on to a program."""

    @property
    def expects(self) -> bool:
        """Whether a key was pressed just now, so that its effect should be shown at once."""
        return False


class Prompt(Lines):
    """The receiver of what is typed, and whether it waits for input; as wide as its text. ``nobody``: the message if
    there is no receiver."""

    def __init__(self, id: str, nobody: str) -> None:
        super().__init__(id=id)
        self._nobody = nobody
        self._who: str | None = None
        self._asks = False

    def update_from(self, name: str | None, asks: bool) -> None:
        """Show the receiver's ``name`` (None: there is none). ``asks``: it waits for input."""
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
    """An input line that can be left. The arrow keys recall earlier lines. ``several``: pasted lines are submitted like
    typed ones; otherwise they are joined to one line, which is not submitted."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("entry")

    class Left(Message):
        """The user leaves the line."""

    class Pasted(Message):
        """Whole lines were pasted; the first one may begin with typed text."""

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
        #: How many lines back the recalled line is; 0: the new line, which is kept in the meantime.
        self._back = 0
        self._new = ""
        self._of: object = None

    def on_paste(self, event: Paste) -> None:
        """Insert a paste of several lines; Textual itself would keep only the first one."""
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
        """Set the receiver. If it changes, the text and the earlier lines are cleared, as they were not meant for
        it."""
        if whom != self._of:
            self._of = whom
            self._before.clear()
            self._back = 0
            self.clear()

    def take(self) -> None:
        """Clear the line, as its text has been sent, and keep the text for recall unless it is a password."""
        if self.value and not self.password and self.value not in self._before[-1:]:
            self._before = [*self._before, self.value][-_MAX_LINES:]
        self._back = 0
        self.clear()

    def action_recall(self, by: int) -> None:
        """Recall an earlier line, or go back to a later one."""
        back = max(min(self._back - by, len(self._before)), 0)
        if back == self._back:
            return
        if self._back == 0:
            self._new = self.value
        self._back = back
        self.value = self._before[-back] if back else self._new
        self.cursor_position = len(self.value)


class TypingLine(EntryLine):
    """An input line for a console. While it has the focus, the usual ctrl keys of terminals go to the process."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("typing")

    class Pressed(Message):
        """A key for the process was pressed."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    def action_press(self, key: str) -> None:
        self.post_message(self.Pressed(KEYS[key]))
