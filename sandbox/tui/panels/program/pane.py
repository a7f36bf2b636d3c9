"""The source of one process, with its next line marked, and below it the changes made by its last line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size
from textual import events
from textual.geometry import Offset
from textual.strip import Strip

from sandbox import wording
from sandbox.i18n import _
from sandbox.model.states import State
from sandbox.render.cells import fit
from sandbox.scenario.sources import Source
from sandbox.tui.palette import SIGNS
from sandbox.tui.widgets.choices import Picked
from sandbox.tui.widgets.lines import Piece, ScrolledLines, line
from sandbox.views.board import Row
from sandbox.views.program import Steps

#: The least number of lines in sight above the marked one, if there are as many.
_ABOVE = 2
#: The number of cells by which a key scrolls sideways.
_ASIDE = 16
#: The reason for blocking takes at most the line's width divided by this.
_MAX_REASON = 2


class Shown(NamedTuple):
    """The contents of a pane. ``marks``: the next lines of the process's threads, the thread that ran last first;
    ``reason``: why it is blocked; ``latest``: no other process has run a line since; ``others``: a note of the
    processes beside it that are out of sight."""

    row: Row
    name: str
    source: Source
    marks: tuple[int, ...]
    steps: Steps | None
    reason: str
    chosen: bool
    latest: bool
    others: str = ""


class Pane(ScrolledLines):
    """Shows a source text and keeps the marked line in sight unless the user scrolls."""

    DEFAULT_CLASSES = "framed main"
    ALLOW_SELECT = True

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._shown: Shown | None = None
        self._top = self._left = 0
        self._wheeled = False

    def show(self, shown: Shown) -> None:
        """Show these contents, and scroll to the marked line if it has changed."""
        before, self._shown = self._shown, shown
        if before is None or before.row.pid != shown.row.pid or before.source.name != shown.source.name:
            self._top = self._left = 0
            self._wheeled = False
        elif before.marks != shown.marks:
            self._wheeled = False
        self.set_class(shown.chosen, "chosen")
        sign = SIGNS[shown.row.state]
        mark = "▸ " if shown.chosen else ""
        self.entitle(f"{mark}{shown.row.pid} {shown.name} {sign}  {shown.source.name}", self._below(shown))
        self.update_lines()

    def clear(self) -> None:
        """Show nothing, as there is no process with a program."""
        self._shown = None
        self.entitle("")
        self.update_lines()

    def _below(self, shown: Shown) -> str:
        if shown.reason or shown.steps is None:
            return "   ".join(filter(None, [shown.others, shown.reason]))
        last = shown.steps.last
        where = _("in {function}").format(function=last.function) if last is not None and last.line else ""
        return "   ".join(filter(None, [shown.others, where, _("steps {number}").format(number=shown.steps.count)]))

    # Drawing

    def draw(self, width: int, height: int) -> list[Strip]:
        shown = self._shown
        if shown is None:
            return []
        if shown.source.missing is not None:
            said = [shown.source.name, wording.missing(shown.source.missing)]
            return self.centred([*said, *self._places(shown)], width, height)
        told = [] if shown.steps is None or height < 3 else [self._changes(shown, width)]
        room = height - len(told)
        self._follow(shown, room)
        lines = shown.source.lines
        digits = len(str(len(lines)))
        strips = [
            self._line(shown, number, lines[number - 1], digits, width)
            for number in range(self._top + 1, min(self._top + room, len(lines)) + 1)
        ]
        return [*strips, *[self.blank(width)] * (room - len(strips)), *told]

    def _follow(self, shown: Shown, room: int) -> None:
        """Scroll so that the marked line is in sight."""
        most = max(len(shown.source.lines) - room, 0)
        place = next(iter(shown.marks), shown.source.first) or (shown.steps.line if shown.steps is not None else 0)
        if place and not self._wheeled:
            above = min(_ABOVE, max(room - 1, 0) // 2)
            if place - 1 - above < self._top:
                self._top = place - 1 - above
            elif place + above > self._top + room:
                self._top = place + above - room
        self._top = max(min(self._top, most), 0)

    def _line(self, shown: Shown, number: int, text: str, digits: int, width: int) -> Strip:
        palette, state = self.palette, shown.row.state
        marked = number in shown.marks or (shown.steps is None and number == shown.source.first)
        sign, style = "  ", palette.dim
        if marked and shown.steps is None and not shown.marks:
            sign, style = "▸ ", palette.strong
        elif marked:
            sign = f"{SIGNS[State.BLOCKED]} " if state is State.BLOCKED else "▶ "
            style = palette.state(state)
        elif shown.steps is not None and number == shown.steps.line and shown.source.name == shown.steps.file:
            sign = "· "
        code = palette.strong if marked else palette.text
        pieces: list[Piece] = [(sign, style), (f"{number:>{digits}} ", palette.dim)]
        used = digits + 3
        text = _from_cell(text, self._left)
        under = palette.cursor if marked else None
        if number in shown.marks and shown.reason:  # without a mark, the line of the reason is unknown
            why = f"  {SIGNS[State.BLOCKED]} {shown.reason}"
            why = fit(why, min(cell_len(why), max((width - used) // _MAX_REASON, 0)))
            text = fit(text, max(min(cell_len(text), width - used - cell_len(why)), 0))
            return line([*pieces, (text, code), (why, palette.blocked)], width, under)
        return line([*pieces, (text, code)], width, under)

    def _changes(self, shown: Shown, width: int) -> Strip:
        """Return a line with the changes made by the last line that ran."""
        palette, steps = self.palette, shown.steps
        assert steps is not None
        pieces: list[Piece] = []
        for change in steps.changed:
            style = palette.dim if not shown.latest else palette.ready if change.shared else palette.strong
            pieces += [("   " if pieces else "", palette.dim), (wording.change(change), style)]
        return line(pieces or [("", palette.dim)], width)

    def _places(self, shown: Shown) -> Iterable[str]:
        """Yield what is known of a program without source text: the number of its next line, and its changes."""
        last = None if shown.steps is None else shown.steps.last
        if last is not None and last.line:
            yield _("next line: {line}").format(line=last.line)
        if shown.steps is not None:
            yield from map(wording.change, shown.steps.changed)

    # Scrolling

    def move(self, by: int) -> None:
        self._top, self._wheeled = max(self._top + by, 0), True

    def page(self, by: int) -> None:
        """Scroll by pages."""
        self.scroll_lines(by * max(self.size.height - 2, 1))

    def aside(self, by: int) -> None:
        """Scroll sideways."""
        widest = max(map(cell_len, self._shown.source.lines if self._shown is not None else ()), default=0)
        self._left = max(min(self._left + by * _ASIDE, widest - _ASIDE), 0)
        self.let_go()
        self.update_lines()

    def process_at(self, place: Offset) -> int | None:
        return self._shown.row.pid if self._shown is not None else None

    def on_click(self, event: events.Click) -> None:
        """Choose the process of this pane."""
        if self.text_selection is None and self._shown is not None:
            event.prevent_default()
            self.post_message(Picked(self._shown.row.pid, clicked=True))


def _from_cell(text: str, first: int) -> str:
    """Return the part of a text that begins at cell ``first`` or right of it, padded if a wide character is cut."""
    cells = 0
    for index, character in enumerate(text):
        if cells >= first:
            return " " * (cells - first) + text[index:]
        cells += get_character_cell_size(character)
    return ""


def windowed(pids: Sequence[int], room: int, first: int, chosen: int | None) -> tuple[Sequence[int], int]:
    """Return as many of the pids as there is room for, including the chosen one, and the index of the first one."""
    first = max(min(first, len(pids) - room), 0)
    if chosen is not None and chosen in pids:
        place = [*pids].index(chosen)
        first = max(min(first, place), place - room + 1)
    return pids[first : first + room], first
