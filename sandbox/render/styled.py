"""Tables and lines of text for a terminal, in its width and its colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.util.text import clean

if TYPE_CHECKING:
    from sandbox.render.gantt import Line

#: The Rich style of each tone. A chart's signs say the same without colours.
_TONES = {
    "text": "",
    "dim": "dim",
    "strong": "bold",
    "running": "green",
    "ran_while_ready": "green",
    "ready": "yellow",
    "blocked": "blue",
}
#: The width of output that does not go to a terminal: wide enough not to cut anything.
_UNCUT = 10_000


class Printer(Console):
    """The console on which tables and charts are printed."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError, which the command handles; Rich would exit with status 1."""
        raise BrokenPipeError


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: set[int]) -> None:
    """Print a table; text is never interpreted as markup. ``left``: the numbers of left-justified columns."""
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
    """Print lines whose pieces have tones; they are never cut or interpreted as markup."""
    console = Printer(highlight=False)
    for line in lines:
        text = Text(end="")
        for piece, tone in line:
            text.append(clean(piece), _TONES[tone])
        text.rstrip()
        console.print(text, soft_wrap=True)
