"""A line of clickable parts, of which the one under the mouse is underlined."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.strip import Strip

from sandbox.tui.widgets.lines import Lines

_OVER = Style(underline=True)


class Clickable(Lines):
    """A single line of clickable parts. Its text cannot be selected."""

    ALLOW_SELECT = False

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        #: The range of cells under the mouse, or None.
        self._over: tuple[int, int] | None = None

    def ends(self) -> Sequence[int]:
        """Return the cell at which each part ends; the first one begins at 0."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        if self._over is None or y:
            return strip
        start, end = self._over
        text = strip.crop(start, end).text
        start, end = start + cell_len(text) - cell_len(text.lstrip()), end - cell_len(text) + cell_len(text.rstrip())
        if not 0 <= start < end <= strip.cell_length:
            return strip
        before, inside, after = strip.divide([start, end, strip.cell_length])
        return Strip.join([before, inside.apply_style(_OVER), after])

    def on_mouse_move(self, event: events.MouseMove) -> None:
        spans = pairwise([0, *self.ends()])
        self._mark(next((span for span in spans if span[0] <= event.x < span[1]), None))

    def on_leave(self, event: events.Leave) -> None:
        self._mark(None)

    def _mark(self, over: tuple[int, int] | None) -> None:
        if self._over != over:
            self._over = over
            self.refresh()
