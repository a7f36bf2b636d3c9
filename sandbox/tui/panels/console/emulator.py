"""A terminal emulator: a small interface to the emulator library.

No other module uses the library, and only a console that needs a terminal imports this module, as that takes a while.
The input of the terminal is untrusted: input cannot resize it or keep it busy for long, and only the standard queries
of terminals are answered.
"""

from __future__ import annotations

import math
import re
import time
import unicodedata
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from bittty import BITTTY, Board, KeyEvent, KeyModifiers
from bittty.devices.modes import MouseProtocol
from bittty.options import EDITING
from bittty.present import RowsScrolledOff, ScrollbackCleared
from bittty.video import WideHead
from rich.cells import cell_len

from sandbox.util.text import clean_terminal
from sandbox.views.console import PLAIN, Colour, Line, Look, colour_of_256

#: The number of lines kept above the screen for scrolling back.
MAX_HISTORY = 1_000
#: The number of characters to process at once: even if all are expensive, that does not take long.
_STEP = 128
#: The most characters of an unfinished escape sequence; a longer one is dropped.
_MAX_SEQUENCE = 4_096
#: From this number of characters on, plain lines are not fed one by one.
_MIN_FLOOD = 8_192
#: The most characters of answers kept until they are fetched.
_MAX_ANSWERS = 512
#: The most characters in one cell: a base character and those combined with it.
_MAX_COMBINED = 5

#: The model of the terminal: a VT220 with colours, without printer, locator and user-defined keys.
_MODEL = replace(
    BITTTY, name="ossandbox", da1_response="\x1b[?62;22c", options=frozenset(), control_capabilities=EDITING
)
#: The operations that are allowed. Everything else is ignored, such as resizing, reading back titles and settings,
#: macros, printers, keyboards, links, the clipboard, and costly operations on rectangles.
_OPERATIONS = re.compile(
    r"PRINT|C0_(?:BS|HT|LF|VT|FF|CR|CRLF|SO|SI|DEL)|IND|RI|NEL|HTS|ST|TBC|CBT|CHA|CHT|CNL|CPL|CU[BDFPU]|HP[ABR]|HVP"
    r"|VP[ABR]|SAVE|RESTORE|DCH|DL|ECH|ED|EL|ICH|IL|REP|SD|SU|DECSTBM|DECSLRM|DECSCUSR|SGR|XTPUSHSGR|XTPOPSGR|SM|RM"
    r"|DECSET|DECRST|XTSAVE|XTRESTORE|DECKPAM|DECKPNM|RIS|DECSTR|SCS_G[0-3]|SS[23]|LS[123]R?|CPR|DSR|DA1|DA2|DECRQM"
    r"|OSC_FOREGROUND|OSC_BACKGROUND"
)
#: Modes that would change the kind of terminal: a VT52, 132 columns, writing from right to left, size reports in band,
#: other character widths.
_REFUSED_MODES = frozenset({2, 3, 34, 35, 40, 95, 96, 2027, 2048, 8840})
_MODE_OPERATIONS = ("DECSET", "DECRST")
#: The answers that are allowed, those to standard queries: identity, status, cursor position, a mode, and two colours.
_ANSWER = re.compile(
    r"\x1b\[(?:[?>][\d;]+c|0n|\d+;\d+R|\??\d+;\d\$y)|\x1b\]1[01];rgb:[0-9a-f/]+(?:\x07|\x1b\\)", re.IGNORECASE
)
_MODIFIERS = {"shift": KeyModifiers.SHIFT, "alt": KeyModifiers.ALT, "ctrl": KeyModifiers.CTRL}
#: Ends an unfinished sequence.
_CANCEL = "\x18"
#: Replaces a character whose width differs between the emulator and the real terminal.
_UNLIKE = "\ufffd"
#: Categories of code points that are not characters: controls, formats, surrogates.
_CONTROLS = ("Cc", "Cf", "Cs")
#: Matches text that may have more combining characters than a cell holds.
_CROWD = re.compile(r"[^\w\s\x00-\x7f]{6,}")

#: The begin and end of strings that are not for the screen: titles, pictures, the clipboard. Two short queries for
#: colours are excepted.
_STRING = re.compile(r"\x1b[]PX^_](?!1[01];\?(?:\x07|\x1b\\))")
_STRING_END = re.compile(r"[\x07\x18\x1a]|\x1b\\|\x1b(?=[^\\])")
_PLAIN_LINES = re.compile(r"(?:[\x20-\x7e]*\r\n)+")

Cells = Sequence[tuple[Any, str]]


class _PlainLine(NamedTuple):
    """A line that was never on the screen, as it arrived with too many others."""

    text: str
    style: Any


class Emulator:
    """A terminal's screen and the lines above it. ``background``: the colour to report as background, in red, green and
    blue."""

    #: Tells the emulator library to report lines that leave the screen.
    keeps_scrollback = True
    #: Required by the library for the connection to the program.
    closed = False

    def __init__(self, rows: int, columns: int, background: tuple[int, int, int] | None = None) -> None:
        self.rows, self.columns = rows, columns
        self._board = Board(width=columns, height=rows, model=_MODEL)
        self._board.modes.set_grapheme_capability("permanently-set")
        if background is not None:
            self._board.palette.background = background
        self._board.attach_display(self)
        self._board.host.attach(self)
        #: The lines above the screen, newest last, and the number of lines that have ever left the screen.
        self._history: deque[Cells | _PlainLine] = deque(maxlen=MAX_HISTORY)
        self._left = 0
        #: The number of lines next to leave the screen that are in the history already.
        self._known = 0
        #: The input still to be processed, the present place in it, and the place up to which it is known to have no
        #: flood.
        self._pending, self._place, self._tried = "", 0, 0
        self._in_string, self._escape = False, ""
        self._answers = ""
        self._keys: list[str] | None = None
        self._page: Any = None
        self._seen = 0
        self._cursor_row = 0
        self._narrow_down()

    def _narrow_down(self) -> None:
        """Remove from the emulator all operations that are not allowed."""
        registry: dict[str, Any] = self._board.registry
        for name in [*registry]:
            if not _OPERATIONS.fullmatch(name):
                del registry[name]
        for name in _MODE_OPERATIONS:
            registry[name] = self._only_some_modes(registry[name])
        for name in ("OSC_FOREGROUND", "OSC_BACKGROUND"):
            registry[name] = _only_asking(registry[name])

    def _only_some_modes(self, apply: Any) -> Any:
        def chosen(operation: Any) -> None:
            numbers, on, private = operation.args
            allowed = tuple(number for number in numbers if number not in _REFUSED_MODES)
            if allowed:
                apply(replace(operation, args=(allowed, on, private)))

        return chosen

    # Output of the program

    def feed(self, text: str, for_s: float | None = None) -> bool:
        """Process input, for at most ``for_s`` seconds. Returns whether all input has been processed."""
        self._pending = self._pending[self._place :] + self._without_strings(clean_terminal(text))
        self._place = self._tried = 0
        give_up = math.inf if for_s is None else time.monotonic() + for_s
        while self._place < len(self._pending):
            if not self._feed_flood():
                self._feed_parser(self._pending[self._place : self._place + _STEP])
                self._place += _STEP
            if time.monotonic() >= give_up:
                break
        self._keep_size()
        return self._place >= len(self._pending)

    def skip(self) -> None:
        """Drop the pending input; the input that follows need not continue it."""
        self._pending, self._place, self._tried = "", 0, 0
        self._in_string, self._escape = False, ""
        self._feed_parser(_CANCEL)

    def _feed_parser(self, text: str) -> None:
        parser = self._board.parser
        parser.feed(_thin(text))
        if len(parser.buffer) - parser.pos > _MAX_SEQUENCE:
            parser.buffer, parser.pos, parser.mode = "", 0, None

    def _without_strings(self, text: str) -> str:
        """Remove string sequences, which may have any length and may be split over several calls."""
        text, self._escape = self._escape + text, ""
        kept: list[str] = []
        place = 0
        while True:
            found = (_STRING_END if self._in_string else _STRING).search(text, place)
            if not self._in_string:
                kept.append(text[place : found.start() if found else len(text)])
            if found is None:
                break
            place = found.end() - (self._in_string and found[0] == "\x1b")
            self._in_string = not self._in_string
        if text.endswith("\x1b"):  # may begin or end a string
            self._escape = "\x1b"
            if not self._in_string:
                kept[-1] = kept[-1][:-1]
        return "".join(kept)

    def _feed_flood(self) -> bool:
        """Process a flood of plain lines (at least ``_MIN_FLOOD`` characters) at once. Most are never shown, so it is
        faster to put them into the history directly. Returns whether there was one."""
        if self._place < self._tried or len(self._pending) - self._place < _MIN_FLOOD:
            return False
        found = _PLAIN_LINES.match(self._pending, self._place)
        if found is None or found.end() - found.start() < _MIN_FLOOD or not self._is_plain:
            self._tried = self._place + _MIN_FLOOD if found is None else max(found.end(), self._place + _MIN_FLOOD)
            return False
        lines = found[0][:-2].split("\r\n")
        first, middle, last = lines[: self.rows], lines[self.rows : -self.rows], lines[-self.rows :]
        self._place = found.end()
        for line in first:
            self._feed_parser(f"{line}\r\n")
        if middle:
            above = [tuple(row) for row in self._board.display.page.grid[:-1]]
            self._push(above, len(above))
            style = self._board.style.current
            for line in middle[-MAX_HISTORY:]:
                starts = range(0, max(len(line), 1), self.columns)
                self._push([_PlainLine(line[start : start + self.columns], style) for start in starts], len(starts))
            self._left += sum([max(-(-len(line) // self.columns), 1) for line in middle[:-MAX_HISTORY]])
            self._known = len(above)
        for line in last:
            self._feed_parser(f"{line}\r\n")
        self._known = 0
        return True

    @property
    def _is_plain(self) -> bool:
        """Whether plain lines are simply added below the ones before, given the terminal's modes."""
        board, blitter = self._board, self._board.blitter
        margins = blitter.scroll_top, blitter.scroll_bottom, blitter.left_margin, blitter.right_margin
        return (
            not blitter.in_alt_screen
            and margins == (0, self.rows - 1, 0, self.columns - 1)
            and board.modes.auto_wrap
            and not board.modes.insert_mode
            and board.charset.translate("`lqx~") == "`lqx~"
            and bool(board.parser.pos == len(board.parser.buffer))
        )

    def _push(self, lines: Sequence[Cells | _PlainLine], count: int) -> None:
        self._history.extend(lines)
        self._left += count

    def _keep_size(self) -> None:
        if (self._board.height, self._board.width) != (self.rows, self.columns):
            self._board.blitter.resize(self.columns, self.rows)

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of the screen."""
        self.rows, self.columns = rows, columns
        self._keep_size()

    def answers(self) -> str:
        """Return the allowed answers to queries received since the last call."""
        answers, self._answers = self._answers, ""
        return "".join(found[0] for found in _ANSWER.finditer(answers))

    # The screen

    @property
    def waits(self) -> bool:
        """Whether the program has announced that it is in the middle of painting (synchronized output)."""
        return bool(self._board.modes.synchronized_output)

    @property
    def whole_screen(self) -> bool:
        """Whether a program uses the alternate screen, which no lines leave."""
        return bool(self._board.blitter.in_alt_screen)

    @property
    def cursor(self) -> tuple[int, int] | None:
        """The row and column of the cursor, or None if it is hidden."""
        place = self._board.display.cursor
        return None if place is None else (place[1], min(place[0], self.columns - 1))

    @property
    def cursor_width(self) -> int:
        """The width in cells of the character under the cursor."""
        row, column = self.cursor or (0, 0)
        return 2 if isinstance(self._board.display.page.grid[row][column][1], WideHead) else 1

    @property
    def history(self) -> int:
        """The number of lines kept above the screen."""
        return len(self._history)

    @property
    def left(self) -> int:
        """The number of lines that have ever left the screen."""
        return self._left

    def line(self, row: int) -> Line:
        """Return a row of the screen; the rows above it are numbered -1, -2 …"""
        if row >= 0:
            return _line(self._board.display.page.grid[row])
        above = self._history[row]
        return ((above.text, _look(above.style)[0]),) if isinstance(above, _PlainLine) else _line(above)

    def changed(self) -> Iterable[int]:
        """Return the rows that may have changed since the last call."""
        page, cursor = self._board.display.page, self.cursor
        before, self._cursor_row = self._cursor_row, cursor[0] if cursor is not None else 0
        anew, self._page = page is not self._page, page
        rows = {*range(self.rows)} if anew else {*page.dirty_rows(self._seen), self._cursor_row, before}
        self._seen = page.observe()
        return sorted(row for row in rows if row < self.rows)

    @property
    def text(self) -> str:
        """The text of the screen, without colours and styles."""
        return "\n".join("".join(text for text, _ in self.line(row)).rstrip() for row in range(self.rows))

    # Input for the program

    @property
    def wants_mouse(self) -> bool:
        """Whether the program has asked for mouse events."""
        return bool(self._board.mouse.protocol is not MouseProtocol.OFF)

    def key(self, name: str, text: str | None, modifiers: Iterable[str]) -> str:
        """Return the input that the program gets for a key. ``name``: such as ``up`` or ``f1``, or the key's character;
        ``text``: the text that the key types."""
        held = KeyModifiers.NONE
        for modifier in modifiers:
            held |= _MODIFIERS.get(modifier, KeyModifiers.NONE)
        return self._sent(lambda: self._board.input_key_event(KeyEvent(name, held, text=text)))

    def paste(self, text: str) -> str:
        """Return the input for a pasted text. Programs that use bracketed paste can tell it from keys."""
        text = text.replace("\x1b", "").replace("\r\n", "\n").replace("\n", "\r")
        return self._sent(lambda: self._board.input_paste(text))

    def mouse(self, row: int, column: int, button: int, what: str, modifiers: Iterable[str]) -> str:
        """Return the input for a mouse event. ``what``: press, release or move; buttons 64 and 65 are the wheel."""
        held = {"meta" if modifier == "alt" else modifier for modifier in modifiers}
        return self._sent(lambda: self._board.input_mouse(column + 1, row + 1, button, what, held))

    def focus(self, on: bool) -> str:
        """Return the input for a gain or loss of focus; "" if the program has not asked for that."""
        return self._sent(self._board.focus_in if on else self._board.focus_out)

    def _sent(self, do: Any) -> str:
        self._keys = []
        do()
        keys, self._keys = "".join(self._keys), None
        return keys

    # Called by the emulator library: the connection to the program, and the display

    def write(self, data: str) -> int:
        """Send text to the program: what the present key press produces, or an answer."""
        if self._keys is not None:
            self._keys.append(data)
        elif len(self._answers) < _MAX_ANSWERS:
            self._answers += data
        return len(data)

    def write_bytes(self, data: bytes) -> int:
        """Send bytes to the program, such as old mouse reports, whose coordinates are bytes."""
        return self.write(data.decode("latin-1"))

    def flush(self) -> None:
        """Do nothing: everything has been sent already."""

    def present(self, event: object) -> None:
        """Take note of an event that cannot be read from the screen later."""
        if isinstance(event, RowsScrolledOff):
            lines = event.lines[self._known :]
            self._known -= len(event.lines) - len(lines)
            self._push([line.cells for line in lines], len(lines))
        elif isinstance(event, ScrollbackCleared):
            self._history.clear()


def _only_asking(apply: Any) -> Any:
    return lambda operation: apply(operation) if "?" in map(str, operation.args) else None


def _thin(text: str) -> str:
    """Limit the number of combining characters in a row to what one cell shows."""
    return text if text.isascii() else _CROWD.sub(_sparse, text)


def _sparse(found: re.Match[str]) -> str:
    kept: list[str] = []
    crowd = 0
    for character in found[0]:
        crowd = crowd + 1 if unicodedata.combining(character) else 0
        if crowd < _MAX_COMBINED:
            kept.append(character)
    return "".join(kept)


def _line(cells: Cells) -> Line:
    """Return a row as pieces of text with their looks."""
    runs = []
    for style, group in groupby(cells, itemgetter(0)):
        texts = [cell[1] for cell in group]
        text = "".join(texts)
        if not text.isascii():
            text = "".join([_shown(each, isinstance(each, WideHead)) for each in texts])
        look, concealed = _look(style)
        runs.append((" " * cell_len(text) if concealed else text, look))
    return tuple(runs)


@lru_cache(maxsize=4_096)
def _shown(text: str, wide: bool) -> str:
    """Return the text of a cell (of two, if ``wide``), with anything replaced that the real terminal might show
    differently."""
    text, cells = text[:_MAX_COMBINED], 2 if wide else 1
    steers = any(unicodedata.category(character) in _CONTROLS for character in text)
    return text if not text or (cell_len(text) == cells and not steers) else _UNLIKE.ljust(cells)


@lru_cache(maxsize=4_096)
def _look(style: Any) -> tuple[Look, bool]:
    """Return the look of a style, and whether the style conceals the text."""
    look = Look(
        colour=_colour(style.fg),
        ground=_colour(style.bg),
        bold=bool(style.bold),
        dim=bool(style.dim),
        italic=bool(style.italic),
        underline=bool(style.underline),
        reverse=bool(style.reverse),
        strike=bool(style.strike),
    )
    return (PLAIN if look == PLAIN else look), bool(style.conceal)


def _colour(colour: Any) -> Colour:
    if colour is None or colour.mode == "default":
        return None
    if colour.mode == "indexed":
        return colour_of_256(colour.value)
    return "#{:02x}{:02x}{:02x}".format(*colour.value)
