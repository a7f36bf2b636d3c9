"""The output of a process as lines of text, in its colours."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, get_character_cell_size
from textual.strip import Strip

from sandbox.tui.widgets.lines import Piece, ScrolledLines, line, width_of
from sandbox.views.console import ConsoleText, Line

_NOTHING = ConsoleText()
#: Marks where the next typed character will appear, while a process waits for input.
_PROMPT = "▏"


class ConsoleOutput(ScrolledLines):
    """The lines of a console, wrapped at the edge. The end is followed until the user scrolls back."""

    DEFAULT_CLASSES = "framed main"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._output = _NOTHING
        self._asks = False
        #: The number of the top line, and how many of its rows are out of sight above; None: the end is followed.
        self._top: tuple[int, int] | None = None
        #: The rows in sight that begin a line; other rows continue one.
        self._begins: set[int] = set()

    def update_from(self, output: ConsoleText, asks: bool = False) -> None:
        """Show this output. ``asks``: a process waits for a line to be typed."""
        if output is not self._output:
            self._output, self._top = output, None
        self._asks = asks
        self.update_lines()

    @property
    def following(self) -> bool:
        """Whether the end is in sight and followed."""
        return self._top is None

    def draw(self, width: int, height: int) -> list[Strip]:
        """Return the rows in sight."""
        output = self._output
        if self._top is None:
            number, skip = self._top_at_end(width, height)
        else:
            number, skip = self._top if self._top[0] >= output.first else (output.first, 0)
        rows: list[list[Piece]] = []
        self._begins = set()
        for each in output.lines(number, number + height):
            self._begins.add(len(rows) - skip)
            rows += self._rows(each, width)
        if self._asks and self._top is None and rows:
            rows[-1].append((_PROMPT, self.palette.paused))
        end: Piece = ("", self.palette.text)  # the background colour ends with the text
        return [line([*pieces, end], width) for pieces in rows[skip : skip + height]]

    def move(self, by: int) -> None:
        """Scroll by rows; once the end is reached, it is followed again."""
        width, height = self.size
        number, skip = self._top if self._top is not None else self._top_at_end(width, height)
        number, skip = self._moved(max(number, self._output.first), skip, by, width)
        self._top = None if (number, skip) >= self._top_at_end(width, height) else (number, skip)

    def scroll_pages(self, by: int) -> None:
        self.scroll_lines(by * max(self.size.height - 1, 1))

    def follow(self) -> None:
        """Go to the end and follow it."""
        self.let_go()
        self._top = None
        self.update_lines()

    def joint(self, y: int) -> str:
        return "\n" if y in self._begins else ""

    def _top_at_end(self, width: int, height: int) -> tuple[int, int]:
        """Return the top position at which the end is just in sight."""
        return self._moved(self._output.end, 0, -height, width)

    def _moved(self, number: int, skip: int, by: int, width: int) -> tuple[int, int]:
        """Return the top position ``by`` rows below another (above, if negative), within the lines kept."""
        output = self._output
        skip += by
        while skip < 0 and number > output.first:
            number -= 1
            skip += self._count(number, width)
        while number < output.end and skip >= (count := self._count(number, width)):
            number += 1
            skip -= count
        return number, max(skip, 0)

    def _count(self, number: int, width: int) -> int:
        return max(sum(len(self._rows(each, width)) for each in self._output.lines(number, number + 1)), 1)

    def _rows(self, each: Line, width: int) -> list[list[Piece]]:
        """Wrap a line into as many rows as it needs."""
        styled = [(text, self.palette.look(look)) for text, look in each]
        if width_of(styled) <= width:
            return [styled]
        rows: list[list[Piece]] = [[]]
        left = width
        for text, style in styled:
            for part in _parts(text, left, width):
                size = cell_len(part)
                if size > left:
                    rows.append([])
                    left = width
                rows[-1].append((part, style))
                left -= size
        return rows


def _parts(text: str, left: int, width: int) -> Iterator[str]:
    """Split a text into parts: the first fits into ``left`` cells, and the others into rows of ``width`` cells."""
    part = ""
    for character in text:
        size = get_character_cell_size(character)
        if size > left:
            if part:
                yield part
            part, left = "", width
        part += character
        left -= size
    if part:
        yield part
