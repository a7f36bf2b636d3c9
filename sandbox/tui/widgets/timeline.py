"""The timeline: one line a process, a cell for a stretch of time, the newest at the right."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.strip import Strip

from sandbox.history import Life, Stretch
from sandbox.kernel.states import State
from sandbox.tui.palette import CELLS
from sandbox.tui.session import Session
from sandbox.tui.widgets.columns import Column
from sandbox.tui.widgets.lines import Lines, Piece, fit, line
from sandbox.units import MS, S, show_duration

ZOOMS_NS = (50 * MS, 100 * MS, 250 * MS, 500 * MS, S, 2 * S, 5 * S, 10 * S, 30 * S, 60 * S, 300 * S)
#: Between two times on the ruler.
_STEPS_NS = tuple(unit * factor for unit in (MS, 10 * MS, 100 * MS, S, 10 * S, 100 * S) for factor in (1, 2, 5))
_TICK_CELLS = 12
_LABEL = 15
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Timeline(Lines):
    """Who was where in the last moments. ``zoom``: index into ``ZOOMS_NS``, the time that the width shows."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.zoom = ZOOMS_NS.index(2 * S)
        self._session: Session | None = None
        self._chosen: int | None = None
        self._top = 0
        self._pids: Sequence[int] = ()

    def show(self, session: Session, chosen: int | None) -> None:
        """Show the present history."""
        if chosen != self._chosen and chosen is not None:
            index, height = sorted(session.history.lives).index(chosen), max(self.size.height - 1, 1)
            self._top = min(max(self._top, index - height + 1), index)
        self._session, self._chosen = session, chosen
        self.border_title = "TIMELINE"
        self.border_subtitle = f"█ running  ░ ready  · blocked   {show_duration(ZOOMS_NS[self.zoom])} wide"
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """One line a process, in order of birth."""
        session = self._session
        if session is None:
            return []
        pids = sorted(session.history.lives)
        rows = height - 1  # the last line is the ruler
        self._top = max(min(self._top, len(pids) - rows), 0)
        self._pids = pids[self._top : self._top + rows]
        cells = max(width - _LABEL, 1)
        cell_ns = max(ZOOMS_NS[self.zoom] // cells, 1)
        # The right edge moves by whole cells, so that what is past stands still until it moves on.
        end_ns = max((session.now_ns // cell_ns + 1) * cell_ns, cells * cell_ns)
        lives = [self._life(session.history.lives[pid], pid, width, end_ns, cell_ns) for pid in self._pids]
        blank = [Strip.blank(width)] * (rows - len(lives))
        return [*lives, *blank, self._ruler(width, end_ns, cell_ns)]

    def _ruler(self, width: int, end_ns: int, cell_ns: int) -> Strip:
        """Times below the cells, as many as are easy to read."""
        cells = width - _LABEL
        step_ns = next((step for step in _STEPS_NS if step >= cell_ns * _TICK_CELLS), _STEPS_NS[-1])
        marks = [" "] * cells
        from_ns = end_ns - cells * cell_ns
        tick_ns = -(-from_ns // step_ns) * step_ns
        while tick_ns < end_ns:
            at = (tick_ns - from_ns) // cell_ns
            text = f"╵{show_duration(tick_ns)}"
            if at + len(text) <= cells:
                marks[at : at + len(text)] = text
            tick_ns += step_ns
        return line([(" " * _LABEL, self.palette.dim), ("".join(marks), self.palette.dim)], width)

    def _life(self, life: Life, pid: int, width: int, end_ns: int, cell_ns: int) -> Strip:
        palette = self.palette
        cells = max(width - _LABEL, 1)
        now_ns = self._session.now_ns if self._session is not None else 0
        states = _cells(life, end_ns - cells * cell_ns, cell_ns, cells, now_ns)
        pieces: list[Piece] = [(f"{pid:>3} ", palette.dim), (fit(life.admitted.name, _LABEL - 5) + " ", palette.text)]
        for text, state in states:
            style = palette.state(state) if state is not None else palette.text
            if pieces[-1][1] is style:
                pieces[-1] = (pieces[-1][0] + text, style)
            else:
                pieces.append((text, style))
        return line(pieces, width, palette.cursor if pid == self._chosen else None)

    def on_click(self, event: events.Click) -> None:
        """Choose the process that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y < len(self._pids):
            self.post_message(Column.Picked(self._pids[offset.y]))

    def on_mouse_scroll_down(self) -> None:
        """Scroll."""
        self._top += 3
        self.update_lines()

    def on_mouse_scroll_up(self) -> None:
        """Scroll back."""
        self._top = max(self._top - 3, 0)
        self.update_lines()


def _cells(life: Life, from_ns: int, cell_ns: int, cells: int, now_ns: int) -> list[tuple[str, State | None]]:
    """What each cell shows: how much of it the process ran, else where it was at the end of it."""
    ran_ns = [0] * cells
    where: list[State | None] = [None] * cells
    for stretch in _visible(life, from_ns):
        start_ns = stretch.start_ns - from_ns
        end_ns = (now_ns if stretch.end_ns is None else stretch.end_ns) - from_ns
        first = max(start_ns // cell_ns, 0)
        last = min(end_ns // cell_ns, cells - 1)
        for index in range(first, last + 1):
            inside_ns = min(end_ns, (index + 1) * cell_ns) - max(start_ns, index * cell_ns)
            if stretch.state is State.RUNNING:
                ran_ns[index] += inside_ns
            if inside_ns > 0:
                where[index] = stretch.state
    return [_cell(ran, state, cell_ns) for ran, state in zip(ran_ns, where, strict=True)]


def _visible(life: Life, from_ns: int) -> list[Stretch]:
    """The stretches that end after ``from_ns``, oldest first."""
    visible: list[Stretch] = []
    for stretch in reversed(life.stretches):
        if stretch.end_ns is not None and stretch.end_ns < from_ns:
            break
        visible.append(stretch)
    visible.reverse()
    return visible


def _cell(ran_ns: int, state: State | None, cell_ns: int) -> tuple[str, State | None]:
    if ran_ns > 0:
        return _EIGHTHS[max(min(round(ran_ns * 8 / cell_ns), 8), 1)], State.RUNNING
    if state is None or state not in CELLS:
        return " ", None
    return CELLS[state], state
