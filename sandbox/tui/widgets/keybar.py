"""The bottom line: the keys that matter most, as many as there is room for."""

from __future__ import annotations

from rich.cells import cell_len
from textual.strip import Strip

from sandbox.tui.keys import ACTIONS, written
from sandbox.tui.widgets.lines import Lines, Piece, line


class KeyBar(Lines):
    """One line."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.keymap: dict[str, str] = {}

    def draw(self, width: int, height: int) -> list[Strip]:
        """The keys; help and quit are always there."""
        always = [self._pieces(action.id) for action in ACTIONS if action.id in ("help", "quit")]
        room = width - sum(_cells(pieces) for pieces in always)
        pieces: list[Piece] = []
        for action in ACTIONS:
            if action.brief and action.id not in ("help", "quit"):
                more = self._pieces(action.id)
                if _cells(pieces) + _cells(more) > room:
                    break
                pieces += more
        return [line([*pieces, *(piece for group in always for piece in group)], width)]

    def _pieces(self, action_id: str) -> list[Piece]:
        action = next(action for action in ACTIONS if action.id == action_id)
        keys = self.keymap.get(action.id, action.keys)
        if action_id == "quantum_up":  # the two are shown as a pair
            keys = ",".join((self.keymap.get("quantum_down", "left_square_bracket"), keys))
        first = keys if action_id == "quantum_up" else keys.split(",")[0]
        return [(f" {written(first)}", self.palette.strong), (f" {action.brief} ", self.palette.dim)]


def _cells(pieces: list[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)
