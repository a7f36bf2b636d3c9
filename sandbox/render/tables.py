"""Tables and lines of text on stdout, in the width and the colours of the terminal.

Rich, which styles them, takes longer to import than most commands take to run, so it is imported only for a terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sandbox.render.output import say
from sandbox.util.text import clean
from sandbox.util.units import MS

if TYPE_CHECKING:
    from sandbox.render.gantt import Line

#: The least width of a chart, in cells.
_MIN_WIDTH = 40
#: Longer tables are printed without styles: measuring and styling each cell would take half a minute for 50,000 lines.
_MAX_STYLED = 200
#: Environment variables that request styles even if stdout is no terminal.
_WANTS_STYLES = ("FORCE_COLOR", "TTY_COMPATIBLE")


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: set[int]) -> None:
    """Print a table on stdout; text is never interpreted as markup, and nothing is cut if stdout is no terminal.
    ``left``: the numbers of left-justified columns."""
    rows = [*rows]
    if len(rows) > _MAX_STYLED or not _may_be_styled():
        _print_plain([head, *rows], left)
        return
    from sandbox.render.styled import print_table as print_styled

    print_styled(head, rows, left)


def _may_be_styled() -> bool:
    return sys.stdout.isatty() or any(os.environ.get(name) for name in _WANTS_STYLES)


def _print_plain(rows: Sequence[Sequence[str]], left: set[int]) -> None:
    """Print a table without styles and line breaks, in microseconds per line."""
    from rich.cells import cell_len

    from sandbox.render.cells import fit, flush_right

    cleaned = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cleaned, strict=True)]
    for row in cleaned:
        cells = (
            fit(cell, width) if index in left else flush_right(cell, width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        say("  ".join(cells).rstrip())


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines whose pieces have tones, in colours if stdout is a terminal; they are never cut or interpreted as
    markup."""
    if not _may_be_styled():
        for line in lines:
            say("".join(piece for piece, _tone in line).rstrip())
        return
    from sandbox.render.styled import print_lines as print_styled

    print_styled(lines)


def chart_width() -> int:
    """Return the width of a chart in cells: that of the terminal, or 80 if there is none, but at least 40."""
    import shutil

    return max(shutil.get_terminal_size((80, 24)).columns, _MIN_WIDTH)


def milliseconds(ns: int | None) -> str:
    """Format a time for a table as milliseconds with one decimal; ``-`` for None."""
    return "-" if ns is None else f"{ns / MS:.1f}"
