"""The timeline: a lane for each CPU and each process, a cell for a stretch of time, the newest at the right."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from sandbox.cells import centred, fit_name, flush_right
from sandbox.history import History, Life
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
from sandbox.language import _
from sandbox.tracks import NOBODY, Track
from sandbox.tui.figures import brief
from sandbox.tui.session import Session
from sandbox.tui.widgets.columns import Picked
from sandbox.tui.widgets.extent import Extent
from sandbox.tui.widgets.lines import Lines, Piece, Window, line, window
from sandbox.units import S, show_duration

_LABEL = 16
#: With so many lines there is room for the CPUs above the processes.
_ROOMY = 12
#: Of more processes, too many would have the same hue.
_HUED_MOST = 12
_WHEEL = 3
#: Of the width, for one turn of the wheel or one key.
_PAN = 0.25
#: CPU time between the marks, at the right of each lane, where there is room.
_TOTALS, _TOTALS_LEAST = 14, 60
#: Narrower timelines do not explain their marks.
_LEGEND_LEAST = 72
_CURSOR, _MARKED = "│", Style(reverse=True)
C = TypeVar("C")
#: Of a lane that is two lines thick, the lower one tells states only.
_BELOW = str.maketrans({WAITS.text: " ", ARRIVED.text: WAITS_FOR_CPU.text, WOKE.text: WAITS_FOR_CPU.text})


class Scrubbed(Message):
    """Somebody pointed at a time."""

    def __init__(self, t_ns: int) -> None:
        super().__init__()
        self.t_ns = t_ns


class Moved(Message):
    """Another stretch of time is to be shown."""


class Timeline(Lines):
    """Who was where: in the last moments, or in any others of the run. While the past is looked at, its time is marked
    through all lanes, and what came afterwards is dim."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.extent = Extent()
        self._session: Session | None = None
        self._chosen: int | None = None
        self._top = 0
        self._keep: int | None = None
        self._cell_ns = 1
        self._lives: dict[int, Lane[Sign]] = {}
        self._cpus: dict[int, Lane[Share]] = {}
        #: Whether processes have their hues, as on the CPUs' lanes.
        self._hued = False
        #: The cell of the time that is looked at, if that is past and in sight.
        self._cursor: int | None = None
        #: Whether all that is in sight came after the time that is looked at.
        self._later = False
        #: How many cells the totals take.
        self._totals = 0
        #: Whose lane each line is.
        self._pids: list[int | None] = []

    def show(self, session: Session, chosen: int | None) -> None:
        """Show the history, up to the present."""
        if session is not self._session:
            self._top = 0
            self.extent = Extent()
            self._forget()
        if chosen != self._chosen:
            self._keep = chosen
        self._session, self._chosen = session, chosen
        self.entitle(_("TIMELINE") + self._marked(), self._scale() if session.past.live.board.rows else "")
        self.update_lines()

    def _scale(self) -> str:
        states, arrivals = _("█ running  ░ ready  · blocked"), _("▸ arrives  ↑ wakes")
        legend = f"{states}  {arrivals}" if self.size.width >= _LEGEND_LEAST else f"{states}  "
        return _("{legend}   {time} wide").format(legend=legend, time=show_duration(self.extent.width_ns))

    def _marked(self) -> str:
        marks = self.extent.marks
        said = "".join(f"   {name} {exact(t_ns)}" for name, t_ns in zip("AB", marks, strict=False))
        if len(marks) == 2:
            said += "   " + _("between: {time}").format(time=exact(abs(marks[1] - marks[0])))
        return said

    def _forget(self) -> None:
        self._lives.clear()
        self._cpus.clear()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The CPUs where there is room, then the processes in order of birth, then the ruler."""
        session = self._session
        if session is None:
            return []
        history = session.past.live.history
        if not history.lives:
            return self._invitation(session, width, height)
        extent = self.extent
        self._totals = _TOTALS if len(extent.marks) == 2 and width >= _TOTALS_LEAST else 0
        cursor_ns = session.now_ns if session.looks_back else None
        extent.fit(width - _LABEL - self._totals, session.present_ns, cursor_ns)
        if extent.cell_ns != self._cell_ns:
            self._cell_ns = extent.cell_ns
            self._forget()
        self._cursor = extent.cell(cursor_ns) if cursor_ns is not None else None
        self._later = cursor_ns is not None and cursor_ns < extent.from_ns
        rows = height - 1
        roomy = rows >= _ROOMY
        self._hued = roomy and len(history.lives) <= _HUED_MOST
        strips = self._cpu_lanes(history, width) if roomy else []
        self._pids = [None] * len(strips)
        strips += self._life_lanes(width, rows - len(strips))
        strips += [self.blank(width)] * (rows - len(strips))
        return [*strips, self._ruler(width)]

    def _invitation(self, session: Session, width: int, height: int) -> list[Strip]:
        """What to do where nothing runs."""
        said: list[str] = []
        if session.empty:
            said = [
                _("No process runs here yet."),
                _("{new} starts a program of yours, {open} opens a scenario.").format(
                    new=self.key("new"), open=self.key("open")
                ),
            ]
        strips = [line([(centred(text, width), self.palette.text)], width) for text in said]
        return [self.blank(width)] * max((height - len(strips)) // 2, 0) + strips

    # Processes

    def _life_lanes(self, width: int, rows: int) -> list[Strip]:
        assert self._session is not None
        lives = self._session.past.live.history.lives
        pids = list(lives)
        thick, gap = _proportions(len(pids), rows)
        seen = self._window(pids, rows)
        strips: list[Strip] = []
        if seen.above:
            strips.append(self.more_above(seen, width))
            self._pids.append(None)
        for pid in pids[seen.first : seen.last]:
            strips += self._life(self._session, lives[pid], width, thick)
            strips += [self.blank(width)] * gap
            self._pids += [pid] * thick + [None] * gap
        if seen.below:
            strips.append(self.more_below(seen, width))
        return strips[:rows]

    def _window(self, pids: Sequence[int], rows: int) -> Window:
        keep = bisect_left(pids, self._keep) if self._keep is not None else None
        seen = window(len(pids), rows, self._top, keep)
        self._top, self._keep = seen.first - (seen.above > 0), None
        return seen

    def _life(self, session: Session, life: Life, width: int, thick: int) -> list[Strip]:
        palette, pid = self.palette, life.admitted.pid
        if pid not in self._lives:
            self._lives[pid] = Lane(self._cell_ns, life_cells)
        cells = self._cells_of(self._lives[pid], life.track, session)
        under = palette.cursor if pid == self._chosen else Style.null()
        number = Segment(f"{pid:>3} ", palette.hue(pid) if self._hued else palette.dim + under)
        name = f" {fit_name(life.admitted.name, _LABEL - len(number.text) - 2)} "
        lane: list[Segment] = []
        for tone, group in groupby(cells, attrgetter("tone")):
            style: Style = getattr(palette, tone)
            text = "".join([sign.text for sign in group])
            lane.append(Segment(text, style if tone == "ran_while_ready" else style + under))
        lane = self._with_cursor(lane)
        total = [Segment(self._total(life.track), palette.text + under)] if self._totals else []
        strips = [Strip([number, Segment(name, palette.text + under), *lane, *total], width)]
        if thick > 1:
            below = [Segment(text.translate(_BELOW), style) for text, style, __ in lane]
            rest = [Segment(" " * self._totals, palette.text + under)] if self._totals else []
            strips.append(Strip([Segment(" " * _LABEL, palette.text + under), *below, *rest], width))
        return strips

    def _cells_of(self, lane: Lane[C], track: Track, session: Session) -> list[C]:
        extent = self.extent
        return lane.cells(track, extent.first, extent.cells, session.present_ns, session.past.live.board.now_ns)

    def _with_cursor(self, lane: list[Segment]) -> list[Segment]:
        """The time that is looked at is marked, and what comes after it is dim."""
        if self._later:
            return [self._faded(segment) for segment in lane]
        if self._cursor is None:
            return lane
        before, at, after = (
            [*part]
            for part in Segment.divide(lane, [self._cursor, self._cursor + 1, sum(len(each.text) for each in lane)])
        )
        marked = [
            Segment(_CURSOR if text == " " else text, (style or Style.null()) + _MARKED) for text, style, __ in at
        ]
        return [*before, *marked, *(self._faded(segment) for segment in after)]

    def _faded(self, segment: Segment) -> Segment:
        style = segment.style or Style.null()
        return Segment(segment.text, style + self.palette.later)

    def _total(self, track: Track) -> str:
        """CPU time between the marks, and its share of one CPU."""
        begin_ns, end_ns = sorted(self.extent.marks)
        used_ns = track.used_ns(end_ns) - track.used_ns(begin_ns)
        share = used_ns / max(end_ns - begin_ns, 1)
        return flush_right(f"{brief(used_ns)} {share:4.0%}", _TOTALS)

    # CPUs

    def _cpu_lanes(self, history: History, width: int) -> list[Strip]:
        """Each CPU with the pids of those whose turn it was, and a line between them and the processes."""
        cpus = history.booted.cpus if history.booted else 0
        if cpus > 4 or self._session is None:
            return []
        strips: list[Strip] = []
        for cpu in range(cpus):
            if cpu not in self._cpus:
                self._cpus[cpu] = Lane(self._cell_ns, cpu_cells)
            track = history.cpus.get(cpu) or Track()
            turns = self._turns(self._cells_of(self._cpus[cpu], track, self._session))
            lane = self._with_cursor([Segment(text, style) for text, style in turns])
            total: list[Piece] = [(self._total(track), self.palette.text)] if self._totals else []
            label: Piece = (f"cpu{cpu}".ljust(_LABEL), self.palette.dim)
            strips.append(line([label, *((each.text, each.style or Style.null()) for each in lane), *total], width))
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

    def _ruler(self, width: int) -> Strip:
        """Times; over them the marks, and the exact time that is looked at."""
        extent = self.extent
        marks = [*ruler(self._cell_ns, extent.first, extent.cells)]
        if self._cursor is not None and self._session is not None:
            said = f"▲{exact(self._session.now_ns)}"
            at = min(self._cursor, extent.cells - 1)
            begin = at if at + len(said) <= extent.cells else at - len(said) + 1
            marks[max(begin, 0) : max(begin, 0) + len(said)] = said if begin == at else said[1:] + "▲"
        for name, t_ns in zip("AB", extent.marks, strict=False):
            cell = extent.cell(t_ns)
            if cell is not None:
                marks[cell] = name
        text = "".join(marks)[: extent.cells]
        style = self.palette.strong if self._cursor is not None else self.palette.dim
        return line([(" " * _LABEL, self.palette.dim), (text, style), ("", self.palette.dim)], width)

    # The mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """On the ruler: look at that time, and at others as long as the button is held."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y == self.content_size.height - 1 and offset.x >= _LABEL:
            self.capture_mouse()
            self._point(offset.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """With the button held, look at where it is now."""
        if self.app.mouse_captured is self:
            self._point(event.get_content_offset_capture(self).x)

    def on_mouse_up(self) -> None:
        """That was it."""
        if self.app.mouse_captured is self:
            self.release_mouse()

    def _point(self, x: int) -> None:
        cell = max(min(x - _LABEL, self.extent.cells - 1), 0)
        self.post_message(Scrubbed(self.extent.time(cell)))

    def on_click(self, event: events.Click) -> None:
        """Choose the process that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and 0 <= offset.y < len(self._pids):
            pid = self._pids[offset.y]
            if pid is not None:
                self.post_message(Picked(pid))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll; with ctrl show a longer time, with shift a later one."""
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll back; with ctrl show a shorter time, with shift an earlier one."""
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, by: int) -> None:
        if event.ctrl:
            offset = event.get_content_offset(self)
            self.extent.zoom_by(by, None if offset is None else self.extent.time(offset.x - _LABEL))
        elif event.shift:
            self.extent.pan(by * _PAN)
        else:
            self._top = max(self._top + by * _WHEEL, 0)
        self.update_lines()
        self.post_message(Moved())


def exact(ns: int) -> str:
    """A time to the microsecond."""
    return f"{ns / S:.6f} s"


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
