"""The base class of pictures with processes in boxes, which can be chosen by a click."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region

from sandbox.i18n import _
from sandbox.render.cells import fit, fit_name
from sandbox.tui.palette import FAILED_SIGN, SIGNS, ZOMBIE_SIGN
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.canvas import Canvas
from sandbox.tui.widgets.choices import Picked
from sandbox.tui.widgets.lines import Lines, Piece
from sandbox.views.board import Row

_BETWEEN = 2


class Picture(Lines):
    """A picture that remembers the session, the chosen process, and the place of each name."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        #: The chosen process, if it is born by the time looked at.
        self.chosen: int | None = None
        self._session: Session | None = None
        self._spots: list[tuple[Region, int]] = []

    def remember(self, session: Session, chosen: int | None) -> None:
        """Remember the session and the chosen process to show."""
        self._session, self.chosen = session, chosen if chosen in session.view.names else None

    def canvas(self, width: int, height: int) -> Canvas:
        """Return an empty canvas, and forget the places of processes."""
        self._spots = []
        return Canvas(width, height, self.palette.text)

    def fill(
        self, canvas: Canvas, place: Region, rows: Sequence[Row], columns: int, note: Callable[[Row], str] | None = None
    ) -> None:
        """Write the processes' names in columns, and the number of those that do not fit. ``note``: returns the text at
        the right of a name."""
        width = (place.width - _BETWEEN * (columns - 1)) // columns
        room = columns * place.height
        shown = _some(rows, room, self.chosen)
        for number, row in enumerate(shown):
            x = place.x + number // place.height * (width + _BETWEEN)
            spot = Region(x, place.y + number % place.height, width, 1)
            self._draw_name(canvas, row, spot, note(row) if note is not None else "")
        if len(shown) < min(len(rows), room):
            more = _("… {number} more").format(number=len(rows) - len(shown))
            x = place.x + (columns - 1) * (width + _BETWEEN)
            canvas.text(x, place.bottom - 1, fit(more, width), self.palette.dim)

    def sign(self, row: Row) -> Piece:
        """Return the sign before a process's name."""
        if row.zombie_of is not None:
            return ZOMBIE_SIGN, self.palette.ready
        if row.exited is not None and row.exited.status not in (0, None):
            return FAILED_SIGN, self.palette.failed
        return SIGNS[row.state], self.palette.state(row.state)

    def _draw_name(self, canvas: Canvas, row: Row, spot: Region, note: str) -> None:
        palette = self.palette
        under = palette.cursor if row.pid == self.chosen else Style()
        pid, (sign, style) = f"{row.pid:>2} ", self.sign(row)
        canvas.text(spot.x, spot.y, pid, palette.dim + under)
        canvas.text(spot.x + len(pid), spot.y, f"{sign} ", style + under)
        room = spot.width - len(pid) - len(sign) - 1
        note = fit(note, min(cell_len(note), room * 2 // 3))
        canvas.text(spot.right - room, spot.y, fit_name(row.called, room), palette.text + under)
        if note:
            canvas.text(spot.right - cell_len(note) - 1, spot.y, f" {note}", palette.state(row.state) + under)
        self.stands(row.pid, spot)

    def stands(self, pid: int, spot: Region) -> None:
        """Note the place of a process, for clicks."""
        self._spots.append((spot, pid))

    def process_at(self, place: Offset) -> int | None:
        return next((pid for spot, pid in self._spots if spot.contains_point(place)), None)

    def on_click(self, event: events.Click) -> None:
        """Choose the process that was clicked."""
        offset = self.place_of(event)
        pid = self.process_at(offset) if offset is not None else None
        if pid is not None:
            event.prevent_default()
            self.post_message(Picked(pid, event.chain == 2, clicked=True))


def _some(rows: Sequence[Row], room: int, chosen: int | None) -> Sequence[Row]:
    """Return as many rows as there is room for, including the chosen one, with one place left free if not all fit."""
    if len(rows) <= room:
        return rows
    shown = rows[: max(room - 1, 1)]
    hidden = next((row for row in rows[len(shown) :] if row.pid == chosen), None)
    return shown if hidden is None else [*shown[:-1], hidden]
