"""Lists of rows that stand for items, such as processes or conversations, one of which can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Generic, TypeVar

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip

from sandbox.i18n import _
from sandbox.render.cells import fit_name
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.lines import Piece, ScrolledLines, Window, line, window

K = TypeVar("K")
#: A row: the item that it stands for, or None, and its strip.
Choice = tuple[K | None, Strip]


class Choices(ScrolledLines, Generic[K]):
    """A list of rows that remembers the session, the chosen item, the scroll position, and the item of each row
    drawn."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        #: The chosen item; None if none is chosen.
        self.chosen: K | None = None
        #: The index of the first item in sight, and whether the user has scrolled there; otherwise the chosen item is
        #: brought into sight.
        self.top = 0
        self.wheeled = False
        self._session: Session | None = None
        self._keys: list[K | None] = []

    def picked(self, key: K, twice: bool) -> Message:
        """Return the message to post when a row of this item is clicked, or clicked ``twice``."""
        raise NotImplementedError

    def order_at(self, x: int, y: int) -> str | None:
        """Return the order to sort by for a click on this cell of the widget (including borders), or None if it is no
        heading."""
        return None

    def rows(self, session: Session, width: int, height: int) -> Iterable[Choice[K]]:
        """Return the rows to show; rows beyond ``height`` are dropped."""
        raise NotImplementedError

    def remember(self, session: Session, chosen: K | None) -> None:
        """Remember what to show; if another item is chosen, it is brought into sight."""
        if session is not self._session:
            self.top, self.wheeled = 0, False
        if chosen != self.chosen:
            self.wheeled = False
            self.let_go()
        self._session, self.chosen = session, chosen

    @property
    def in_sight(self) -> list[K]:
        """The items of the rows drawn last."""
        return [key for key in self._keys if key is not None]

    def draw(self, width: int, height: int) -> list[Strip]:
        rows = [] if self._session is None else [*islice(self.rows(self._session, width, height), height)]
        self._keys = [key for key, __ in rows]
        return [strip for __, strip in rows]

    def row(self, key: K | None, pieces: Iterable[Piece], width: int) -> Choice[K]:
        """Return a row, highlighted if its item is chosen."""
        chosen = key is not None and key == self.chosen
        return key, line(pieces, width, self.palette.cursor if chosen else None)

    def scrolled(
        self, count: int, place: int | None, rows: Callable[[Window], Iterable[Choice[K]]], width: int, height: int
    ) -> Iterator[Choice[K]]:
        """Yield as many of ``count`` items as there is room for, with the chosen item's ``place`` in sight, and the
        numbers of items above and below. ``rows``: returns the rows of a window."""
        seen = window(count, height, self.top, None if self.wheeled else place)
        self.top = seen.first - (seen.above > 0)
        if seen.above:
            yield self.row(None, [(_("↑ {number} more").format(number=seen.above), self.palette.dim)], width)
        yield from rows(seen)
        if seen.below:
            yield self.row(None, [(_("↓ {number} more").format(number=seen.below), self.palette.dim)], width)

    def on_click(self, event: events.Click) -> None:
        """Choose the item clicked, or sort by the heading clicked; a double click does what the item's key does."""
        offset = self.place_of(event)
        order = self.order_at(event.x, event.y) if self._session is not None else None
        if order is not None:
            self.post_message(Sorted(order))
        elif offset is not None and 0 <= offset.y < len(self._keys):
            key = self._keys[offset.y]
            if key is not None:
                event.prevent_default()
                self.post_message(self.picked(key, event.chain == 2))

    def move(self, by: int) -> None:
        self.top, self.wheeled = max(self.top + by, 0), True


class Picked(Message):
    """A process was chosen by keys, or ``clicked``, perhaps ``twice``."""

    def __init__(self, pid: int, twice: bool = False, clicked: bool = False) -> None:
        super().__init__()
        self.pid, self.twice, self.clicked = pid, twice, clicked


class Sorted(Message):
    """A heading was clicked, to sort lists in this order."""

    def __init__(self, order: str) -> None:
        super().__init__()
        self.order = order


class Turned(Message):
    """The user wants to see the run after ``index`` events; None: the present."""

    def __init__(self, index: int | None) -> None:
        super().__init__()
        self.index = index


class Processes(Choices[int]):
    """A list of processes, identified by pid."""

    def process_at(self, place: Offset) -> int | None:
        return self._keys[place.y] if 0 <= place.y < len(self._keys) else None

    def picked(self, key: int, twice: bool) -> Message:
        return Picked(key, twice, clicked=True)

    def named(self, name: str, mark: str, width: int, style: Style) -> list[Piece]:
        """Return a name with its ``mark``, if any, in exactly ``width`` cells."""
        if not mark:
            return [(fit_name(name, width), style)]
        room = max(width - len(mark), 0)
        fitting = fit_name(name, min(cell_len(name), room))
        return [(fitting, style), (mark + " " * (room - cell_len(fitting)), self.palette.strong)]
