"""The dialog with the result of a search for a failing order of turns."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from sandbox.analysis.exploration.messages import Explored
from sandbox.i18n import _
from sandbox.tui.screens.dialogs import Dialog, entitle
from sandbox.tui.widgets.lines import WIDE

#: The greatest width of the dialog, as in the styles, and the cells next to its lines: borders, blanks, a scrollbar.
_MAX_WIDTH, _FRAME = 104, 7


def room(columns: int) -> int:
    """Return the width of a line of the report, in cells, on a screen with so many columns."""
    return (columns if columns < WIDE else min(columns * 9 // 10, _MAX_WIDTH)) - _FRAME


class ShowExplored(Dialog[bool]):
    """The report, as the command prints it. The result is True if the order found shall be opened."""

    BINDINGS: ClassVar[list[BindingType]] = [("enter", "accept", "Open")]

    def __init__(self, name: str, found: Explored) -> None:
        super().__init__()
        self._scenario_name, self._found = name, found

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box") as box:
            keys = _("⏎ open this order   ↑ ↓ scroll   esc close") if self._found.order else _("↑ ↓ scroll   esc close")
            entitle(box, _("Explore: {name}").format(name=self._scenario_name), keys)
            yield Static(Text("\n".join(self._found.lines), no_wrap=True))

    def action_accept(self) -> None:
        self.dismiss(bool(self._found.order))
