"""The top line: what runs, whether it runs, the time, the policy, the load."""

from __future__ import annotations

from textual.strip import Strip

from sandbox.tui.session import Session
from sandbox.tui.widgets.lines import Lines, Piece, line
from sandbox.units import S, show_duration

_LOAD_CELLS = 10


class Status(Lines):
    """One line."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._session: Session | None = None

    def show(self, session: Session) -> None:
        """Show the present state."""
        self._session = session
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The line."""
        session = self._session
        if session is None:
            return []
        board, palette = session.board, self.palette
        left: list[Piece] = [
            (" ossandbox ", palette.strong),
            (f" {session.scenario.name}  ", palette.text),
            self._phase(session),
            (f"  t {session.now_ns / S:.3f} s", palette.text),
        ]
        if board.booted is None:
            return [line(left, width)]
        parameters = "  ".join(_parameter(name, value) for name, value in board.parameters.items())
        cpus = board.booted.cpus
        load = session.utilisation()
        full = round(load * _LOAD_CELLS)
        middle: list[Piece] = [
            ("   ", palette.text),
            (board.policy, palette.strong),
            (f"  {parameters}" if parameters else "", palette.text),
            (f"   cpus {cpus}" if cpus > 1 else "", palette.text),
        ]
        right: list[Piece] = [
            ("CPU ", palette.dim),
            ("▇" * full, palette.running),
            ("▁" * (_LOAD_CELLS - full), palette.dim),
            (f" {load:4.0%} ", palette.text),
        ]
        used = sum(len(text) for text, _ in left + middle + right)
        if used > width:
            right, used = right[3:], used - _LOAD_CELLS - 4
        gap: Piece = (" " * max(width - used, 1), palette.text)
        return [line([*left, *middle, gap, *right], width)]

    def _phase(self, session: Session) -> Piece:
        board, palette = session.board, self.palette
        if session.died:
            return (" ✘ KERNEL DIED ", palette.failed)
        if board.halted is not None:
            return (" ■ HALTED ", palette.dim)
        if board.paused:
            return (" ‖ PAUSED ", palette.paused)
        if board.booted is None:
            return (" … BOOTING ", palette.dim)
        if board.rows and len(board.exited) == len(board.rows):
            return (" ✔ FINISHED ", palette.strong)
        return (" ▶ RUNNING ", palette.running)


def _parameter(name: str, value: object) -> str:
    """``quantum 50 ms`` for ``quantum_ns: 50000000``."""
    if name.endswith("_ns") and isinstance(value, int):
        return f"{name.removesuffix('_ns')} {show_duration(value)}"
    if name.endswith("_ns") and isinstance(value, list):
        return f"{name.removesuffix('_ns')} {', '.join(map(show_duration, value))}"
    return f"{name} {value}"
