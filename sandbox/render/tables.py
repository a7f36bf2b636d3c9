"""Tables and lines of text on stdout, in the width and the colours that the terminal has."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.render.cells import fit, flush_right
from sandbox.render.gantt import Line
from sandbox.render.output import say
from sandbox.util.text import clean
from sandbox.util.units import MS

#: Charts are not narrower than so many cells.
_MIN_WIDTH = 40
#: Longer tables are printed plainly: to measure and style each cell would take half a minute for 50,000 lines.
_MAX_STYLED = 200
#: Without colours a chart's signs tell the same.
_TONES = {
    "text": "",
    "dim": "dim",
    "strong": "bold",
    "running": "green",
    "ran_while_ready": "green",
    "ready": "yellow",
    "blocked": "blue",
}


class Printer(Console):
    """Where tables and charts are printed."""

    def on_broken_pipe(self) -> None:
        """The command deals with a reader who leaves; rich would exit with status 1."""
        raise BrokenPipeError


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: set[int]) -> None:
    """A table on stdout; foreign text is never taken for markup, and nothing is cut when stdout is no terminal."""
    rows = [*rows]
    if len(rows) > _MAX_STYLED:
        _print_plain([head, *rows], left)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, title in enumerate(head):
        table.add_column(title, justify="left" if index in left else "right", no_wrap=index not in left)
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    console = Printer(highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    console.print(table)


def _print_plain(rows: Sequence[Sequence[str]], left: set[int]) -> None:
    """A long table: a line takes microseconds, and is not broken."""
    cleaned = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cleaned, strict=True)]
    for row in cleaned:
        cells = (
            fit(cell, width) if index in left else flush_right(cell, width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        say("  ".join(cells).rstrip())


def print_lines(lines: Iterable[Line]) -> None:
    """Lines whose pieces have tones, in the colours that the terminal can have; never cut, never for markup."""
    console = Printer(highlight=False)
    for line in lines:
        text = Text(end="")
        for piece, tone in line:
            text.append(clean(piece), _TONES[tone])
        text.rstrip()
        console.print(text, soft_wrap=True)


def chart_width() -> int:
    """How many cells wide a chart is: as the terminal, 80 where there is none."""
    return max(shutil.get_terminal_size((80, 24)).columns, _MIN_WIDTH)


def milliseconds(ns: int | None) -> str:
    """A time in a table: milliseconds with one decimal, ``-`` for none."""
    return "-" if ns is None else f"{ns / MS:.1f}"
