"""The WHY line: the last decision, what led to it, and which rule made it."""

from __future__ import annotations

from rich.text import Text
from textual.strip import Strip

from sandbox.tui.session import Session
from sandbox.tui.widgets.lines import Lines, Piece, line
from sandbox.units import S
from sandbox.wording import why


class Why(Lines):
    """A few lines of prose."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._time = ""
        self._text = ""

    def show(self, session: Session) -> None:
        """Explain the present."""
        self.border_title = "WHY"
        board = session.board
        explained = why(board.recent, session.names, board.policy, idle=not board.ready and not board.running)
        if explained is not None:
            t_ns, self._text = explained
            self._time = f"{t_ns / S:.3f} s"
        self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """The sentences, broken into lines."""
        if not self._text:
            return []
        room = max(width - 12, 8)
        pieces = Text(self._text).wrap(self.app.console, room)
        strips: list[Strip] = []
        for index, text in enumerate(pieces[:height]):
            margin: Piece = (f"{self._time if index == 0 else '':>10}  ", self.palette.dim)
            strips.append(line([margin, (text.plain, self.palette.text)], width))
        return strips
