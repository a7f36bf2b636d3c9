"""The painting of a timeline's lanes, in the styles of what they show. The time looked at is marked in all lanes, and
later times are dim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter

from rich.segment import Segment
from rich.style import Style

from sandbox.render.gantt_cells import ARRIVED, MANY, UP_TO, WAITS, WAITS_FOR_CPU, WOKE, Share, Sign, ruler
from sandbox.tui.format import exact
from sandbox.tui.palette import Palette
from sandbox.tui.widgets.extent import Extent
from sandbox.tui.widgets.lines import Piece
from sandbox.views.intervals import NOBODY

_CURSOR, _MARKED = "│", Style(reverse=True)
#: The lower line of a lane two lines thick shows states only.
_BELOW = str.maketrans({WAITS.text: " ", ARRIVED.text: WAITS_FOR_CPU.text, WOKE.text: WAITS_FOR_CPU.text})


class Chart:
    """Styles for the lanes in an extent. ``cursor_ns``: the time looked at, None for the present; ``hued``: processes
    have colours of their own."""

    def __init__(self, extent: Extent, palette: Palette, cursor_ns: int | None, hued: bool) -> None:
        self._extent = extent
        self._palette = palette
        self._cursor_ns = cursor_ns
        self._hued = hued
        #: The cell of the time looked at; None if that is the present or out of sight.
        self._cursor = None if cursor_ns is None else extent.cell(cursor_ns)
        #: Whether everything in sight is later than the time looked at.
        self._later = cursor_ns is not None and cursor_ns < extent.from_ns

    def life(self, cells: Sequence[Sign], under: Style) -> list[Segment]:
        """Return a process's lane. ``under``: a style to lay under it."""
        lane: list[Segment] = []
        for tone, group in groupby(cells, attrgetter("tone")):
            style: Style = getattr(self._palette, tone)
            text = "".join([sign.text for sign in group])
            lane.append(Segment(text, style if tone == "ran_while_ready" else style + under))
        return self._with_cursor(lane)

    @staticmethod
    def below(lane: Sequence[Segment]) -> list[Segment]:
        """Return the lower line of a lane that is two lines thick."""
        return [Segment(text.translate(_BELOW), style) for text, style, _ in lane]

    def cpu(self, cells: Sequence[Share]) -> list[Segment]:
        """Return a CPU's lane: blocks in the colours of the processes, with their pids where there is room."""
        return self._with_cursor([Segment(text, style) for text, style in self._turns(cells)])

    def number(self, pid: int, under: Style) -> Segment:
        """Return a pid to precede its lane, in the colour of the process's turns."""
        palette = self._palette
        return Segment(f"{pid:>3} ", palette.hue(pid) if self._hued else palette.dim + under)

    def ruler(self) -> Piece:
        """Return the ruler: times, overlaid with the marks and the exact time looked at."""
        extent = self._extent
        placed = ((extent.cell(t_ns), name) for name, t_ns in zip("AB", extent.marks, strict=False))
        marks = {cell: name for cell, name in placed if cell is not None}
        over = self._looked_at(marks) | marks
        times = ruler(extent.cell_ns, extent.first, extent.cells, over.keys())
        text = "".join(over.get(cell, sign) for cell, sign in enumerate(times))
        return text, self._palette.strong if self._cursor is not None else self._palette.dim

    def _looked_at(self, marks: Mapping[int, str]) -> dict[int, str]:
        """Return an arrow to the time looked at, and the time itself if no mark is in its way, as characters by
        cell."""
        if self._cursor is None or self._cursor_ns is None:
            return {}
        arrow, said = {self._cursor: "▲"}, exact(self._cursor_ns)
        others = marks.keys() - {self._cursor}
        for begin in (self._cursor + 1, self._cursor - len(said)):
            end = begin + len(said)
            if begin >= 0 and end <= self._extent.cells and others.isdisjoint(range(begin - 1, end + 1)):
                return arrow | dict(zip(range(begin, end), said, strict=True))
        return arrow

    def _turns(self, cells: Sequence[Share]) -> Iterator[Piece]:
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
            return self._palette.text
        return self._palette.hue(pid) if self._hued and pid != MANY else self._palette.many

    def _with_cursor(self, lane: list[Segment]) -> list[Segment]:
        if self._later:
            return [self._faded(segment) for segment in lane]
        if self._cursor is None:
            return lane
        before, at, after = (
            [*part]
            for part in Segment.divide(lane, [self._cursor, self._cursor + 1, sum(len(each.text) for each in lane)])
        )
        marked = [Segment(_CURSOR if text == " " else text, (style or Style.null()) + _MARKED) for text, style, _ in at]
        return [*before, *marked, *(self._faded(segment) for segment in after)]

    def _faded(self, segment: Segment) -> Segment:
        style = segment.style or Style.null()
        return Segment(segment.text, style + self._palette.later)


@lru_cache(maxsize=256)
def _split(first: Style, rest: Style) -> Style:
    """Return the style of a block drawn in one colour over another."""
    return Style(color=first.bgcolor, bgcolor=rest.bgcolor)
