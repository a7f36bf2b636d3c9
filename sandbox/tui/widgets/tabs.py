"""The line of panels: which there are, and which one is in front."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from textual import events
from textual.message import Message
from textual.strip import Strip

from sandbox.i18n import _
from sandbox.render.cells import fit
from sandbox.tui.keys import ACTIONS, PANELS, Action
from sandbox.tui.widgets.lines import Lines, Piece, line, width_of

#: The lesson is no panel: it stands beside the timeline.
_LESSON = next(action for action in ACTIONS if action.id == "lesson")
#: Cells of a name: more are not needed, and fewer tell nothing.
MAX_NAME, MIN_NAME = 16, 2


class Clicked(Message):
    """Something was clicked that stands for a key. ``does``: the action that this key has; ``panel``: whose action."""

    def __init__(self, does: str, panel: str = "") -> None:
        super().__init__()
        self.does, self.panel = does, panel


class Tabs(Lines):
    """One line."""

    ALLOW_SELECT = False

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._open: set[str | None] = set()

    def update_from(self, front: str | None, lesson: bool) -> None:
        """Mark the panel in front, and the lesson if it is open."""
        present = {front, _LESSON.id if lesson else None}
        if present != self._open:
            self._open = present
            self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        return [line([piece for __, pieces in self._tabs(width) for piece in pieces], width)]

    def _tabs(self, width: int) -> list[tuple[Action, list[Piece]]]:
        """All of them: names give way where there is little room, first the blanks, then the ends of the longest."""
        drawn = [*self._with_names(MAX_NAME, " ", "  ")]
        for longest, gap in [(MAX_NAME, " "), *((longest, "") for longest in range(MAX_NAME, MIN_NAME - 1, -1))]:
            if sum(width_of(pieces) for __, pieces in drawn) <= width:
                break
            drawn = [*self._with_names(longest, gap, "")]
        return drawn

    def _with_names(self, longest: int, gap: str, end: str) -> Iterator[tuple[Action, list[Piece]]]:
        palette = self.palette
        for action in (*PANELS, _LESSON):
            key, mark = self.key(action.id), "▸" if action.id in self._open else " "
            style = palette.strong if action.id in self._open else palette.dim
            name = _(action.name)
            name = fit(name, min(cell_len(name), longest))
            before = f" {mark}" if end else mark
            yield action, [(before, palette.strong), (key, palette.text), (f"{gap}{name}{end}", style)]

    def on_click(self, event: events.Click) -> None:
        """Turn to the one that was clicked."""
        x = event.x
        for action, pieces in self._tabs(self.size.width):
            x -= width_of(pieces)
            if x < 0:
                self.post_message(Clicked(action.does))
                return
