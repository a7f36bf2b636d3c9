"""The top line: the scenario, its state, the time, the policy, and the load."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.strip import Strip

from sandbox import wording
from sandbox.i18n import Messages, _
from sandbox.render.cells import fit
from sandbox.tui.format import brief
from sandbox.tui.state.session import MANUAL, Phase, Session
from sandbox.tui.widgets.clickable import Clickable
from sandbox.tui.widgets.lines import WIDE, Piece, line, width_of
from sandbox.tui.widgets.tabs import Clicked
from sandbox.util.units import S

_LOAD_CELLS = 10
#: CPU time that the mini CPUs lost to other programs is shown if it is more than one part in this many.
_MIN_STOLEN_PART = 50
#: Policies whose turns are given one by one: their last turns are shown, in this many cells.
_TURN_BY_TURN = (MANUAL, "scripted")
_ORDER_CELLS, _ORDER_CELLS_NARROW = 28, 11
#: The width of the phase in cells.
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
#: The style names of phases; others are dim.
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


class Status(Clickable):
    """The line; a click on a part does what the part's key does."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._session: Session | None = None
        #: The end of each part in cells, and its action.
        self._ends: list[tuple[int, str]] = []

    def update_from(self, session: Session) -> None:
        self._session = session
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """Return the line; if there is little room, the least important parts are cut."""
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
        self._ends = [(width_of(left[:end]), does) for end, does in ((2, "app.open"), (4, "pause"), (6, "go_to"))]
        if board.booted is None:
            return [line(left, width)]
        order = self._order(session)
        shown = {name: value for name, value in board.parameters.items() if not order or name != "order"}
        turns = _("turns {names}").format(names=order) if order else ""
        parameters = "  ".join(filter(None, [turns, wording.parameters(shown)]))
        cpus = board.booted.cpus
        several = "   " + _("cpus {number}").format(number=cpus) if cpus > 1 else ""
        told = f"  {parameters}{several}" if parameters else several
        taken = width_of(left) + cell_len(board.policy) + 3
        right = self._load(session, width - taken - cell_len(told))
        room = max(width - taken - width_of(right), 0)
        middle: list[Piece] = [(f"   {board.policy}", palette.strong), (fit(told, room), palette.text)]
        self._ends.append((width_of([*left, *middle]), "policy"))
        return [line([*left, *middle, *right], width)]

    def _order(self, session: Session) -> str:
        """Return the names of the processes that had the last turns, the latest at the end, if turns are given one by
        one; otherwise ""."""
        view = session.view
        program = view.board.program
        if view.board.policy not in _TURN_BY_TURN and not session.scenario.machine.stepped:
            return ""
        room = _ORDER_CELLS if self.size.width >= WIDE else _ORDER_CELLS_NARROW
        said = ""
        for pid in reversed(program.turns):
            longer = f"{view.names.get(pid, pid)} {said}".rstrip()
            if cell_len(longer) > room:
                return f"… {said}"
            said = longer
        return said

    def _load(self, session: Session, room: int) -> list[Piece]:
        """Return the load of the CPUs, with as many further figures as there is room for."""
        palette, history, load = self.palette, session.view.history, session.utilisation()
        full = round(load * _LOAD_CELLS)
        aside: dict[str, list[Piece]] = {"undispatched": [], "others": [], "bar": []}
        if session.view.board.booted is not None and session.view.board.booted.machine != "virtual":
            undispatched = _("undispatched {time}").format(time=brief(history.undispatched_ns))
            aside["undispatched"] = [(f" {undispatched}  ", palette.dim)]
            if history.others_ns * _MIN_STOLEN_PART > session.view.now_ns:
                others = _("others {time}").format(time=brief(history.others_ns))
                aside["others"] = [(f" {others}  ", palette.dim)]
        elif session.view.board.booted is not None:
            aside["undispatched"] = [(f" {_('virtual time')}  ", palette.dim)]
        if self.size.width >= WIDE:
            aside["bar"] = [("▇" * full, palette.running), ("▁" * (_LOAD_CELLS - full) + " ", palette.dim)]
        pieces: list[Piece] = []
        for least in ("", "undispatched", "bar", "others"):
            aside[least] = []
            pieces = [
                *aside["undispatched"],
                *aside["others"],
                (f" {_('CPU')} ", palette.dim),
                *aside["bar"],
                (f"{load:4.0%} ", palette.text),
            ]
            if width_of(pieces) <= room:
                break
        return pieces

    def ends(self) -> list[int]:
        return [end for end, _does in self._ends]

    def on_click(self, event: events.Click) -> None:
        for end, does in self._ends:
            if event.x < end:
                event.prevent_default()
                self.post_message(Clicked(does))
                return
