"""What a terminal shows that has been sent something: a small interface to the emulator that we use.

Only this module knows it, and only a console that needs it loads this module, because that takes a while. What a
terminal is sent may come from anybody: it never resizes itself, never takes long at a time, and answers nothing but
what every terminal is asked.
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

#: Lines that have left the screen at its top and can be scrolled back to.
MAX_HISTORY = 1_000
#: Characters that are fed at once: however dear what they ask for is, it does not take long.
_STEP = 128
#: Characters of a sequence that has not ended; a longer one is given up.
_MAX_SEQUENCE = 4_096
#: From so many characters on, lines without anything else are not fed one by one.
_MIN_FLOOD = 8_192
#: Characters of answers that wait to be fetched.
_MAX_ANSWERS = 512
#: Characters in one cell: a base and what is combined with it.
_MAX_COMBINED = 5

#: A terminal without printer, locator and user-defined keys. It calls itself a VT220 with colours.
_MODEL = replace(
    BITTTY, name="ossandbox", da1_response="\x1b[?62;22c", options=frozenset(), control_capabilities=EDITING
)
#: What it can be told and asked. All else, of which there is much, is nothing to it: other sizes, titles and settings
#: that are read back, macros, printers, keyboards, links, the clipboard, rectangles that cost more than they show.
_OPERATIONS = re.compile(
    r"PRINT|C0_(?:BS|HT|LF|VT|FF|CR|CRLF|SO|SI|DEL)|IND|RI|NEL|HTS|ST|TBC|CBT|CHA|CHT|CNL|CPL|CU[BDFPU]|HP[ABR]|HVP"
    r"|VP[ABR]|SAVE|RESTORE|DCH|DL|ECH|ED|EL|ICH|IL|REP|SD|SU|DECSTBM|DECSLRM|DECSCUSR|SGR|XTPUSHSGR|XTPOPSGR|SM|RM"
    r"|DECSET|DECRST|XTSAVE|XTRESTORE|DECKPAM|DECKPNM|RIS|DECSTR|SCS_G[0-3]|SS[23]|LS[123]R?|CPR|DSR|DA1|DA2|DECRQM"
    r"|OSC_FOREGROUND|OSC_BACKGROUND"
)
#: Modes that would make another terminal of it: a VT52, 132 columns, writing from right to left, sizes told in band,
#: characters of another width.
_REFUSED_MODES = frozenset({2, 3, 34, 35, 40, 95, 96, 2027, 2048, 8840})
_MODE_OPERATIONS = ("DECSET", "DECRST")
#: What every terminal is asked: what it is, whether it works, where the cursor is, what a mode is, two colours.
_ANSWER = re.compile(
    r"\x1b\[(?:[?>][\d;]+c|0n|\d+;\d+R|\??\d+;\d\$y)|\x1b\]1[01];rgb:[0-9a-f/]+(?:\x07|\x1b\\)", re.IGNORECASE
)
_MODIFIERS = {"shift": KeyModifiers.SHIFT, "alt": KeyModifiers.ALT, "ctrl": KeyModifiers.CTRL}
#: Ends a sequence that has begun.
_CANCEL = "\x18"
#: Stands for a character that the terminal on which we draw thinks to be of another width than we do.
_UNLIKE = "\ufffd"
#: Categories of what is no character: controls, formats, halves of pairs.
_CONTROLS = ("Cc", "Cf", "Cs")
#: Where there may be more combined characters than one cell holds.
_CROWD = re.compile(r"[^\w\s\x00-\x7f]{6,}")

#: Strings for somebody else than the screen, begun and ended: titles, pictures, the clipboard. Two short ones ask for
#: colours.
_STRING = re.compile(r"\x1b[]PX^_](?!1[01];\?(?:\x07|\x1b\\))")
_STRING_END = re.compile(r"[\x07\x18\x1a]|\x1b\\|\x1b(?=[^\\])")
_PLAIN_LINES = re.compile(r"(?:[\x20-\x7e]*\r\n)+")

Cells = Sequence[tuple[Any, str]]


class _PlainLine(NamedTuple):
    """A line that has never been on the screen: it came with too many others."""

    text: str
    style: Any


class Emulator:
    """``background``: the colour it shows where there is none, as red, green and blue."""

    #: The emulator asks for this: it shall tell of lines that leave the screen.
    keeps_scrollback = True
    #: What it asks of the cable that leads to the program.
    closed = False

    def __init__(self, rows: int, columns: int, background: tuple[int, int, int] | None = None) -> None:
        self.rows, self.columns = rows, columns
        self._board = Board(width=columns, height=rows, model=_MODEL)
        self._board.modes.set_grapheme_capability("permanently-set")
        if background is not None:
            self._board.palette.background = background
        self._board.attach_display(self)
        self._board.host.attach(self)
        #: Lines above the screen, newest last, and how many there have ever been.
        self._history: deque[Cells | _PlainLine] = deque(maxlen=MAX_HISTORY)
        self._left = 0
        #: Of those that will leave it next, so many are above it already.
        self._known = 0
        #: What it has still to take in, from a place on; and from where on there are no plain lines, as far as we know.
        self._pending, self._place, self._tried = "", 0, 0
        self._in_string, self._escape = False, ""
        self._answers = ""
        self._keys: list[str] | None = None
        self._page: Any = None
        self._seen = 0
        self._cursor_row = 0
        self._narrow_down()

    def _narrow_down(self) -> None:
        """Take out of the emulator whatever it is not to do."""
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

    # What comes from the program

    def feed(self, text: str, for_s: float | None = None) -> bool:
        """Take in what the terminal is sent, for so long at most; whether that was all."""
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
        """Leave out what it has still to take in; what follows has nothing to do with what came before."""
        self._pending, self._place, self._tried = "", 0, 0
        self._in_string, self._escape = False, ""
        self._feed_parser(_CANCEL)

    def _feed_parser(self, text: str) -> None:
        parser = self._board.parser
        parser.feed(_thin(text))
        if len(parser.buffer) - parser.pos > _MAX_SEQUENCE:
            parser.buffer, parser.pos, parser.mode = "", 0, None

    def _without_strings(self, text: str) -> str:
        """A sequence that is a string may be of any length, and only its end is of interest."""
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
        if text.endswith("\x1b"):  # it may begin or end a string
            self._escape = "\x1b"
            if not self._in_string:
                kept[-1] = kept[-1][:-1]
        return "".join(kept)

    def _feed_flood(self) -> bool:
        """More plain lines than the screen and what is kept above it have: most of them are never to be seen, and it
        is quicker to put what may be straight to where it goes. Whether it was so."""
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
        """Whether a line that is sent goes below the one before, as it is."""
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
        """It is as large as this from now on."""
        self.rows, self.columns = rows, columns
        self._keep_size()

    def answers(self) -> str:
        """What it has been asked since, and says to that."""
        answers, self._answers = self._answers, ""
        return "".join(found[0] for found in _ANSWER.finditer(answers))

    # What it shows

    @property
    def waits(self) -> bool:
        """Whether the program is in the middle of painting, and says so (synchronized output)."""
        return bool(self._board.modes.synchronized_output)

    @property
    def whole_screen(self) -> bool:
        """Whether a program has all of the screen for itself: nothing leaves it (the alternate screen)."""
        return bool(self._board.blitter.in_alt_screen)

    @property
    def cursor(self) -> tuple[int, int] | None:
        """Row and column of the cursor, if it is to be seen."""
        place = self._board.display.cursor
        return None if place is None else (place[1], min(place[0], self.columns - 1))

    @property
    def cursor_width(self) -> int:
        """How many cells the character under the cursor takes."""
        row, column = self.cursor or (0, 0)
        return 2 if isinstance(self._board.display.page.grid[row][column][1], WideHead) else 1

    @property
    def history(self) -> int:
        """How many lines above the screen are kept."""
        return len(self._history)

    @property
    def left(self) -> int:
        """How many lines have ever left the screen."""
        return self._left

    def line(self, row: int) -> Line:
        """A row of the screen; those above it are numbered -1, -2 …"""
        if row >= 0:
            return _line(self._board.display.page.grid[row])
        above = self._history[row]
        return ((above.text, _look(above.style)[0]),) if isinstance(above, _PlainLine) else _line(above)

    def changed(self) -> Iterable[int]:
        """The rows that may look different than when this was last asked."""
        page, cursor = self._board.display.page, self.cursor
        before, self._cursor_row = self._cursor_row, cursor[0] if cursor is not None else 0
        anew, self._page = page is not self._page, page
        rows = {*range(self.rows)} if anew else {*page.dirty_rows(self._seen), self._cursor_row, before}
        self._seen = page.observe()
        return sorted(row for row in rows if row < self.rows)

    @property
    def text(self) -> str:
        """The screen without looks."""
        return "\n".join("".join(text for text, _ in self.line(row)).rstrip() for row in range(self.rows))

    # What goes to the program

    @property
    def wants_mouse(self) -> bool:
        """Whether the program is told what the mouse does."""
        return bool(self._board.mouse.protocol is not MouseProtocol.OFF)

    def key(self, name: str, text: str | None, modifiers: Iterable[str]) -> str:
        """What is sent for a key: ``name`` is ``up``, ``f1``, or its character; ``text``: what it types."""
        held = KeyModifiers.NONE
        for modifier in modifiers:
            held |= _MODIFIERS.get(modifier, KeyModifiers.NONE)
        return self._sent(lambda: self._board.input_key_event(KeyEvent(name, held, text=text)))

    def paste(self, text: str) -> str:
        """What is sent for a text that is pasted: it cannot look like keys to a program that can tell."""
        text = text.replace("\x1b", "").replace("\r\n", "\n").replace("\n", "\r")
        return self._sent(lambda: self._board.input_paste(text))

    def mouse(self, row: int, column: int, button: int, what: str, modifiers: Iterable[str]) -> str:
        """What is sent for the mouse. ``what``: press, release or move; of the buttons, 64 and 65 are the wheel's."""
        held = {"meta" if modifier == "alt" else modifier for modifier in modifiers}
        return self._sent(lambda: self._board.input_mouse(column + 1, row + 1, button, what, held))

    def focus(self, on: bool) -> str:
        """What is sent, if anything, when the keys are the program's from now on, or no longer."""
        return self._sent(self._board.focus_in if on else self._board.focus_out)

    def _sent(self, do: Any) -> str:
        self._keys = []
        do()
        keys, self._keys = "".join(self._keys), None
        return keys

    # What the emulator asks of us: the cable to the program, and the display

    def write(self, data: str) -> int:
        """It sends something to the program."""
        if self._keys is not None:
            self._keys.append(data)
        elif len(self._answers) < _MAX_ANSWERS:
            self._answers += data
        return len(data)

    def write_bytes(self, data: bytes) -> int:
        """It sends something that is no text: a mouse of old, whose places are bytes."""
        return self.write(data.decode("latin-1"))

    def flush(self) -> None:
        """It was sent already."""

    def present(self, event: object) -> None:
        """Something has happened to the screen that cannot be read from it later."""
        if isinstance(event, RowsScrolledOff):
            lines = event.lines[self._known :]
            self._known -= len(event.lines) - len(lines)
            self._push([line.cells for line in lines], len(lines))
        elif isinstance(event, ScrollbackCleared):
            self._history.clear()


def _only_asking(apply: Any) -> Any:
    return lambda operation: apply(operation) if "?" in map(str, operation.args) else None


def _thin(text: str) -> str:
    """At most so many combined characters in a row as one cell shows."""
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
    """A row as text in its looks."""
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
    """What is in one cell, or in two, of which the second is empty."""
    text, cells = text[:_MAX_COMBINED], 2 if wide else 1
    steers = any(unicodedata.category(character) in _CONTROLS for character in text)
    return text if not text or (cell_len(text) == cells and not steers) else _UNLIKE.ljust(cells)


@lru_cache(maxsize=4_096)
def _look(style: Any) -> tuple[Look, bool]:
    """How a style looks, and whether it hides what is written in it."""
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
