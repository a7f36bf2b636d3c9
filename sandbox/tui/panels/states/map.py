"""The state diagram: the processes in each state, how often each arrow was taken, and the last arrow taken."""

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

#: The transitions shown at each arrow; if none was ever made, the first one is named.
_SAME_ARROW: dict[Ends, list[str]] = {
    ends: [name for name, other in TRANSITIONS.items() if other == ends] for ends in TRANSITIONS.values()
}
for _ends, _beside in TOLD_BESIDE.items():
    _SAME_ARROW[_beside] += _SAME_ARROW.pop(_ends)
#: Arrows that are hidden until a process is stopped.
_OF_STOPS = frozenset(ends for ends in _SAME_ARROW if State.STOPPED in ends)
#: The least width in cells of a process in a box, with pid and sign.
_MIN_NAME = 12
#: The least width in cells of a process with what it waits for.
_MIN_WITH_REASON = 26
_BETWEEN = "  "
#: Cells for the two ends of an arrow in the list.
_MIN_ENDS = 20


class _Lit(NamedTuple):
    """The arrows to highlight: the last one taken, and those that led to it."""

    last: Ends | None
    before: frozenset[Ends]


class StateMap(Picture):
    """The diagram: boxes for the states, and arrows between them."""

    DEFAULT_CLASSES = "framed main"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._alone = False

    def update_from(self, session: Session, chosen: int | None, alone: bool) -> None:
        """Show the diagram. ``alone``: count the chosen process's transitions only, else those of all processes."""
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
        """Draw the diagram, or a list of the arrows if there is no room for it."""
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
        """Return the arrows to highlight: for one process its last arrow; for all, the last one and those that led to
        it."""
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
        """Return the number of times that an arrow was taken, by transition; its usual transition even if that is 0."""
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
        """Return the number of columns in a box: several, if all processes together do not fit below each other. A
        process that moves between boxes thus does not make others jump."""
        if state in WAITS and len(_rows(board, state)) > inner.height:
            return max(inner.width // _MIN_WITH_REASON, 1)
        if state in WAITS or len(board.rows) - len(board.exited) <= inner.height:
            return 1
        return max((inner.width + len(_BETWEEN)) // (_MIN_NAME + len(_BETWEEN)), 1)

    def sign(self, row: Row) -> Piece:
        """Return the sign of a process; one that was RUNNING when the machine paused has a special sign."""
        held = self._session is not None and row.pid in self._session.view.board.transitions.held
        return ("‖", self.palette.ready) if held else super().sign(row)

    # Words

    def _captions(self, session: Session) -> Iterator[str]:
        """Yield where the chosen process is, what it waits for, and why it was given the CPU."""
        board, pid = session.view.board, self.chosen
        if pid is None:
            keys = f"{self.key('select_previous')} {self.key('select_next')}"
            yield _("{keys} choose a process").format(keys=keys)
            return
        if pid in board.transitions.held:
            yield _("{name}: it was RUNNING when the machine paused").format(name=board.rows[pid].called)
        else:
            queue = [row.pid for row in _rows(board, State.READY)]
            places = {other: place for place, other in enumerate(queue, 1)}
            yield f"{board.rows[pid].called}: {wording.situation(whereabouts(board, pid, places))}"
        turn = board.transitions.dispatched.get(pid)
        if turn is not None:
            yield wording.turn(turn)

    def _list(self, board: Board, lit: _Lit, width: int) -> Iterator[Strip]:
        """Yield a line for each arrow."""
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
    """Return the arrow at which a move is shown."""
    ends = TRANSITIONS[move.transition]
    return TOLD_BESIDE.get(ends, ends)


def _rows(board: Board, state: State) -> list[Row]:
    """Return the processes in a state: in queue order, by CPU, or the latest to end first. During a pause, RUNNING
    includes those that were running."""
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
    """Return what a process waits for."""
    return wording.cause(row.on) if row.on is not None else ""


def _lines(texts: list[str], label: Label) -> list[str]:
    """Fit texts into the lines of a label, several per line if needed and possible."""
    if len(texts) <= label.lines:
        return texts
    lines: list[str] = []
    for text in texts:
        if lines and cell_len(lines[-1]) + len(_BETWEEN) + cell_len(text) <= label.width:
            lines[-1] += _BETWEEN + text
        else:
            lines.append(text)
    return lines[: label.lines]
