"""The top line: what runs, whether it runs, the time, the policy, the load."""

from __future__ import annotations

from rich.cells import cell_len
from textual.strip import Strip

from sandbox import wording
from sandbox.i18n import _
from sandbox.render.cells import fit
from sandbox.tui.format import brief
from sandbox.tui.state.replay import Replay
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.lines import WIDE, Lines, Piece, line
from sandbox.util.units import S

_LOAD_CELLS = 10
#: Of what the machine does.
PHASE_CELLS = 12


class Status(Lines):
    """One line."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._session: Session | None = None

    def show(self, session: Session) -> None:
        """Show the present state."""
        self._session = session
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The line: what matters least is cut where there is little room."""
        session = self._session
        if session is None:
            return []
        board, palette = session.board, self.palette
        phase, style = self._phase(session)
        left: list[Piece] = [
            (" ossandbox " if width >= WIDE else "", palette.strong),
            (f" {session.scenario.name} ", palette.text),
            (f" {phase} ", style),
            (" " * (PHASE_CELLS - cell_len(phase)), palette.text),
            (f"t {session.now_ns / S:.{6 if session.looks_back else 3}f} s", palette.text),
        ]
        if board.booted is None:
            return [line(left, width)]
        load = session.utilisation()
        full = round(load * _LOAD_CELLS)
        right: list[Piece] = [(f" {_('CPU')} ", palette.dim), (f"{load:4.0%} ", palette.text)]
        if board.booted.machine == "linux":
            undispatched = _("undispatched {time}").format(time=brief(session.history.undispatched_ns))
            right.insert(0, (f" {undispatched}  ", palette.dim))
        if width >= WIDE:
            right[-1:-1] = [("▇" * full, palette.running), ("▁" * (_LOAD_CELLS - full) + " ", palette.dim)]
        parameters = wording.parameters(board.parameters)
        cpus = board.booted.cpus
        several = "   " + _("cpus {number}").format(number=cpus) if cpus > 1 else ""
        room = max(width - _cells(left) - _cells(right) - cell_len(board.policy) - 3, 0)
        middle: list[Piece] = [
            (f"   {board.policy}", palette.strong),
            (fit(f"  {parameters}{several}" if parameters else several, room), palette.text),
        ]
        return [line([*left, *middle, *right], width)]

    def _phase(self, session: Session) -> Piece:
        board, palette = session.board, self.palette
        if session.looks_back:
            if not isinstance(session, Replay):
                return _("◀ PAST"), palette.past
            return (_("▶ REPLAY") if session.plays else _("‖ REPLAY")), palette.past
        if session.died:
            return _("✘ KERNEL DIED"), palette.failed
        if board.halted is not None:
            return _("■ HALTED"), palette.dim
        if board.paused:
            return _("‖ PAUSED"), palette.paused
        if board.booted is None:
            return _("… BOOTING"), palette.dim
        if session.empty:
            return _("○ EMPTY"), palette.dim
        if session.finished:
            return _("✔ FINISHED"), palette.strong
        return _("▶ RUNNING"), palette.running


def _cells(pieces: list[Piece]) -> int:
    return sum(cell_len(text) for text, __ in pieces)
