"""A canvas of cells for boxes, arrows and text, for pictures that are not lists of lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from sandbox.render.cells import fit

Point = tuple[int, int]

_LEFT, _RIGHT, _UP, _DOWN = (-1, 0), (1, 0), (0, -1), (0, 1)
_HEADS = {_LEFT: "◀", _RIGHT: "▶", _UP: "▲", _DOWN: "▼"}
#: Line characters by the directions from which a line comes and to which it goes: thin, and thick.
_THIN = {(_RIGHT, _RIGHT): "─", (_UP, _UP): "│", (_RIGHT, _DOWN): "╮", (_RIGHT, _UP): "╯", (_DOWN, _RIGHT): "╰"}
_THIN |= {(_UP, _RIGHT): "╭"}
_THICK = {(_RIGHT, _RIGHT): "━", (_UP, _UP): "┃", (_RIGHT, _DOWN): "┓", (_RIGHT, _UP): "┛", (_DOWN, _RIGHT): "┗"}
_THICK |= {(_UP, _RIGHT): "┏"}


class Canvas:
    """A grid of cells, blank at first. Anything drawn outside is lost."""

    def __init__(self, width: int, height: int, style: Style) -> None:
        self._width = width
        self._rows = [[(" ", style)] * width for _ in range(height)]

    def text(self, x: int, y: int, text: str, style: Style) -> None:
        """Write text from a cell on; characters outside the canvas are dropped."""
        for character in text:
            size = cell_len(character)
            if size and 0 <= y < len(self._rows) and 0 <= x <= self._width - size:
                self._rows[y][x : x + size] = [(character, style), ("", style)][:size]
            x += size

    def box(self, region: Region, title: str, style: Style, title_style: Style) -> None:
        """Draw a frame with a title in its upper border."""
        x, y, width, height = region
        self.text(x, y, f"╭{'─' * (width - 2)}╮", style)
        for below in range(y + 1, y + height - 1):
            self.text(x, below, "│", style)
            self.text(x + width - 1, below, "│", style)
        self.text(x, y + height - 1, f"╰{'─' * (width - 2)}╯", style)
        if title:
            self.text(x + 2, y, f" {fit(title, min(cell_len(title), width - 6))} ", title_style)

    def arrow(self, corners: Sequence[Point], style: Style, thick: bool) -> None:
        """Draw a line from corner to corner, with a head at the last one."""
        signs = _THICK if thick else _THIN
        cells = [*_cells(corners)]
        steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(cells)]
        last = steps[-1] if steps else _direction(*corners)
        for (x, y), before, after in zip(cells, [*steps[:1], *steps], [*steps, last], strict=False):
            self.text(x, y, signs.get((before, after)) or signs[_back(after), _back(before)], style)
        self.text(*cells[-1], _HEADS[last], style)

    def strips(self) -> list[Strip]:
        """Return the drawing as one strip per line."""
        return [
            Strip(
                [Segment("".join(map(itemgetter(0), run)), style) for style, run in groupby(row, itemgetter(1))],
                self._width,
            )
            for row in self._rows
        ]


def _cells(corners: Sequence[Point]) -> Iterator[Point]:
    """Yield every cell of a line, including both ends."""
    yield corners[0]
    for start, end in pairwise(corners):
        by_x, by_y = _direction(start, end)
        for step in range(1, abs(end[0] - start[0]) + abs(end[1] - start[1]) + 1):
            yield start[0] + by_x * step, start[1] + by_y * step


def _direction(start: Point, end: Point) -> Point:
    return (end[0] > start[0]) - (end[0] < start[0]), (end[1] > start[1]) - (end[1] < start[1])


def _back(direction: Point) -> Point:
    return -direction[0], -direction[1]
