"""What lists show, and in which order: the keys for that are the same on every panel that has a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.i18n import _
from sandbox.tui.interaction import tell
from sandbox.tui.state.listing import Listing
from sandbox.tui.widgets.filter import FilterLine

if TYPE_CHECKING:
    from sandbox.tui.screens.board import BoardScreen


class ListControls:
    """Of the panel in front of a screen. ``filter``: the line for what is looked for in it."""

    def __init__(self, screen: BoardScreen) -> None:
        self._screen = screen
        self.filter = FilterLine(id="filter")

    @property
    def listing(self) -> Listing:
        """How processes are listed."""
        return self._screen.session.view.listing

    def open_filter(self) -> None:
        """Have a person say what the list in front shall show."""
        if self._screen.front.filters:
            self.filter.open(self._text)
        else:
            tell(self._screen, _("There is no list to filter here"))

    def look_for(self, text: str) -> None:
        """Show what has this in it, and nothing else."""
        if self._screen.front.filters == "log":
            self._screen.session.view.chronicle.look_for(text)
        else:
            self.listing.look_for(text)

    @property
    def _text(self) -> str:
        """What is looked for."""
        view = self._screen.session.view
        return {"log": view.chronicle.wanted, "processes": view.listing.text}.get(self._screen.front.filters, "")

    def update(self) -> None:
        """Show what is looked for, and what is left out."""
        view, filters = self._screen.session.view, self._screen.front.filters
        note = view.listing.said() if filters == "processes" else ""
        if self._text:
            shown, of = len(view.members), len(view.tree.members)
            if filters == "log":
                shown, of = len(view.chronicle.lines), view.chronicle.number
            note = "   ".join(filter(None, [_("{number} of {all}").format(number=shown, all=of), note]))
        self.filter.update_from(self._text, note)
