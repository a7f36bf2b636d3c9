"""The tabs of the console panel: first consoles being read, then those with output; the console shown is marked."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.cells import cell_len
from textual import events
from textual.geometry import Offset
from textual.strip import Strip

from sandbox.i18n import _
from sandbox.render.cells import fit_name
from sandbox.tui.palette import FAILED_SIGN, SIGNS
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.choices import Picked
from sandbox.tui.widgets.clickable import Clickable
from sandbox.tui.widgets.lines import Piece, line, width_of

#: The greatest width of a name in cells.
_MAX_NAME = 14
#: Cells at each end for the number of tabs out of sight.
_MARGIN = 6


class ConsoleTabs(Clickable):
    """The tabs, in one line."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._session: Session | None = None
        self._pids: Sequence[int] = ()
        self._shown: int | None = None
        self._asking: Collection[int] = ()
        self._first = 0
        #: The end of each tab in cells, and the pid of its console.
        self._ends: list[tuple[int, int]] = []

    def update_from(self, session: Session, pids: Sequence[int], shown: int | None, asking: Collection[int]) -> None:
        """Show these tabs. ``pids``: the consoles' processes, in order; ``asking``: the consoles that a process reads
        from."""
        self._session, self._pids, self._shown, self._asking = session, pids, shown, asking
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """Return the line with the shown console's tab and as many others as fit."""
        session = self._session
        self._ends = []
        if session is None or not self._pids:
            return []
        shown = self._pids.index(self._shown) if self._shown in self._pids else 0
        self._first = min(self._first, shown)
        tabs = {index: self._tab(session, self._pids[index]) for index in range(self._first, shown + 1)}
        while self._first < shown and sum(map(width_of, tabs.values())) > width - 2 * _MARGIN:
            del tabs[self._first]
            self._first += 1
        pieces: list[Piece] = [(f"‹{self._first} ", self.palette.dim)] if self._first else []
        used = width_of(pieces)
        for index in range(self._first, len(self._pids)):
            tab = tabs.get(index) or self._tab(session, self._pids[index])
            last = index == len(self._pids) - 1
            if used + width_of(tab) > width - (0 if last else _MARGIN) and index > shown:
                pieces.append((f" {len(self._pids) - index}›", self.palette.dim))
                break
            pieces += tab
            used += width_of(tab)
            self._ends.append((used, self._pids[index]))
        return [line(pieces, width)]

    def _tab(self, session: Session, pid: int) -> list[Piece]:
        row, palette = session.view.board.rows[pid], self.palette
        name = fit_name(row.called, min(cell_len(row.called), _MAX_NAME))
        mark, style = ("▸", palette.strong) if pid == self._shown else (" ", palette.dim)
        if pid in self._asking:
            return [(mark, palette.strong), (f" {_('{pid} {name} reads').format(pid=pid, name=name)} ", palette.paused)]
        failed = row.exited is not None and row.exited.status not in (0, None)
        sign: Piece = (FAILED_SIGN, palette.failed) if failed else (SIGNS[row.state], palette.state(row.state))
        return [(f"{mark} {pid} ", style), sign, (f" {name} ", style)]

    def ends(self) -> list[int]:
        return [end for end, _pid in self._ends]

    def process_at(self, place: Offset) -> int | None:
        return next((pid for end, pid in self._ends if place.x < end), None)

    def on_click(self, event: events.Click) -> None:
        """Show the console that was clicked."""
        pid = self.process_at(event.offset)
        if pid is not None:
            self.post_message(Picked(pid, event.chain == 2))
