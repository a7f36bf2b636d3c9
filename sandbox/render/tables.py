"""Tables and lines of text on stdout, in the width and the colours that the terminal has.

What styles them takes longer to load than most commands take to do their work, so it is loaded for a terminal only.
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

#: Charts are not narrower than so many cells.
_MIN_WIDTH = 40
#: Longer tables are printed plainly: to measure and style each cell would take half a minute for 50,000 lines.
_MAX_STYLED = 200
#: Variables by which somebody may want styles where there is no terminal.
_WANTS_STYLES = ("FORCE_COLOR", "TTY_COMPATIBLE")


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: set[int]) -> None:
    """A table on stdout; foreign text is never taken for markup, and nothing is cut when stdout is no terminal."""
    rows = [*rows]
    if len(rows) > _MAX_STYLED or not _may_be_styled():
        _print_plain([head, *rows], left)
        return
    from sandbox.render.styled import print_table as print_styled

    print_styled(head, rows, left)


def _may_be_styled() -> bool:
    return sys.stdout.isatty() or any(os.environ.get(name) for name in _WANTS_STYLES)


def _print_plain(rows: Sequence[Sequence[str]], left: set[int]) -> None:
    """A long table, or one for no terminal: a line takes microseconds, and is not broken."""
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
    """Lines whose pieces have tones, in the colours that the terminal can have; never cut, never for markup."""
    if not _may_be_styled():
        for line in lines:
            say("".join(piece for piece, _tone in line).rstrip())
        return
    from sandbox.render.styled import print_lines as print_styled

    print_styled(lines)


def chart_width() -> int:
    """How many cells wide a chart is: as the terminal, 80 where there is none."""
    import shutil

    return max(shutil.get_terminal_size((80, 24)).columns, _MIN_WIDTH)


def milliseconds(ns: int | None) -> str:
    """A time in a table: milliseconds with one decimal, ``-`` for none."""
    return "-" if ns is None else f"{ns / MS:.1f}"
