"""Synchronous or not, blocking or not: four boxes, and in each the processes that are there by what they do."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from sandbox import wording
from sandbox.cells import fit, wrap
from sandbox.kernel.states import State
from sandbox.language import _
from sandbox.quadrants import Seat, seats
from sandbox.tui.session import Session
from sandbox.tui.widgets.canvas import Canvas
from sandbox.tui.widgets.picture import Picture

#: Lines above and below the boxes.
_HEADING, _CAPTION = 1, 2
_BOX_LEAST = 4


class QuadrantMap(Picture):
    """Who waits for an answer is above, who goes on meanwhile below; at the left is for whom the CPU does not work."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._seats: Mapping[int, Seat] = {}

    def show(self, session: Session, chosen: int | None) -> None:
        """Show where everybody sits."""
        self.remember(session, chosen)
        self._seats = seats(session.board, session.history, session.now_ns)
        self.entitle(_("QUADRANTS"), _("by what each does, as it was measured"))
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The boxes; what is above and below them only where there is room."""
        session = self._session
        if session is None:
            return []
        canvas = self.canvas(width, height)
        spare = max(height - 2 * _BOX_LEAST, 0)
        heading, caption = min(spare, _HEADING), min(max(spare - _HEADING, 0), _CAPTION)
        boxes = height - heading - caption
        above, left = max(boxes * 3 // 5, boxes // 2), width // 2
        if heading:
            self._head(canvas, 0, left, _("BLOCKING"), _("the CPU works for others"))
            self._head(canvas, left, width - left, _("NON-BLOCKING"), _("on the CPU, or ready"))
        for synchronous, y, tall in ((True, heading, above), (False, heading + above, boxes - above)):
            for blocking, x, wide in ((True, 0, left), (False, left, width - left)):
                self._draw_box(canvas, session, Region(x, y, wide, tall), synchronous, blocking)
        if caption:
            broken = wrap(self._caption(session), max(width - 2, 8), hyphens=False)
            for line, text in enumerate(broken[:caption]):
                canvas.text(1, height - caption + line, text, self.palette.text)
        return canvas.strips()

    def _head(self, canvas: Canvas, x: int, width: int, title: str, says: str) -> None:
        canvas.text(x + 2, 0, fit(title, width - 3), self.palette.strong)
        if cell_len(title) + cell_len(says) + 5 <= width:
            canvas.text(x + cell_len(title) + 4, 0, says, self.palette.dim)

    def _draw_box(self, canvas: Canvas, session: Session, box: Region, synchronous: bool, blocking: bool) -> None:
        rows, here = session.board.rows, (synchronous, blocking)
        inside = [rows[pid] for pid, seat in self._seats.items() if (seat.synchronous, seat.blocking) == here]
        style = self.palette.state(State.BLOCKED if blocking else State.RUNNING)
        title = (_("SYNCHRONOUS {number}") if synchronous else _("ASYNCHRONOUS {number}")).format(number=len(inside))
        canvas.box(box, title, style if inside else self.palette.dim, style + Style(bold=True))
        says = _("awaits its answer") if synchronous else _("asks and goes on")
        if cell_len(title) + cell_len(says) + 8 <= box.width:
            canvas.text(box.x + cell_len(title) + 5, box.y, f" {says} ", self.palette.dim)
        self.fill(canvas, box.shrink((1, 1, 1, 1)), inside, 1, lambda row: self._note(row.pid))

    def _note(self, pid: int) -> str:
        seat = self._seats[pid]
        return wording.seat(seat.why, seat.on)

    def _caption(self, session: Session) -> str:
        """Why the chosen process sits where it sits."""
        seat = self._seats.get(self.chosen) if self.chosen is not None else None
        if self.chosen is None or seat is None:
            keys = f"{self.key('select_previous')} {self.key('select_next')}"
            return _("{keys} choose a process: why does it sit where it sits?").format(keys=keys)
        return wording.seat_reason(session.names[self.chosen], seat.why, seat.on)
