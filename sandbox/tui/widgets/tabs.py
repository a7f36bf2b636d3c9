"""The tabs of the panels, with the one in front marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from rich.cells import cell_len
from textual import events
from textual.message import Message
from textual.strip import Strip

from sandbox.i18n import Messages, _
from sandbox.tui.keys import ACTIONS, PANELS, Action
from sandbox.tui.widgets.clickable import Clickable
from sandbox.tui.widgets.lines import Piece, line, width_of

#: The lesson is not a panel, as it stands next to the timeline, but has a tab, too.
_LESSON = next(action for action in ACTIONS if action.id == "lesson")
_TABS = (*PANELS, _LESSON)
#: Short names for use if there is little room, in this order; the name of the panel in front is never shortened.
_SHORT: Messages = {
    "quadrants": "Quad",
    "compare": "Comp",
    "memory": "Mem",
    "console": "Cons",
    "program": "Prog",
    "sockets": "Sock",
    "queues": "Queue",
    "states": "State",
    "waits": "Wait",
}


class Clicked(Message):
    """A widget that stands for a key was clicked. ``does``: the key's action; ``panel``: the panel that has it ("": the
    main screen)."""

    def __init__(self, does: str, panel: str = "") -> None:
        super().__init__()
        self.does, self.panel = does, panel


class Tabs(Clickable):
    """The line of tabs."""

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
        """Return the tabs. If there is little room, blanks are omitted first, then the longest names are shortened (the
        same ones whichever panel is in front), and at last the names farthest from the front panel are omitted."""
        names = {action.id: _(action.name) for action in _TABS}
        for gap, end in ((" ", "  "), (" ", ""), ("", "")):
            drawn = [*self._named(names, gap, end)]
            if _width_of(drawn) <= width:
                return drawn
        left, more = width - _width_of(drawn), 0
        for id_, short in _SHORT.items():
            saved = cell_len(names[id_]) - cell_len(_(short))
            left, more = left + saved, max(more, saved)
            if id_ not in self._open:
                names[id_] = _(short)
            if left >= more:  # there is room even for the longest name in full
                break
        else:
            for id_ in self._from_afar():
                names[id_] = ""
                if _width_of(self._named(names, "", "")) <= width:
                    break
        return [*self._named(names, "", "")]

    def _from_afar(self) -> list[str]:
        """Return the tabs that are not open, those farthest from the panel in front first."""
        ids = [action.id for action in _TABS]
        front = next((place for place, id_ in enumerate(ids) if id_ in self._open), 0)
        return sorted((id_ for id_ in ids if id_ not in self._open), key=lambda id_: -abs(ids.index(id_) - front))

    def _named(self, names: Mapping[str, str], gap: str, end: str) -> Iterator[tuple[Action, list[Piece]]]:
        palette = self.palette
        for action in _TABS:
            key, mark = self.key(action.id), "▸" if action.id in self._open else " "
            style = palette.strong if action.id in self._open else palette.dim
            before, name = f" {mark}" if end else mark, names[action.id]
            said = f"{gap}{name}{end}" if name else ""
            yield action, [(before, palette.strong), (key, palette.text), (said, style)]

    def ends(self) -> list[int]:
        return [*accumulate(width_of(pieces) for __, pieces in self._tabs(self.size.width))]

    def on_click(self, event: events.Click) -> None:
        """Show the panel that was clicked."""
        x = event.x
        for action, pieces in self._tabs(self.size.width):
            x -= width_of(pieces)
            if x < 0:
                self.post_message(Clicked(action.does))
                return


def _width_of(drawn: Iterable[tuple[Action, list[Piece]]]) -> int:
    return sum(width_of(pieces) for __, pieces in drawn)
