"""The line in which the user types a filter for lists; shown while typing, or while a filter is active."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input

from sandbox.i18n import _
from sandbox.tui.widgets.entry import EntryLine
from sandbox.tui.widgets.lines import Lines, line, width_of


class _Words(Lines):
    """A text before or after the input line, as wide as its words."""

    said = ""

    def say(self, said: str) -> None:
        """Show this text."""
        if said != self.said:
            self.said = said
            self.styles.width = width_of([(said, self.palette.dim)])
            self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        return [line([(self.said, self.palette.dim)], width)]


class FilterLine(Horizontal):
    """The line above the key bar."""

    class Changed(Message):
        """The filter text has changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The user leaves the line."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._before, self._behind = _Words(id="filter-title"), _Words(id="filter-note")
        self._line = EntryLine(id="filter-text", compact=True)

    def compose(self) -> ComposeResult:
        yield from (self._before, self._line, self._behind)

    def on_mount(self) -> None:
        self.display = False

    def open(self, text: str) -> None:
        """Show the line with this text and focus it."""
        self.display = True
        self._line.value = text
        self._line.cursor_position = len(text)
        self._line.focus()

    def update_from(self, text: str, note: str) -> None:
        """Show the filter of the lists in front. ``text``: the text searched for; ``note``: other filters, or the
        number of matches."""
        typing = self._line.has_focus
        if not typing and self._line.value != text:
            with self._line.prevent(Input.Changed):
                self._line.value = text
        self.display = typing or bool(text or note)
        if self.display:
            self._before.say(f" {_('only')} / ")
            self._behind.say(f" {note} ")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._line.has_focus:
            self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Leave the line and keep the filter."""
        event.stop()
        self.post_message(self.Left())

    def on_entry_line_left(self) -> None:
        """Leave the line and clear the filter."""
        self._line.value = ""
        self.post_message(self.Changed(""))
        self.post_message(self.Left())
