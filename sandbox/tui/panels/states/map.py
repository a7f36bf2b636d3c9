"""The diagram of states: the processes in each, how often each arrow was taken, and which one was the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.states import WAITS, State
from sandbox.render.cells import fit
from sandbox.tui.panels.states.layout import TOLD_BESIDE, Ends, Label, Layout, layout
from sandbox.tui.state.conversations import whereabouts
from sandbox.tui.state.session import Session
from sandbox.tui.widgets.canvas import Canvas
from sandbox.tui.widgets.lines import Piece, line
from sandbox.tui.widgets.picture import Picture
from sandbox.views.board import Board, Row
from sandbox.views.transitions import TRANSITIONS, Move

#: The transitions that are one arrow; of those that were never made, the first is named.
_SAME_ARROW: dict[Ends, list[str]] = {
    ends: [name for name, other in TRANSITIONS.items() if other == ends] for ends in TRANSITIONS.values()
}
for _ends, _beside in TOLD_BESIDE.items():
    _SAME_ARROW[_beside] += _SAME_ARROW.pop(_ends)
#: Those that nobody sees before somebody is stopped.
_OF_STOPS = frozenset(ends for ends in _SAME_ARROW if State.STOPPED in ends)
#: Cells of a name in a box, pid and sign included.
_MIN_NAME = 12
#: Cells of one with what it waits for.
_MIN_WITH_REASON = 26
_BETWEEN = "  "
#: Cells of the two ends of an arrow that is told in words.
_MIN_ENDS = 20


class _Lit(NamedTuple):
    """Arrows that were taken: the last one, and those that led to it."""

    last: Ends | None
    before: frozenset[Ends]


class StateMap(Picture):
    """Boxes for the states, arrows between them."""

    DEFAULT_CLASSES = "framed main"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._alone = False

    def update_from(self, session: Session, chosen: int | None, alone: bool) -> None:
        """``alone``: the arrows are those of the chosen process, else those of all together."""
        self.remember(session, chosen)
        self._alone = alone and self.chosen is not None
        key = self.key("one_or_all")
        if self._alone and self.chosen is not None:
            name = session.view.names[self.chosen]
            self.entitle(_("STATES of {name}").format(name=name), _("{key} all").format(key=key))
        else:
            self.entitle(_("STATES of all processes"), _("{key} the chosen one alone").format(key=key))
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The picture, or where there is no room for it, a line an arrow."""
        if self._session is None:
            return []
        board, lit = self._session.view.board, self._lit(self._session.view.board)
        plan = layout(width, height, board.transitions.has_stops)
        canvas = self.canvas(width, height)
        if plan is None:
            return [*self._list(board, lit, width)]
        for state, box in plan.boxes.items():
            self._draw_box(canvas, board, state, box)
        for ends in sorted(plan.arrows, key=lambda ends: (ends == lit.last, ends in lit.before)):
            self._draw_arrow(canvas, board, ends, plan, lit)
        for place, text in enumerate(self._captions(self._session)):
            canvas.text(1, plan.caption + place, fit(text, width - 2), self.palette.text)
        return canvas.strips()

    # Arrows

    def _lit(self, board: Board) -> _Lit:
        """The arrows to light: of one process its last; of all the last one, and those that led there."""
        diagram = board.transitions
        if self._alone and self.chosen is not None:
            move = diagram.last.get(self.chosen)
            return _Lit(None if move is None else _arrow(move), frozenset())
        taken = [_arrow(move) for move in diagram.recent]
        return _Lit(taken[-1] if taken else None, frozenset(taken))

    def _draw_arrow(self, canvas: Canvas, board: Board, ends: Ends, plan: Layout, lit: _Lit) -> None:
        last, taken = ends == lit.last, ends in lit.before or ends == lit.last
        canvas.arrow(plan.arrows[ends], self._style_to(ends[1]) if taken else self.palette.dim, last)
        label = plan.labels[ends]
        for place, text in enumerate(_lines(self._counts(board, ends), label)):
            left = label.width - cell_len(text)
            x = label.at[0] + {"left": 0, "center": left // 2, "right": left}[label.align]
            canvas.text(x, label.at[1] + place, text, self._label_style(board, ends, last))

    def _label_style(self, board: Board, ends: Ends, last: bool) -> Style:
        if last:
            return self._style_to(ends[1]) + Style(bold=True)
        return self.palette.text if self._number(board, ends) else self.palette.dim

    def _style_to(self, state: State) -> Style:
        return self.palette.strong if state is State.EXITED else self.palette.state(state)

    def _number(self, board: Board, ends: Ends) -> int:
        pid = self.chosen if self._alone else None
        return sum(board.transitions.count(name, pid) for name in _SAME_ARROW[ends])

    def _counts(self, board: Board, ends: Ends) -> list[str]:
        """How often it was taken for each reason; its usual reason even if it never was."""
        pid = self.chosen if self._alone else None
        numbers = [(name, board.transitions.count(name, pid)) for name in _SAME_ARROW[ends]]
        some = [(name, number) for name, number in numbers if number] or [numbers[0]]
        return [wording.transition(name, number) for name, number in some]

    # Boxes

    def _draw_box(self, canvas: Canvas, board: Board, state: State, box: Region) -> None:
        rows = _rows(board, state)
        style = self.palette.state(state)
        number = "" if state is State.NEW and not rows else f" {len(rows)}"
        canvas.box(box, f"{wording.state(state)}{number}", style, style + Style(bold=True))
        inner = box.shrink((1, 1, 1, 1))
        note = _on if state in WAITS else None
        self.fill(canvas, inner, rows, self._columns(board, state, inner), note)

    def _columns(self, board: Board, state: State, inner: Region) -> int:
        """As many side by side as there is room for, if all processes together do not fit below each other: one that
        moves from box to box does not make the others jump."""
        if state in WAITS and len(_rows(board, state)) > inner.height:
            return max(inner.width // _MIN_WITH_REASON, 1)
        if state in WAITS or len(board.rows) - len(board.exited) <= inner.height:
            return 1
        return max((inner.width + len(_BETWEEN)) // (_MIN_NAME + len(_BETWEEN)), 1)

    def sign(self, row: Row) -> Piece:
        """A process that was RUNNING when the machine paused has a sign of its own."""
        held = self._session is not None and row.pid in self._session.view.board.transitions.held
        return ("‖", self.palette.ready) if held else super().sign(row)

    # Words

    def _captions(self, session: Session) -> Iterator[str]:
        """Where the chosen process is, what it waits for, and why it had the CPU."""
        board, pid = session.view.board, self.chosen
        if pid is None:
            keys = f"{self.key('select_previous')} {self.key('select_next')}"
            yield _("{keys} choose a process").format(keys=keys)
            return
        if pid in board.transitions.held:
            yield _("{name}: it was RUNNING when the machine paused").format(name=board.rows[pid].name)
        else:
            queue = [row.pid for row in _rows(board, State.READY)]
            places = {other: place for place, other in enumerate(queue, 1)}
            yield f"{board.rows[pid].name}: {wording.situation(whereabouts(board, pid, places))}"
        turn = board.transitions.dispatched.get(pid)
        if turn is not None:
            yield wording.turn(turn)

    def _list(self, board: Board, lit: _Lit, width: int) -> Iterator[Strip]:
        """A line for each arrow."""
        shown = [ends for ends in _SAME_ARROW if ends not in _OF_STOPS or board.transitions.has_stops]
        named = {ends: " → ".join(wording.state(state) for state in ends) for ends in shown}
        room = max(_MIN_ENDS, *(cell_len(name) + len(_BETWEEN) for name in named.values()))
        for ends in shown:
            counts = _BETWEEN.join(self._counts(board, ends))
            last = ends == lit.last
            mark = "▶ " if last else "  "
            style = self._label_style(board, ends, last)
            yield line([(mark, style), (fit(named[ends], room), style), (counts, style)], width)


def _arrow(move: Move) -> Ends:
    """The arrow that a move is told at."""
    ends = TRANSITIONS[move.transition]
    return TOLD_BESIDE.get(ends, ends)


def _rows(board: Board, state: State) -> list[Row]:
    """The processes in a state, during a pause those that were RUNNING: in queue order, by CPU, the latest that have
    ended first."""
    pids: Sequence[int] = ()
    held = board.transitions.held
    match state:
        case State.READY:
            pids = [pid for pid in board.ready if pid not in held]
        case State.RUNNING:
            on_cpu = [board.running[cpu] for cpu in sorted(board.running)]
            pids = [*on_cpu, *sorted(held.difference(on_cpu))]
        case State.BLOCKED:
            pids = list(board.blocked)
        case State.STOPPED:
            pids = list(board.stopped)
        case State.EXITED:
            pids = list(reversed(board.exited))
    return [board.rows[pid] for pid in pids]


def _on(row: Row) -> str:
    """What it waits for."""
    return wording.cause(row.on) if row.on is not None else ""


def _lines(texts: list[str], label: Label) -> list[str]:
    """Texts on as many lines as they may take, several on one where they must and fit."""
    if len(texts) <= label.lines:
        return texts
    lines: list[str] = []
    for text in texts:
        if lines and cell_len(lines[-1]) + len(_BETWEEN) + cell_len(text) <= label.width:
            lines[-1] += _BETWEEN + text
        else:
            lines.append(text)
    return lines[: label.lines]
