"""The timeline: a lane for each CPU and each process, in which a cell is a stretch of time; the newest is at the
right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from sandbox.i18n import _
from sandbox.render.cells import flush_right
from sandbox.render.gantt_cells import Lane, Share, Sign, cpu_cells, family_cells, life_cells
from sandbox.tui.format import brief, exact
from sandbox.tui.state.session import Session
from sandbox.tui.state.tree import Member, ProcessTree, own_name
from sandbox.tui.widgets.chart import Chart
from sandbox.tui.widgets.choices import Choice, Processes
from sandbox.tui.widgets.extent import Extent
from sandbox.tui.widgets.lines import Window
from sandbox.util.units import MS, show_duration
from sandbox.views.history import History
from sandbox.views.intervals import Track

#: The widths in cells of the label before each lane, and the width of the timeline below which the label is narrow.
_LABEL, _LABEL_NARROW, _MIN_FOR_LABEL = 16, 13, 44
#: Deeper generations are not indented further, as the label has no room.
_MAX_DEPTH = 2
#: The number of lines from which on CPUs are shown above the processes even if not all of those fit, and the most CPUs
#: shown.
_MIN_FOR_CPUS, _MAX_CPUS = 12, 4
#: With more processes, too many would share a colour.
_MAX_HUED = 12
#: The share of the width by which a step of the wheel moves the timeline.
_PAN = 0.25
#: The width in cells of the CPU time between the marks, at the right of each lane, and the least width of the timeline
#: for it.
_TOTALS, _MIN_FOR_TOTALS = 14, 60
#: Narrower timelines do not explain their signs.
_MIN_FOR_LEGEND = 72
#: The initial width of stepped runs, in which a turn is a line and takes a millisecond.
_LINES_NS = 100 * MS
#: The number of lanes cached: those in sight, and those that were so recently.
_MAX_LANES = 200
T = TypeVar("T")
C = TypeVar("C")


class Scrubbed(Message):
    """The user points at a time."""

    def __init__(self, t_ns: int) -> None:
        super().__init__()
        self.t_ns = t_ns


class Moved(Message):
    """The extent of the timeline has changed."""


class Timeline(Processes):
    """The states of each process over time, in the latest moments or in any others of the run."""

    DEFAULT_CLASSES = "framed"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.extent = Extent()
        self._cell_ns = 1
        self._label_cells = _LABEL
        self._lives: dict[int, Lane[Track, Sign]] = {}
        self._folded: dict[int, Lane[Sequence[Track], Sign]] = {}
        self._cpus: dict[int, Lane[Track, Share]] = {}
        #: The width of the totals in cells.
        self._totals = 0

    def update_from(self, session: Session, chosen: int | None) -> None:
        """Show the history up to the present, whatever time is looked at."""
        if session is not self._session:
            self.extent = Extent(_LINES_NS) if session.scenario.machine.stepped else Extent()
            self._forget()
        self.remember(session, chosen)
        self.entitle(_("TIMELINE") + self._marked(), self._scale() if session.view.live.board.rows else "")
        self.update_lines()

    def _scale(self) -> str:
        states, arrivals = _("█ running  ░ ready  · blocked"), _("▸ arrives  ↑ wakes")
        legend = f"{states}  {arrivals}" if self.size.width >= _MIN_FOR_LEGEND else f"{states}  "
        said = _("{legend}   {time} wide").format(legend=legend, time=show_duration(self.extent.width_ns))
        shorter = states.replace("  ", " ")
        return next((each for each in (said, states, shorter) if cell_len(each) <= self.size.width - 4), "")

    def _marked(self) -> str:
        marks = self.extent.marks
        said = "".join(f"   {name} {exact(t_ns)}" for name, t_ns in zip("AB", marks, strict=False))
        if len(marks) == 2:
            said += "   " + _("between: {time}").format(time=exact(abs(marks[1] - marks[0])))
        return said

    def _forget(self) -> None:
        self._lives.clear()
        self._folded.clear()
        self._cpus.clear()

    def rows(self, session: Session, width: int, height: int) -> Iterator[Choice[int]]:
        """Yield the CPUs if there is room, the processes, children below their parents, and the ruler."""
        history = session.view.live.history
        if not history.lives:
            yield from ((None, strip) for strip in self._invitation(session, width, height))
            return
        cursor_ns = session.view.now_ns if session.view.looks_back else None
        self._fit(width, session.view.present_ns, cursor_ns)
        lines = height - 1
        cpus, members = history.booted.cpus if history.booted else 0, session.view.members
        roomy = lines >= _MIN_FOR_CPUS or cpus + len(members) <= lines
        chart = Chart(self.extent, self.palette, cursor_ns, hued=roomy and len(members) <= _MAX_HUED)
        lanes = [*self._cpu_lanes(session, history, chart, width)] if roomy and cpus <= _MAX_CPUS else []
        if lanes and len(lanes) + len(members) < lines:
            lanes.append((None, self.blank(width)))
        lanes += self._life_lanes(session, chart, width, lines - len(lanes))
        yield from lanes[:lines]
        yield from [(None, self.blank(width))] * (lines - len(lanes))
        yield self.row(
            None, [(" " * self._label_cells, self.palette.dim), chart.ruler(), ("", self.palette.dim)], width
        )

    def _fit(self, width: int, present_ns: int, cursor_ns: int | None) -> None:
        """Set the extent to the room between labels and totals; at another scale, cached lanes are dropped."""
        self._label_cells = _LABEL if width >= _MIN_FOR_LABEL else _LABEL_NARROW
        self._totals = _TOTALS if len(self.extent.marks) == 2 and width >= _MIN_FOR_TOTALS else 0
        self.extent.fit(width - self._label_cells - self._totals, present_ns, cursor_ns)
        if self.extent.cell_ns != self._cell_ns:
            self._cell_ns = self.extent.cell_ns
            self._forget()

    def _invitation(self, session: Session, width: int, height: int) -> list[Strip]:
        if not session.empty:
            return []
        keys = _("{new} starts a program of yours, {open} opens a scenario.")
        keys = keys.format(new=self.key("new"), open=self.key("open"))
        return self.centred([_("No process runs here yet."), keys], width, height)

    # Lanes

    def _cpu_lanes(self, session: Session, history: History, chart: Chart, width: int) -> Iterator[Choice[int]]:
        """Yield a lane for each CPU, with the pids of the processes that had it."""
        for cpu in range(history.booted.cpus if history.booted else 0):
            lane = self._cpus.setdefault(cpu, Lane(self._cell_ns, cpu_cells))
            track = history.cpus.get(cpu) or Track()
            label = Segment(f"cpu{cpu}".ljust(self._label_cells), self.palette.dim)
            turns = [_of_lines(share, session.view.tree) for share in self._cells(lane, track, session)]
            yield None, Strip([label, *chart.cpu(turns), *self._total([track], self.palette.text)], width)

    def _life_lanes(self, session: Session, chart: Chart, width: int, height: int) -> Iterator[Choice[int]]:
        """Yield a lane for each process, or for as many as there is room for."""
        tree = session.view.tree
        members = session.view.members
        chosen = tree.head(self.chosen) if self.chosen is not None else None
        place = next((index for index, member in enumerate(members) if member.pid == chosen), None)
        thick, gap = _proportions(len(members), height)

        def shown(seen: Window) -> Iterator[Choice[int]]:
            for member in members[seen.first : seen.last]:
                under = self.palette.cursor if member.pid == chosen else Style.null()
                label = self._label(session, member, chart, under)
                for strip in self._life(session, member, label, chart, under, width)[:thick]:
                    yield member.pid, strip
                yield from [(None, self.blank(width))] * gap

        yield from self.scrolled(len(members), place, shown, width, height)
        for lanes in (self._lives, self._folded):
            for pid in [*lanes][:-_MAX_LANES]:  # drop those in sight longest ago
                del lanes[pid]

    def _label(self, session: Session, member: Member, chart: Chart, under: Style) -> list[Segment]:
        """Return the label of a lane: pid and name; for a child, the part of its name that differs from its
        parent's."""
        live = session.view.live
        admitted = live.history.lives[member.pid].admitted
        plain = self.palette.text + under
        number = chart.number(member.pid, under)
        indent, name = "", live.names.get(member.pid, admitted.name)
        if member.depth and admitted.parent in live.history.lives:
            indent = "  " * (min(member.depth, _MAX_DEPTH) - 1) + "└ "
            name = own_name(name, live.names.get(admitted.parent, live.history.lives[admitted.parent].admitted.name))
        mark = member.mark if member.hidden else ""
        named = self.named(name, mark, self._label_cells - len(number.text) - len(indent) - 2, plain)
        pieces = [(" ", plain), (indent, self.palette.dim), *named, (" ", plain)]
        return [number, *Segment.simplify(Segment(text, style + under) for text, style in pieces if text)]

    def _life(
        self, session: Session, member: Member, label: list[Segment], chart: Chart, under: Style, width: int
    ) -> list[Strip]:
        """Return the lane of a process and those folded into it, and the lower line of the lane for use if there is
        room."""
        pid, lives = member.pid, session.view.live.history.lives
        tracks = [lives[each].track for each in session.view.tree.line(pid)]
        if member.hidden:
            folded = self._folded.setdefault(pid, Lane(self._cell_ns, family_cells))
            cells = chart.life(self._cells(folded, tracks, session), under)
        else:
            lane = self._lives.setdefault(pid, Lane(self._cell_ns, life_cells))
            cells = chart.life(self._cells(lane, tracks[0], session), under)
        plain = self.palette.text + under
        total = self._total(tracks, plain)
        rest = [Segment(" " * _TOTALS, plain)] if total else []
        return [
            Strip([*label, *cells, *total], width),
            Strip([Segment(" " * self._label_cells, plain), *chart.below(cells), *rest], width),
        ]

    def _cells(self, lane: Lane[T, C], track: T, session: Session) -> list[C]:
        extent = self.extent
        return lane.cells(track, extent.first, extent.cells, session.view.present_ns, session.view.live.board.now_ns)

    def _total(self, tracks: Sequence[Track], style: Style) -> list[Segment]:
        """Return the CPU time between the marks, and its share of one CPU; nothing without two marks."""
        if not self._totals:
            return []
        begin_ns, end_ns = sorted(self.extent.marks)
        used_ns = sum(track.used_ns(end_ns) - track.used_ns(begin_ns) for track in tracks)
        share = used_ns / max(end_ns - begin_ns, 1)
        return [Segment(flush_right(f"{brief(used_ns)} {share:4.0%}", _TOTALS), style)]

    # The mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to look at the times under the mouse, if the button is pressed on the ruler."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y == self.content_size.height - 1 and offset.x >= self._label_cells:
            self.capture_mouse()
            self.screen.clear_selection()  # what follows is no selection of text
            self._point(offset.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Look at the time under the mouse, while the button is held."""
        if self.app.mouse_captured is self:
            self._point(event.get_content_offset_capture(self).x)

    def on_mouse_up(self) -> None:
        if self.app.mouse_captured is self:
            self.release_mouse()

    def _point(self, x: int) -> None:
        cell = max(min(x - self._label_cells, self.extent.cells - 1), 0)
        self.post_message(Scrubbed(self.extent.time(cell)))

    def wheel(self, event: events.MouseEvent, by: int) -> None:
        """Scroll; with ctrl, zoom; with shift, move to later or earlier times."""
        if not event.ctrl and not event.shift:
            super().wheel(event, by)
            return
        if event.ctrl:
            offset = event.get_content_offset(self)
            self.extent.zoom_by(by, None if offset is None else self.extent.time(offset.x - self._label_cells))
        else:
            self.extent.pan(by * _PAN)
        self.let_go()
        self.update_lines()
        self.post_message(Moved())


def _of_lines(share: Share, tree: ProcessTree) -> Share:
    """Return a CPU's cell with each process replaced by the one whose line it is folded into."""
    first, rest = tree.head(share.first), tree.head(share.rest)
    return Share(first, rest, share.eighths if first != rest else 8)


def _proportions(lanes: int, height: int) -> tuple[int, int]:
    """Return the thickness of a lane and the gap between lanes, in lines: the largest that fit."""
    for thick, gap in ((2, 1), (1, 1)):
        if lanes * (thick + gap) - gap <= height:
            return thick, gap
    return 1, 0
