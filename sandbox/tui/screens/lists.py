"""What lists show, and in which order: the keys for that are the same on every panel that has a list."""

from __future__ import annotations

from sandbox.i18n import _
from sandbox.tui.interaction import tell
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.choices import Sorted
from sandbox.tui.widgets.filter import FilterLine
from sandbox.tui.widgets.lines import SelectingScreen
from sandbox.tui.widgets.question import QuestionBox
from sandbox.tui.widgets.tabs import Clicked


class ListScreen(SelectingScreen[None]):
    """A screen over a session, with a panel in front and a line for what is looked for in it."""

    session: Session
    front: Panel
    question: QuestionBox

    def __init__(self) -> None:
        super().__init__()
        self.filter = FilterLine(id="filter")

    def show_soon(self) -> None:
        """A person has changed something, and wants to see it."""
        raise NotImplementedError

    def on_resize(self) -> None:
        """How much stands side by side depends on the room, even where nothing happens."""
        self.call_after_refresh(self.show_soon)

    async def on_clicked(self, message: Clicked) -> None:
        """What was clicked does what its key does."""
        of = {"": self, "question": self.question, "terminal": self.focused}.get(message.panel, self.front)
        await self.app.run_action(message.does, of)

    def action_filter(self) -> None:
        """Say what the list in front shall show."""
        if self.front.filters:
            self.filter.open(self._filter_text)
        else:
            tell(self, _("There is no list to filter here"))

    @property
    def _filter_text(self) -> str:
        view = self.session.view
        return {"log": view.chronicle.wanted, "processes": view.listing.text}.get(self.front.filters, "")

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        if self.front.filters == "log":
            self.session.view.chronicle.look_for(message.text)
        else:
            self.session.view.listing.look_for(message.text)
        self.show_soon()

    def on_filter_line_left(self) -> None:
        self.front.take_keys()
        self.show_soon()

    def action_sort(self) -> None:
        """The next order of processes."""
        self.session.view.listing.next_order()
        self.show_soon()

    def action_sort_backwards(self) -> None:
        listing = self.session.view.listing
        listing.backwards = bool(listing.order) and not listing.backwards
        self.show_soon()

    def action_hide_ended(self) -> None:
        """Leave out those that have ended, or do not."""
        listing = self.session.view.listing
        listing.living = not listing.living
        self.show_soon()

    def on_sorted(self, message: Sorted) -> None:
        """A heading was clicked."""
        self.session.view.listing.take_order(message.order)
        self.show_soon()

    def update_filter(self) -> None:
        view = self.session.view
        note = view.listing.said() if self.front.filters == "processes" else ""
        if self._filter_text:
            shown, of = len(view.members), len(view.tree.members)
            if self.front.filters == "log":
                shown, of = len(view.chronicle.lines), view.chronicle.number
            note = "   ".join(filter(None, [_("{number} of {all}").format(number=shown, all=of), note]))
        self.filter.update_from(self._filter_text, note)
