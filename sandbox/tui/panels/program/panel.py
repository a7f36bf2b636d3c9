"""The program panel: the programs of processes side by side if they are stepped line by line, else that of the chosen
one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.commands import Choose
from sandbox.model.events import Clause
from sandbox.model.states import State
from sandbox.scenario.sources import Source, source_beside, source_of, stretch_at, text_lines
from sandbox.tui.config import config_of
from sandbox.tui.keys import bindings
from sandbox.tui.panels.panel import Panel
from sandbox.tui.panels.program.pane import Pane, Shown, windowed
from sandbox.tui.state.errors import Impossible, KernelGone
from sandbox.tui.state.session import MANUAL, Session
from sandbox.util.text import clean_line
from sandbox.views.board import Row
from sandbox.views.program import Steps

#: The most sources side by side, and the least width of one in cells.
_MAX_PANES, _MIN_CELLS = 4, 36


class Program(Panel, can_focus=True):
    """A row of panes; those with something to show are displayed."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("program")

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._panes = [Pane(id=f"pane-{number}") for number in range(1, _MAX_PANES + 1)]
        self._session: Session | None = None
        self._chosen: int | None = None
        #: The index of the first process shown.
        self._first = 0
        #: The pids of the processes shown, by pane, and the numbers of those before and after them that are not.
        self._pids: Sequence[int] = ()
        self._beside = 0, 0
        #: The sources read, by file name, or by pid for programs without steps.
        self._read: dict[str | int, Source] = {}

    def compose(self) -> ComposeResult:
        yield from self._panes

    def arrive(self) -> None:
        self._read.clear()  # read files again, as they may have changed
        super().arrive()

    def update_from(self, session: Session, chosen: int | None) -> None:
        if session is not self._session:
            self._session, self._first = session, 0
            self._read.clear()
        self._chosen = chosen
        stepped = [pid for pid in session.view.board.program.steps if pid in session.view.board.rows]
        self._beside = 0, 0
        self._pids = self._side_by_side(session, stepped, chosen) if stepped else self._alone(session, chosen)
        for place, (pane, pid) in enumerate(zip(self._panes, self._pids, strict=False)):
            pane.display = True
            pane.show(self._shown(session, pid, chosen)._replace(others=self._others(place)))
        if not self._pids:
            self._panes[0].clear()
        for pane in self._panes[max(len(self._pids), 1) :]:
            pane.display = False

    def _side_by_side(self, session: Session, stepped: list[int], chosen: int | None) -> Sequence[int]:
        """Return the pids to show side by side. If there is no room for all, ended processes are left out first."""
        room = max(min(self.size.width // _MIN_CELLS, _MAX_PANES), 1)
        rows, known = session.view.board.rows, [*stepped]
        for pid in [pid for pid in stepped if rows[pid].state is State.EXITED and pid != chosen]:
            if len(stepped) <= room:
                break
            stepped.remove(pid)
        pids, self._first = windowed(sorted(stepped), room, self._first, chosen)
        before = sum(pid < pids[0] for pid in known)
        self._beside = before, len(known) - before - len(pids)
        return pids

    def _others(self, place: int) -> str:
        """Return how many processes are out of sight beside the pane at this place, and the key that chooses them."""
        (before, after), config, noted = self._beside, config_of(self), []
        if place == 0 and before:
            noted.append(_("{key} {number} more").format(key=config.key("select_previous"), number=before))
        if place == len(self._pids) - 1 and after:
            noted.append(_("{key} {number} more").format(key=config.key("select_next"), number=after))
        return "   ".join(noted)

    def _alone(self, session: Session, chosen: int | None) -> Sequence[int]:
        """Return the chosen process, or else the first one."""
        rows = session.view.board.rows
        return [chosen] if chosen in rows and chosen is not None else [*rows][:1]

    def _shown(self, session: Session, pid: int, chosen: int | None) -> Shown:
        board = session.view.board
        row, steps = board.rows[pid], board.program.steps.get(pid)
        source, marks = self._stepped(session, steps) if steps is not None else self._as_it_is(session, row)
        reason = ""
        if row.state is State.BLOCKED and row.on is not None:
            held = row.waits_for is not None and wording.held(row.on, row.waits_for, session.view.names)
            reason = held or wording.cause(row.on)
        return Shown(
            row=row,
            name=session.view.names.get(pid, ""),
            source=source,
            marks=marks if row.state is not State.EXITED else (),
            steps=steps,
            reason=reason,
            chosen=pid == chosen and len(self._pids) > 1,
            latest=board.program.last == pid,
        )

    def _stepped(self, session: Session, steps: Steps) -> tuple[Source, tuple[int, ...]]:
        """Return the source file in which a stepped process is, and the next lines of its threads in it."""
        last = steps.last
        file = steps.file if last is None or not last.line else last.file
        if file not in self._read:
            kept, folder = session.sources.get(file), session.scenario.folder
            known = None if kept is None else Source(clean_line(file), text_lines(kept))
            self._read[file] = known or source_beside(file, folder)
        stands = [stand for stand in reversed(steps.stands.values()) if stand.file == file and stand.line]
        return self._read[file], tuple(stand.line for stand in stands)

    def _as_it_is(self, session: Session, row: Row) -> tuple[Source, tuple[int, ...]]:
        """Return the whole program of a process, or of the ancestor that the scenario has started, and the line
        marks."""
        rows, own = session.view.board.rows, row
        while own.admitted.order is None and own.admitted.parent in rows:
            own = rows[own.admitted.parent]
        order, processes = own.admitted.order, session.scenario.processes
        if order is None or order >= len(processes):
            return Source(row.admitted.runs, missing=Clause("not found")), ()
        spec = processes[order]
        if own.pid not in self._read:
            self._read[own.pid] = source_of(spec, session.scenario.folder)
        marks: tuple[int, ...] = ()
        if spec.work is not None:
            marks = (stretch_at(spec, session.view.cpu_ns(own.pid), row.state is State.BLOCKED),)
        return self._read[own.pid], marks

    # Keys

    async def action_turn(self) -> None:
        """Give the next turn to the chosen process if the user decides on turns; otherwise inspect it."""
        session = self._session
        pid = self._chosen if self._chosen is not None else next(iter(self._pids), None)
        if session is None or pid is None or session.view.board.policy != MANUAL:
            await self.run_action("screen.inspect")
            return
        try:
            session.ask(Choose(str(pid)))
        except (Impossible, KernelGone) as why:
            self.notify(str(why), severity="warning", markup=False)

    def _pane(self) -> Pane:
        """Return the pane of the chosen process, or else the first one."""
        place = next((place for place, pid in enumerate(self._pids) if pid == self._chosen), 0)
        return self._panes[place]

    def action_page(self, by: int) -> None:
        """Scroll the source by pages."""
        self._pane().page(by)

    def action_aside(self, by: int) -> None:
        """Scroll the source sideways."""
        self._pane().aside(by)
