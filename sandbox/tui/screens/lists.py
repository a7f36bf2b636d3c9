"""The keys for the filter and the order of lists, common to all panels with a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.i18n import _
from sandbox.tui.interaction import tell
from sandbox.tui.state.listing import Listing
from sandbox.tui.widgets.filter import FilterLine

if TYPE_CHECKING:
    from sandbox.tui.screens.board import BoardScreen


class ListControls:
    """Controls the filter and order of the panel in front. ``filter``: the line for the search text."""

    def __init__(self, screen: BoardScreen) -> None:
        self._screen = screen
        self.filter = FilterLine(id="filter")

    @property
    def listing(self) -> Listing:
        """The filter and order of process lists."""
        return self._screen.session.view.listing

    def open_filter(self) -> None:
        """Let the user type a search text for the list in front."""
        if self._screen.front.filters:
            self.filter.open(self._text)
        else:
            tell(self._screen, _("There is no list to filter here"))

    def change(self, change: Callable[[Listing], object]) -> None:
        """Change the order of process lists, or which processes they show."""
        if self._screen.front.filters:
            change(self.listing)
        else:
            tell(self._screen, _("There is no list of processes here"))
        self._screen.show_soon()

    def look_for(self, text: str) -> None:
        """Show only items that contain this text."""
        if self._screen.front.filters == "log":
            self._screen.session.view.chronicle.look_for(text)
        else:
            self.listing.look_for(text)

    @property
    def _text(self) -> str:
        """The search text."""
        view = self._screen.session.view
        return {"log": view.chronicle.wanted, "processes": view.listing.text}.get(self._screen.front.filters, "")

    def update(self) -> None:
        """Show the search text, and the other filters."""
        view, filters = self._screen.session.view, self._screen.front.filters
        note = view.listing.said() if filters == "processes" else ""
        if self._text:
            shown, of = len(view.members), len(view.tree.members)
            if filters == "log":
                shown, of = len(view.chronicle.lines), view.chronicle.number
            note = "   ".join(filter(None, [_("{number} of {all}").format(number=shown, all=of), note]))
        self.filter.update_from(self._text, note)
