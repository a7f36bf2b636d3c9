"""What stands before the line in which one types: whom it is for, and whether he waits for it."""

from __future__ import annotations

from rich.cells import cell_len
from textual.strip import Strip

from sandbox.i18n import _
from sandbox.render.cells import fit_name
from sandbox.tui.widgets.lines import Lines, Piece, line

_NAME_MOST = 16


class Prompt(Lines):
    """As wide as what it says. ``nobody``: the message for where there is nobody to hear."""

    def __init__(self, id: str, nobody: str) -> None:
        super().__init__(id=id)
        self._nobody = nobody
        self._name: str | None = None
        self._asks = False

    def show(self, name: str | None, asks: bool) -> None:
        """``name`` None: nobody is there. ``asks``: he waits until somebody types."""
        if (self._name, self._asks) != (name, asks):
            self._name, self._asks = name, asks
            self.styles.width = sum(cell_len(text) for text, __ in self._pieces())
            self.update_lines()

    def draw(self, width: int, height: int) -> list[Strip]:
        """One line."""
        return [line(self._pieces(), width)]

    def _pieces(self) -> list[Piece]:
        palette = self.palette
        if self._name is None:
            return [(f" {_(self._nobody)}", palette.dim)]
        name = fit_name(self._name, min(cell_len(self._name), _NAME_MOST))
        return (
            [(f" {_('{name} waits for a line').format(name=name)} ", palette.paused), (" ", palette.text)]
            if self._asks
            else [(f" {name} ▸ ", palette.strong)]
        )
