"""Tables and lines of text for a terminal: as wide as that is, and in its colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.util.text import clean

if TYPE_CHECKING:
    from sandbox.render.gantt import Line

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
#: As wide as this is what goes to no terminal.
_UNCUT = 10_000


class Printer(Console):
    """Where tables and charts are printed."""

    def on_broken_pipe(self) -> None:
        """The command deals with a reader who leaves; rich would exit with status 1."""
        raise BrokenPipeError


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: set[int]) -> None:
    """A table; foreign text is never taken for markup."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, title in enumerate(head):
        said = Text(title, style="bold")
        table.add_column(said, justify="left" if index in left else "right", no_wrap=index not in left)
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    console = Printer(highlight=False)
    if not console.is_terminal:
        console.width = _UNCUT
    console.print(table)


def print_lines(lines: Iterable[Line]) -> None:
    """Lines whose pieces have tones; never cut, never for markup."""
    console = Printer(highlight=False)
    for line in lines:
        text = Text(end="")
        for piece, tone in line:
            text.append(clean(piece), _TONES[tone])
        text.rstrip()
        console.print(text, soft_wrap=True)
