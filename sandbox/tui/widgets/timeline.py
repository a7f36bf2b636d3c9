"""The timeline: a lane for each CPU and each process, a cell for a stretch of time, the newest at the right."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip

from sandbox.cells import fit_name
from sandbox.lanes import (
    ARRIVED,
    MANY,
    UP_TO,
    WAITS,
    WAITS_FOR_CPU,
    WOKE,
    Lane,
    Share,
    Sign,
    cpu_cells,
    life_cells,
    ruler,
)
from sandbox.tracks import NOBODY, Track
from sandbox.tui.session import Session
from sandbox.tui.widgets.columns import Picked
from sandbox.tui.widgets.lines import Lines, Piece, Window, line, window
from sandbox.units import MS, S, show_duration

ZOOMS_NS = (50 * MS, 100 * MS, 250 * MS, 500 * MS, S, 2 * S, 5 * S, 10 * S, 30 * S, 60 * S, 300 * S)
_LABEL = 16
#: With so many lines there is room for the CPUs above the processes.
_ROOMY = 12
#: Of more processes, too many would have the same hue.
_HUED_MOST = 12
_WHEEL = 3
#: Of a lane that is two lines thick, the lower one tells states only.
_BELOW = str.maketrans({WAITS.text: " ", ARRIVED.text: WAITS_FOR_CPU.text, WOKE.text: WAITS_FOR_CPU.text})


class Timeline(Lines):
    """Who was where in the last moments. ``zoom``: index into ``ZOOMS_NS``, the time that the width shows."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.zoom = ZOOMS_NS.index(2 * S)
        self._session: Session | None = None
        self._chosen: int | None = None
        self._top = 0
        self._keep: int | None = None
        self._cells = 1
        self._cell_ns = 1
        self._lives: dict[int, Lane[Sign]] = {}
        self._cpus: dict[int, Lane[Share]] = {}
        #: Whether processes have their hues, as on the CPUs' lanes.
        self._hued = False
        #: Whose lane each line is.
        self._pids: list[int | None] = []

    def show(self, session: Session, chosen: int | None) -> None:
        """Show the present history."""
        if session is not self._session:
            self._top = 0
            self._forget()
        if chosen != self._chosen:
            self._keep = chosen
        self._session, self._chosen = session, chosen
        scale = f"█ running  ░ ready  · blocked   {show_duration(ZOOMS_NS[self.zoom])} wide"
        self.entitle("TIMELINE", scale if session.board.rows else "")
        self.update_lines()

    def _forget(self) -> None:
        self._lives.clear()
        self._cpus.clear()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The CPUs where there is room, then the processes in order of birth, then the ruler."""
        session = self._session
        if session is None:
            return []
        if not session.board.rows:
            return self._invitation(session, width, height)
        self._cells = max(width - _LABEL, 1)
        cell_ns = max(ZOOMS_NS[self.zoom] // self._cells, 1)
        if cell_ns != self._cell_ns:
            self._cell_ns = cell_ns
            self._forget()
        # The right edge moves by whole cells, so that what is past stands still until it moves on.
        first = max(session.now_ns // cell_ns + 1 - self._cells, 0)
        rows = height - 1
        roomy = rows >= _ROOMY
        self._hued = roomy and len(session.history.lives) <= _HUED_MOST
        strips = self._cpu_lanes(session, width, first) if roomy else []
        self._pids = [None] * len(strips)
        strips += self._life_lanes(session, width, rows - len(strips), first)
        strips += [self.blank(width)] * (rows - len(strips))
        return [*strips, self._ruler(width, first)]

    def _invitation(self, session: Session, width: int, height: int) -> list[Strip]:
        """What to do where nothing runs."""
        said: list[str] = []
        if session.empty:
            said = [
                "No process runs here yet.",
                f"{self.key('new')} starts a program of yours, {self.key('open')} opens a scenario.",
            ]
        strips = [line([(text.center(width), self.palette.text)], width) for text in said]
        return [self.blank(width)] * max((height - len(strips)) // 2, 0) + strips

    # Processes

    def _life_lanes(self, session: Session, width: int, rows: int, first: int) -> list[Strip]:
        pids = list(session.history.lives)
        thick, gap = _proportions(len(pids), rows)
        seen = self._window(pids, rows)
        strips: list[Strip] = []
        if seen.above:
            strips.append(line([(f"↑ {seen.above} more", self.palette.dim)], width))
            self._pids.append(None)
        for pid in pids[seen.first : seen.last]:
            strips += self._life(session, pid, width, first, thick)
            strips += [self.blank(width)] * gap
            self._pids += [pid] * thick + [None] * gap
        if seen.below:
            strips.append(line([(f"↓ {seen.below} more", self.palette.dim)], width))
        return strips[:rows]

    def _window(self, pids: Sequence[int], rows: int) -> Window:
        keep = bisect_left(pids, self._keep) if self._keep is not None else None
        seen = window(len(pids), rows, self._top, keep)
        self._top, self._keep = seen.first - (seen.above > 0), None
        return seen

    def _life(self, session: Session, pid: int, width: int, first: int, thick: int) -> list[Strip]:
        palette = self.palette
        if pid not in self._lives:
            self._lives[pid] = Lane(self._cell_ns, life_cells)
        track = session.history.lives[pid].track
        cells = self._lives[pid].cells(track, first, self._cells, session.now_ns, session.board.now_ns)
        under = palette.cursor if pid == self._chosen else Style.null()
        number = Segment(f"{pid:>3} ", palette.hue(pid) if self._hued else palette.dim + under)
        name = f" {fit_name(session.names[pid], _LABEL - len(number.text) - 2)} "
        lane = [number, Segment(name, palette.text + under)]
        for tone, group in groupby(cells, attrgetter("tone")):
            style: Style = getattr(palette, tone)
            text = "".join([sign.text for sign in group])
            lane.append(Segment(text, style if tone == "ran_while_ready" else style + under))
        strips = [Strip(lane, width)]
        if thick > 1:
            below = [Segment(text.translate(_BELOW), style) for text, style, _ in lane[2:]]
            strips.append(Strip([Segment(" " * _LABEL, palette.text + under), *below], width))
        return strips

    # CPUs

    def _cpu_lanes(self, session: Session, width: int, first: int) -> list[Strip]:
        """Each CPU with the pids of those whose turn it was, and a line between them and the processes."""
        cpus = session.board.booted.cpus if session.board.booted else 0
        if cpus > 4:
            return []
        strips: list[Strip] = []
        for cpu in range(cpus):
            if cpu not in self._cpus:
                self._cpus[cpu] = Lane(self._cell_ns, cpu_cells)
            track = session.history.cpus.get(cpu) or Track()
            cells = self._cpus[cpu].cells(track, first, self._cells, session.now_ns, session.board.now_ns)
            strips.append(line([(f"cpu{cpu}".ljust(_LABEL), self.palette.dim), *self._turns(cells)], width))
        return [*strips, self.blank(width)]

    def _turns(self, cells: list[Share]) -> Iterator[Piece]:
        """Blocks in the hues of the processes, and in those that have room their pids."""
        for share, group in groupby(cells):
            count = len(list(group))
            first = self._fill(share.first)
            if share.first == share.rest:
                label = str(share.first) if share.first > 0 else ""
                yield (label if len(label) < count else "").center(count), first
            else:
                yield UP_TO[share.eighths] * count, _split(first, self._fill(share.rest))

    def _fill(self, pid: int) -> Style:
        if pid == NOBODY:
            return self.palette.text
        return self.palette.hue(pid) if self._hued and pid != MANY else self.palette.many

    def _ruler(self, width: int, first: int) -> Strip:
        marks = ruler(self._cell_ns, first, self._cells)
        return line([(" " * _LABEL, self.palette.dim), (marks, self.palette.dim)], width)

    # The mouse

    def on_click(self, event: events.Click) -> None:
        """Choose the process that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and 0 <= offset.y < len(self._pids):
            pid = self._pids[offset.y]
            if pid is not None:
                self.post_message(Picked(pid))

    def on_mouse_scroll_down(self) -> None:
        """Scroll."""
        self._top += _WHEEL
        self.update_lines()

    def on_mouse_scroll_up(self) -> None:
        """Scroll back."""
        self._top = max(self._top - _WHEEL, 0)
        self.update_lines()


@lru_cache(maxsize=256)
def _split(first: Style, rest: Style) -> Style:
    """For a block that is drawn in one hue over another."""
    return Style(color=first.bgcolor, bgcolor=rest.bgcolor)


def _proportions(lanes: int, rows: int) -> tuple[int, int]:
    """How many lines a lane has, and how many are between two: the most that fit."""
    for thick, gap in ((2, 1), (1, 1)):
        if lanes * (thick + gap) - gap <= rows:
            return thick, gap
    return 1, 0
