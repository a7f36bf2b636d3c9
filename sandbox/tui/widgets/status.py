"""The top line: what runs, whether it runs, the time, the policy, the load."""

from __future__ import annotations

from rich.cells import cell_len
from textual.strip import Strip

from sandbox import wording
from sandbox.i18n import Messages, _
from sandbox.render.cells import fit
from sandbox.tui.format import brief
from sandbox.tui.state.session import Phase, Session
from sandbox.tui.widgets.lines import WIDE, Lines, Piece, line, width_of
from sandbox.util.units import S

_LOAD_CELLS = 10
#: That others had a mini CPU is told when it is more than this part of the time.
_MIN_STOLEN_PART = 50
#: Cells of what the machine is about.
PHASE_CELLS = 12
_PHASES: Messages = {
    Phase.PAST: "◀ PAST",
    Phase.PLAYING: "▶ PAST",
    Phase.REPLAYING: "▶ REPLAY",
    Phase.REPLAY: "‖ REPLAY",
    Phase.DIED: "✘ KERNEL DIED",
    Phase.HALTED: "■ HALTED",
    Phase.PAUSED: "‖ PAUSED",
    Phase.BOOTING: "… BOOTING",
    Phase.EMPTY: "○ EMPTY",
    Phase.FINISHED: "✔ FINISHED",
    Phase.RUNNING: "▶ RUNNING",
}
#: The names of their styles; all others are dim.
_TONES = {
    Phase.PAST: "past",
    Phase.PLAYING: "past",
    Phase.REPLAYING: "past",
    Phase.REPLAY: "past",
    Phase.DIED: "failed",
    Phase.PAUSED: "paused",
    Phase.FINISHED: "strong",
    Phase.RUNNING: "running",
}


class Status(Lines):
    """One line."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._session: Session | None = None

    def update_from(self, session: Session) -> None:
        self._session = session
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The line: what matters least is cut where there is little room."""
        session = self._session
        if session is None:
            return []
        view, palette = session.view, self.palette
        board = view.board
        phase = _(_PHASES[session.phase])
        style = getattr(palette, _TONES.get(session.phase, "dim"))
        left: list[Piece] = [
            (" ossandbox " if width >= WIDE else "", palette.strong),
            (f" {session.scenario.name} ", palette.text),
            (f" {phase} ", style),
            (" " * (PHASE_CELLS - cell_len(phase)), palette.text),
            (f"t {view.now_ns / S:.{6 if view.looks_back else 3}f} s", palette.text),
            (f" {_('DEADLOCK')}" if board.deadlock is not None else "", palette.failed),
            (f" {session.tempo_shown}" if session.tempo_shown else "", palette.strong),
        ]
        if board.booted is None:
            return [line(left, width)]
        load = session.utilisation()
        full = round(load * _LOAD_CELLS)
        right: list[Piece] = [(f" {_('CPU')} ", palette.dim), (f"{load:4.0%} ", palette.text)]
        if board.booted.machine == "linux":
            undispatched = _("undispatched {time}").format(time=brief(view.history.undispatched_ns))
            right.insert(0, (f" {undispatched}  ", palette.dim))
            others_ns = view.history.others_ns
            if others_ns * _MIN_STOLEN_PART > view.now_ns:
                right.insert(1, (_("others {time}").format(time=brief(others_ns)) + "  ", palette.dim))
        if width >= WIDE:
            right[-1:-1] = [("▇" * full, palette.running), ("▁" * (_LOAD_CELLS - full) + " ", palette.dim)]
        parameters = wording.parameters(board.parameters)
        cpus = board.booted.cpus
        several = "   " + _("cpus {number}").format(number=cpus) if cpus > 1 else ""
        told = f"  {parameters}{several}" if parameters else several
        room = max(width - width_of(left) - width_of(right) - cell_len(board.policy) - 3, 0)
        if cell_len(told) > room and board.booted.machine == "linux":  # what the policy goes by tells more
            room += width_of(right[:1])
            del right[0]
        middle: list[Piece] = [(f"   {board.policy}", palette.strong), (fit(told, room), palette.text)]
        return [line([*left, *middle, *right], width)]
