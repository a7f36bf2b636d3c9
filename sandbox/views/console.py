"""The text that a process has written, as its console shows it: a limited number of lines with colours and styles."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from copy import copy
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

#: The most lines, and characters in all, that are kept of each console.
MAX_LINES = 1_000
_MAX_CHARACTERS = 100_000
#: Longer lines are wrapped.
_MAX_LINE = 1_000
_TAB = 8

#: The number of one of sixteen colours, which the screen's theme defines, or ``#rrggbb``; None: the default colour.
Colour = int | str | None


class Look(NamedTuple):
    """Colour and style of text."""

    colour: Colour = None
    ground: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = Look()
#: A line as pieces of text, each with a single look.
Line = tuple[tuple[str, Look], ...]

_TOKEN = re.compile(r"\x1b\[([0-9;:]*)([mK])|([\r\b\t])|([^\x1b\r\b\t]+)")
_MARKED = re.compile(r"[\x1b\r\b\t]")
_CORRECTED = re.compile(r"[\r\b\t]|\x1b(?!\[(?:[0-9;:]*m|K))")
_COLOURS = re.compile(r"\x1b\[([0-9;:]*)m")


class ConsoleText:
    """The text of one console. It grows with each write; the last line may still change. Lines are numbered from 0,
    which is the first line ever written."""

    def __init__(self) -> None:
        #: The number of the oldest line that is kept.
        self.first = 0
        self._lines: deque[Line] = deque()
        self._characters = 0
        self._look = PLAIN
        #: The last line as single characters, and the column of the next character.
        self._open: list[tuple[str, Look]] = []
        self._column = 0

    def __bool__(self) -> bool:
        return bool(self._lines or self._open)

    def copy(self) -> ConsoleText:
        """Return an independent copy; complete lines are shared, as they never change."""
        output = copy(self)
        output._lines, output._open = self._lines.copy(), self._open.copy()
        return output

    @property
    def end(self) -> int:
        """One more than the number of the last non-empty line."""
        return self.first + len(self._lines) + bool(self._open)

    def lines(self, first: int, last: int) -> Iterator[Line]:
        """Yield the kept lines from number ``first`` up to, but not including, ``last``."""
        for number in range(max(first, self.first), min(last, self.end)):
            index = number - self.first
            yield self._lines[index] if index < len(self._lines) else _runs(self._open)

    @property
    def text(self) -> str:
        """All kept text, without looks."""
        return "\n".join("".join(text for text, _ in line) for line in self.lines(self.first, self.end))

    def as_sent(self) -> str:
        """Return text with control sequences that makes a terminal show the kept lines."""
        lines = (
            "".join(f"\x1b[{_marks(look)}m{text}" for text, look in line) for line in self.lines(self.first, self.end)
        )
        ends = "\r\n" if self._lines and not self._open else ""
        return "\r\n".join(lines) + ends + f"\x1b[{_marks(self._look)}m"

    def write(self, text: str) -> None:
        """Append written text, which ``sandbox.util.text.clean_console`` must have cleaned."""
        *whole, rest = text.split("\n")
        if len(whole) > MAX_LINES:
            whole = self._skip(whole)
        for line in whole:
            if self._open or self._column or len(line) > _MAX_LINE or _CORRECTED.search(line):
                self._put(line)
                self._end_line()
            else:
                self._add(self._dressed(line) if "\x1b" in line else ((line, self._look),) if line else ())
        if rest:
            self._put(rest)
        while self._lines and (len(self._lines) > MAX_LINES or self._characters > _MAX_CHARACTERS):
            self._characters -= _length(self._lines.popleft())
            self.first += 1

    def _skip(self, lines: list[str]) -> list[str]:
        """Return the last ``MAX_LINES`` lines; apply only the look changes of the earlier ones, which would be dropped
        at once."""
        skipped, rest = lines[:-MAX_LINES], lines[-MAX_LINES:]
        for found in _TOKEN.finditer("".join(line for line in skipped if "\x1b" in line)):
            if found[2] == "m":
                self._look = _changed(self._look, found[1])
        self.first += len(self._lines) + len(skipped)
        self._lines.clear()
        self._characters = 0
        self._open, self._column = [], 0
        return rest

    def _dressed(self, text: str) -> Line:
        """Split a complete line without corrections, the most common kind, into pieces with one look each."""
        runs: list[tuple[str, Look]] = []
        parts = iter(_COLOURS.split(text.replace("\x1b[K", "")))  # there is nothing to clear at its end
        for part in parts:
            if part:
                runs.append((part, self._look))
            marks = next(parts, None)
            if marks is not None:
                self._look = _changed(self._look, marks)
        return tuple(runs)

    def _put(self, text: str) -> None:
        if not _MARKED.search(text):
            self._overwrite(text)
            return
        for found in _TOKEN.finditer(text):
            parameters, final, control, plain = found.groups()
            if plain:
                self._overwrite(plain)
            elif final == "m":
                self._look = _changed(self._look, parameters)
            elif final == "K":
                self._erase(parameters)
            elif control == "\t":
                self._column = min(self._column - self._column % _TAB + _TAB, _MAX_LINE)
            else:
                self._column = 0 if control == "\r" else max(self._column - 1, 0)

    def _overwrite(self, text: str) -> None:
        while text:
            if self._column >= _MAX_LINE:
                self._end_line()
            part, text = text[: _MAX_LINE - self._column], text[_MAX_LINE - self._column :]
            gap = self._column - len(self._open)
            if gap > 0:
                self._open += [(" ", PLAIN)] * gap
            self._open[self._column : self._column + len(part)] = [(character, self._look) for character in part]
            self._column += len(part)

    def _erase(self, parameters: str) -> None:
        if parameters in ("", "0"):
            del self._open[self._column :]
        else:
            end = len(self._open) if parameters == "2" else min(self._column + 1, len(self._open))
            self._open[:end] = [(" ", PLAIN)] * end

    def _end_line(self) -> None:
        self._add(_runs(self._open))
        self._open, self._column = [], 0

    def _add(self, line: Line) -> None:
        self._lines.append(line)
        self._characters += _length(line)


def _runs(cells: list[tuple[str, Look]]) -> Line:
    return tuple(("".join(map(itemgetter(0), group)), look) for look, group in groupby(cells, itemgetter(1)))


def _length(line: Line) -> int:
    return sum([len(text) for text, _ in line])


# Looks: ECMA-48's SELECT GRAPHIC RENDITION

_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",)}


def _marks(look: Look) -> str:
    """Return the SGR parameters that set a look, independent of the look before."""
    numbers = [number for number, name in _ON.items() if getattr(look, name)]
    return ";".join(["0", *map(str, numbers), *_colour_marks(look.colour, 38), *_colour_marks(look.ground, 48)])


def _colour_marks(colour: Colour, kind: int) -> list[str]:
    if colour is None:
        return []
    if isinstance(colour, int):
        return [f"{kind};5;{colour}"]
    return [f"{kind};2;" + ";".join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5))]


@lru_cache(maxsize=1_024)
def _changed(look: Look, parameters: str) -> Look:
    """Return the look after one SGR sequence; unknown parameters are ignored."""
    fields = iter(parameters.split(";"))
    further: Iterator[int]
    for field in fields:
        number, *rest = (int(part or 0) for part in field.split(":"))
        if number == 0:
            look = PLAIN
        elif number in _ON:
            look = look._replace(**{_ON[number]: rest != [0]})
        elif number in _OFF:
            look = look._replace(**dict.fromkeys(_OFF[number], False))
        elif number in (38, 48):
            if rest:  # red, green and blue are the last three, whatever stands before them
                further = iter([2, *rest[-3:]] if rest[0] == 2 else rest)
            else:
                further = (int(part) if part.isdecimal() else 0 for part in fields)
            look = _coloured(look, _colour(further), ground=number == 48)
        elif number in (39, 49):
            look = _coloured(look, None, ground=number == 49)
        elif number % 10 <= 7 and number // 10 in (3, 4, 9, 10):
            bright = 8 if number >= 90 else 0
            look = _coloured(look, number % 10 + bright, ground=number // 10 in (4, 10))
    return look


def _coloured(look: Look, colour: Colour, ground: bool) -> Look:
    return look._replace(ground=colour) if ground else look._replace(colour=colour)


def _colour(numbers: Iterator[int]) -> Colour:
    """Parse a colour number of 256 (``5;N``) or red, green and blue (``2;R;G;B``); None if it is neither."""
    kind = next(numbers, 0)
    if kind == 5:
        return colour_of_256(min(next(numbers, 0), 255))
    if kind == 2:
        parts = [min(part, 255) for part in (next(numbers, 0), next(numbers, 0), next(numbers, 0))]
        return "#{:02x}{:02x}{:02x}".format(*parts)
    return None


def colour_of_256(number: int) -> Colour:
    """Return the colour that terminals use for a number from 0 to 255."""
    if number < 16:
        return number
    if number >= 232:
        return "#" + f"{8 + (number - 232) * 10:02x}" * 3
    levels = (0, 95, 135, 175, 215, 255)
    red, rest = divmod(number - 16, 36)
    return "#" + "".join(f"{levels[level]:02x}" for level in (red, *divmod(rest, 6)))
