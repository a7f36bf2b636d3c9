"""Lines that are longer than the screen: tables and charts, scrolled."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from sandbox.i18n import _
from sandbox.render.gantt import Line
from sandbox.tui.widgets.lines import ScrolledLines, line


class Pages(ScrolledLines):
    """Lines whose pieces have tones: each the name of a style."""

    DEFAULT_CLASSES = "framed main"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._all: Sequence[Line] = ()
        self._top = 0

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show these, from their beginning."""
        if lines is not self._all:
            self._all, self._top = lines, 0
            self.update_lines()

    def scroll_lines(self, by: int) -> None:
        self._top = max(min(self._top + by, len(self._all) - self.size.height), 0)
        self.update_lines()

    @property
    def place(self) -> str:
        """Which of the lines are in sight, in words; "" if all are."""
        count, height = len(self._all), self.size.height
        if count <= height:
            return ""
        figures = {"first": self._top + 1, "last": min(self._top + height, count), "number": count}
        return _("{first} … {last} of {number} lines").format(**figures)

    def draw(self, width: int, height: int) -> list[Strip]:
        shown = self._all[self._top : self._top + height]
        return [
            line([(text, getattr(self.palette, tone)) for text, tone in pieces], width) if pieces else self.blank(width)
            for pieces in shown
        ]
