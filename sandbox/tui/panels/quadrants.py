"""The quadrants panel: processes by synchronous or asynchronous, and blocking or non-blocking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.style import Style
from textual.app import ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.states import State
from sandbox.render.cells import fit
from sandbox.tui.panels.panel import Panel
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.canvas import Canvas
from sandbox.tui.widgets.lines import cut, prose
from sandbox.tui.widgets.picture import Picture
from sandbox.views.board import Row
from sandbox.views.quadrants import Seat, seats

#: Lines above and below the boxes.
_HEADING, _CAPTION = 1, 2
_MIN_BOX = 5
#: With fewer lines there is no room for boxes.
_MIN_HEIGHT = 2 * _MIN_BOX
#: The layout without boxes: the width of a quadrant's title, the column where names begin, and the gap between names.
_TITLE, _NAMES_AT, _BETWEEN = 27, 33, 2
#: A name and the pid of its process, or 0 for text that is no name.
_Name = tuple[str, int]


class QuadrantMap(Picture):
    """The four quadrants. Processes that wait for an answer are above, those that go on meanwhile below; those off the
    CPU are at the left."""

    DEFAULT_CLASSES = "framed main"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._seats: Mapping[int, Seat] = {}

    def update_from(self, session: Session, chosen: int | None) -> None:
        self.remember(session, chosen)
        self._seats = seats(session.view.board, session.view.history, session.view.now_ns)
        self.entitle(_("QUADRANTS"), _("by what each does, as it was measured"))
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """Draw the boxes, and the texts above and below them if there is room."""
        session = self._session
        if session is None:
            return []
        canvas = self.canvas(width, height)
        if height < _MIN_HEIGHT:
            self._list(canvas, session, width, height)
            return canvas.strips()
        spare = height - _MIN_HEIGHT
        heading, caption = min(spare, _HEADING), min(max(spare - _HEADING, 0), _CAPTION)
        boxes = height - heading - caption
        above, left = min(boxes * 2 // 3, boxes - _MIN_BOX), width // 2
        if heading:
            self._head(canvas, 0, left, _("BLOCKING"), _("the CPU works for others"))
            self._head(canvas, left, width - left, _("NON-BLOCKING"), _("on the CPU, or ready"))
        for synchronous, y, tall in ((True, heading, above), (False, heading + above, boxes - above)):
            for blocking, x, wide in ((True, 0, left), (False, left, width - left)):
                self._draw_box(canvas, session, Region(x, y, wide, tall), synchronous, blocking)
        said = cut(self._caption(session, width - 2), caption, width - 2)
        for place, text in enumerate(said, height - caption):
            canvas.text(1, place, text, self.palette.text)
        return canvas.strips()

    def _head(self, canvas: Canvas, x: int, width: int, title: str, says: str) -> None:
        canvas.text(x + 2, 0, fit(title, width - 3), self.palette.strong)
        if cell_len(title) + cell_len(says) + 5 <= width:
            canvas.text(x + cell_len(title) + 4, 0, says, self.palette.dim)

    def _draw_box(self, canvas: Canvas, session: Session, box: Region, synchronous: bool, blocking: bool) -> None:
        inside = self._inside(session, synchronous, blocking)
        style = self.palette.state(State.BLOCKED if blocking else State.RUNNING)
        title = (_("SYNCHRONOUS {number}") if synchronous else _("ASYNCHRONOUS {number}")).format(number=len(inside))
        canvas.box(box, title, style if inside else self.palette.dim, style + Style(bold=True))
        says = _("asks several") if blocking else _("asks and goes on")
        if synchronous:
            says = _("awaits its answer")
        if cell_len(title) + cell_len(says) + 8 <= box.width:
            canvas.text(box.x + cell_len(title) + 5, box.y, f" {says} ", self.palette.dim)
        self.fill(canvas, box.shrink((1, 1, 1, 1)), inside, 1, lambda row: self._note(row.pid))

    def _inside(self, session: Session, synchronous: bool, blocking: bool) -> list[Row]:
        """Return the processes in a quadrant."""
        here, rows = (synchronous, blocking), session.view.board.rows
        return [rows[pid] for pid, seat in self._seats.items() if (seat.synchronous, seat.blocking) == here]

    def _list(self, canvas: Canvas, session: Session, width: int, height: int) -> None:
        """Draw a title for each quadrant with the names next to it, in as many lines as there is room for, and below
        them why the chosen process is in its quadrant."""
        quadrants = [
            (title, blocking, self._inside(session, synchronous, blocking))
            for synchronous, blocking, title in (
                (True, True, _("synchronous, blocking")),
                (True, False, _("synchronous, non-blocking")),
                (False, True, _("asynchronous, blocking")),
                (False, False, _("asynchronous, non-blocking")),
            )
        ]
        said = cut(self._caption(session, width), max(height - len(quadrants), 1), width)
        names = [[(session.view.names[row.pid], row.pid) for row in inside] for *_title, inside in quadrants]
        folded = _fold_all(names, max(width - _NAMES_AT, 1), height - len(said))
        y = 0
        for (title, blocking, inside), lines in zip(quadrants, folded, strict=True):
            style = self.palette.state(State.BLOCKED if blocking else State.RUNNING)
            canvas.text(0, y, f"{fit(title, _TITLE)}{len(inside):>4}", style)
            for number, names_there in enumerate(lines, y):
                self._write_names(canvas, number, names_there)
            y += max(len(lines), 1)
        for place, text in enumerate(said, y):
            canvas.text(0, place, text, self.palette.text)

    def _write_names(self, canvas: Canvas, y: int, names: Sequence[_Name]) -> None:
        x = _NAMES_AT
        for name, pid in names:
            under = self.palette.cursor if pid == self.chosen else Style()
            canvas.text(x, y, name, (self.palette.text if pid else self.palette.dim) + under)
            self.stands(pid, Region(x, y, cell_len(name) if pid else 0, 1))
            x += cell_len(name) + _BETWEEN

    def _note(self, pid: int) -> str:
        seat = self._seats[pid]
        return wording.seat(seat.why, seat.on)

    def _caption(self, session: Session, width: int) -> list[str]:
        """Return the reason why the chosen process is in its quadrant, in lines."""
        seat = self._seats.get(self.chosen) if self.chosen is not None else None
        if not self._seats:
            said = _("nobody lives at this time; {key} looks back").format(key=self.key("step_back"))
        elif self.chosen is None or seat is None:
            keys = f"{self.key('select_previous')} {self.key('select_next')}"
            said = _("{keys} choose a process: why does it sit where it sits?").format(keys=keys)
        else:
            said = wording.seat_reason(session.view.names[self.chosen], seat.why, seat.on)
        return prose(said, width)


class Quadrants(Panel):
    """The panel with the four quadrants."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._map = QuadrantMap(id="quadrant-map")

    def compose(self) -> ComposeResult:
        yield self._map

    def update_from(self, session: Session, chosen: int | None) -> None:
        self._map.update_from(session, chosen)


def _fold_all(groups: Sequence[Sequence[_Name]], width: int, most: int) -> list[list[list[_Name]]]:
    """Break the names of each group into lines of ``width`` cells, ``most`` lines in all, but at least one per
    group."""
    folded = [_fold(names, width) for names in groups]
    room = [len(lines) for lines in folded]
    while sum(max(lines, 1) for lines in room) > most and max(room) > 1:
        room[room.index(max(room))] -= 1
    return [_shortened(lines, most, width) for lines, most in zip(folded, room, strict=True)]


def _fold(names: Sequence[_Name], width: int) -> list[list[_Name]]:
    lines: list[list[_Name]] = []
    left = 0
    for whole, pid in names:
        name = fit(whole, min(cell_len(whole), width))
        if not lines or cell_len(name) > left:
            lines.append([])
            left = width
        lines[-1].append((name, pid))
        left -= cell_len(name) + _BETWEEN
    return lines


def _shortened(lines: list[list[_Name]], most: int, width: int) -> list[list[_Name]]:
    """Keep the first ``most`` lines; if names are left out, the last line says how many."""
    if len(lines) <= most:
        return lines
    shown, hidden = lines[:most], sum(map(len, lines[most:]))
    while True:
        more = _("… {number} more").format(number=hidden)
        if not shown[-1] or sum(cell_len(name) + _BETWEEN for name, _pid in shown[-1]) + cell_len(more) <= width:
            return [*shown[:-1], [*shown[-1], (more, 0)]]
        shown[-1] = shown[-1][:-1]
        hidden += 1
