"""Charts as data, and drawing them in terminal cells: lines, box plots and heat maps, legible at 80 columns without
colour.

Series are distinguished by letters, not by colours; characters that a terminal lacks are replaced by similar ones. (The
plotting libraries for terminals distinguish series, boxes and heat by colour alone.)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from string import ascii_letters
from typing import NamedTuple

from rich.cells import cell_len

from sandbox.i18n import _
from sandbox.render.cells import centred, fit, flush_right, wrap
from sandbox.render.gantt import Line
from sandbox.util.stats import spread

#: The height of a line chart in cells, and the most series that it can distinguish.
HEIGHT, MAX_SERIES = 18, len(ascii_letters)
#: The greatest width of the labels of rows, in cells.
_MAX_LABEL = 30
_SHADES = "·░▒▓█"
_SEVERAL = "*"


class Point(NamedTuple):
    """A point of a line, with the bounds of its confidence interval (None: unknown)."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


class Series(NamedTuple):
    """One line of a chart. ``marks``: every how many points the letter is drawn."""

    label: str
    points: Sequence[Point]
    marks: int = 1


class Axis(NamedTuple):
    """An axis of a chart. ``write``: formats a value; ``ticks``: the labelled values (None: as many as fit);
    ``logarithmic``: equal distances are equal factors; ``bounds``: the range of all possible values (None: that of the
    present ones)."""

    title: str
    write: Callable[[float], str]
    ticks: Sequence[float] | None = None
    logarithmic: bool = False
    bounds: tuple[float, float] | None = None

    def place(self, value: float) -> float:
        return math.log(value) if self.logarithmic else value


class Lines(NamedTuple):
    """A line chart."""

    title: str
    x: Axis
    y: Axis
    series: Sequence[Series]


class Boxes(NamedTuple):
    """A box plot, with a row for the distribution of the values of each label."""

    title: str
    axis: Axis
    rows: Sequence[tuple[str, Sequence[float]]]


class Heat(NamedTuple):
    """A heat map: a value for each pair of row and column, None if unknown."""

    title: str
    x: Axis
    y_title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[float | None]]]
    value: Axis


Chart = Lines | Boxes | Heat


def draw(chart: Chart, width: int) -> list[Line]:
    """Draw a chart as lines of at most ``width`` cells."""
    match chart:
        case Lines():
            body = _lines(chart, width)
        case Boxes():
            body = _boxes(chart, width)
        case Heat():
            body = _heat(chart, width)
    return [[(part, "strong")] for part in wrap(chart.title, width)] + [*body]


def nice_bounds(low: float, high: float, ticks: int = 4) -> tuple[float, float, float]:
    """Return round bounds around ``low`` and ``high``, and the step between about ``ticks`` ticks. The lower bound of
    positive values is 0 unless all are far from it."""
    if low > 0 and low < 0.6 * high:
        low = 0.0
    reach = (high - low) or abs(high) or 1.0
    rough = reach / ticks
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step or step, step


class _Canvas:
    """A drawing of Braille dots, two by four per cell, with signs drawn over them."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._dots = [[0] * width for _ in range(height)]
        self._signs: dict[tuple[int, int], str] = {}

    _BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

    def dot(self, x: float, y: float) -> None:
        """Set a dot. ``x`` and ``y`` are from 0 to 1, with the origin at the bottom left."""
        column = min(max(round(x * (self.width * 2 - 1)), 0), self.width * 2 - 1)
        row = min(max(round((1 - y) * (self.height * 4 - 1)), 0), self.height * 4 - 1)
        self._dots[row // 4][column // 2] |= self._BITS[row % 4][column % 2]

    def line(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        steps = max(round(abs(end[0] - begin[0]) * self.width * 2), round(abs(end[1] - begin[1]) * self.height * 4), 1)
        for step in range(steps + 1):
            share = step / steps
            self.dot(begin[0] + (end[0] - begin[0]) * share, begin[1] + (end[1] - begin[1]) * share)

    def sign(self, x: float, y: float, sign: str) -> None:
        place = self._cell(x, y)
        there = self._signs.get(place)
        self._signs[place] = sign if there in (None, "│", sign) else _SEVERAL

    def upright(self, x: float, low: float, high: float) -> None:
        """Draw a vertical bar between two heights, in cells that have no other sign."""
        column, bottom = self._cell(x, low)
        _column, top = self._cell(x, high)
        for row in range(top, bottom + 1) if bottom > top else ():
            self._signs.setdefault((column, row), "│")

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        column = min(max(round(x * (self.width * 2 - 1)), 0) // 2, self.width - 1)
        return column, min(max(round((1 - y) * (self.height * 4 - 1)), 0) // 4, self.height - 1)

    def rows(self) -> Iterator[str]:
        for row, dots in enumerate(self._dots):
            yield "".join(
                self._signs.get((column, row)) or (chr(0x2800 + bits) if bits else " ")
                for column, bits in enumerate(dots)
            )


def _lines(chart: Lines, width: int) -> Iterator[Line]:
    points = [point for series in chart.series for point in series.points]
    heights = [y for point in points for y in (point.y, point.low, point.high) if y is not None]
    low, high, step = nice_bounds(*(chart.y.bounds or (min(heights), max(heights))))
    ticks = [low + step * number for number in range(round((high - low) / step) + 1)]
    margin = max(cell_len(chart.y.write(tick)) for tick in ticks)
    canvas = _Canvas(width - margin - 2, HEIGHT - 4)
    left, right = (bound(chart.x.place(point.x) for point in points) for bound in (min, max))

    def at(x: float, y: float) -> tuple[float, float]:
        share = (chart.x.place(x) - left) / (right - left) if right > left else 0.5
        return share, (y - low) / (high - low)

    letters = dict(zip((series.label for series in chart.series), ascii_letters, strict=False))
    for series in chart.series:
        _trace(canvas, series, "o" if len(chart.series) == 1 else letters[series.label], at)
    names = {
        round((1 - at(0 if not chart.x.logarithmic else 1, tick)[1]) * (canvas.height - 1)): tick for tick in ticks
    }
    yield [(chart.y.title, "dim")]
    for number, row in enumerate(canvas.rows()):
        name = chart.y.write(names[number]) if number in names else ""
        yield [(flush_right(name, margin) + (" ┤" if name else " │"), "dim"), (row, "text")]
    yield [(" " * (margin + 1) + "└" + "─" * canvas.width, "dim")]
    yield [(_under(chart.x, left, right, canvas.width, margin + 2, width), "dim")]
    yield [(flush_right(chart.x.title, width), "dim")]
    if len(chart.series) > 1:
        signs = [f"{letters[series.label]} {series.label}" for series in chart.series]
        for line in wrap("   ".join([*signs, _("* several")]), width):
            yield [(line, "text")]


def _trace(canvas: _Canvas, series: Series, sign: str, at: Callable[[float, float], tuple[float, float]]) -> None:
    """Draw the line, the intervals and the letters of one series."""
    places = [at(point.x, point.y) for point in series.points]
    for begin, end in itertools.pairwise(places):
        canvas.line(begin, end)
    for number, (point, place) in enumerate(zip(series.points, places, strict=True)):
        if number % series.marks == series.marks // 2:
            canvas.sign(*place, sign)
        if point.low is not None and point.high is not None:
            canvas.upright(place[0], at(point.x, point.low)[1], at(point.x, point.high)[1])


def _under(axis: Axis, left: float, right: float, width: int, margin: int, most: int) -> str:
    """Return the line of values below a chart, as many as fit."""
    values = axis.ticks
    if values is None:
        low, high, step = nice_bounds(left, right, 8)
        values = [value for number in range(50) if left <= (value := low + step * number) <= min(right, high) + 1e-9]
    marks = [" "] * (most + 12)
    free = 0
    for value in sorted(values):
        share = (axis.place(value) - left) / (right - left) if right > left else 0.5
        text = axis.write(value)
        middle = margin + round(share * (width - 1))
        begin = min(max(middle - cell_len(text) // 2, free), most - cell_len(text))
        if begin >= free and begin <= middle:
            marks[begin : begin + len(text)] = text
            free = begin + cell_len(text) + 1
    return "".join(marks).rstrip()


def _boxes(chart: Boxes, width: int) -> Iterator[Line]:
    label = _label_width(name for name, _values in chart.rows)
    room = width - label - 1
    everything = [value for _name, values in chart.rows for value in values]
    low, high, step = nice_bounds(min(everything), max(everything))

    def at(value: float) -> int:
        return round((value - low) / (high - low) * (room - 1))

    for name, values in chart.rows:
        least, lower, middle, upper, greatest = map(at, spread(values))
        row = [" "] * room
        row[least : greatest + 1] = "─" * (greatest + 1 - least)
        row[lower : upper + 1] = "▒" * (upper + 1 - lower)
        row[least], row[greatest] = ("├", "┤") if greatest > least else ("│", "│")
        row[middle] = "┃"
        yield [(fit(name, label) + " ", "text"), ("".join(row), "text")]
    yield [(" " * (label + 1) + "─" * room, "dim")]
    ticks = [low + step * number for number in range(round((high - low) / step) + 1)]
    yield [(_under(chart.axis._replace(ticks=ticks), low, high, room, label + 1, width), "dim")]
    yield [(flush_right(chart.axis.title, width), "dim")]
    yield [(_("├ least, ▒ the middle half, ┃ median, ┤ greatest"), "dim")]


def _heat(chart: Heat, width: int) -> Iterator[Line]:
    known = [value for _name, values in chart.rows for value in values if value is not None]
    low, high = min(known), max(known)
    label = _label_width([chart.y_title, *(name for name, _values in chart.rows)])
    cell = max((width - label - 1) // max(len(chart.columns), 1), 1)
    yield [(fit(chart.y_title, label) + " ", "dim"), ("".join(centred(name, cell) for name in chart.columns), "dim")]
    for name, values in chart.rows:
        yield [
            (fit(name, label) + " ", "text"),
            ("".join(_warm(chart, value, low, high, cell) for value in values), "text"),
        ]
    yield [(flush_right(chart.x.title, width), "dim")]
    scale = f"{_SHADES[0]} {chart.value.write(low)}  …  {_SHADES[-1]} {chart.value.write(high)}"
    yield [(f"{chart.value.title}: {scale}", "dim")]


def _warm(chart: Heat, value: float | None, low: float, high: float, cell: int) -> str:
    """Return a cell of a heat map: its shade, and its figure if there is room for it."""
    if value is None:
        return " " * cell
    shade = _SHADES[min(int((value - low) / ((high - low) or 1) * len(_SHADES)), len(_SHADES) - 1)]
    text = chart.value.write(value)
    if cell < cell_len(text) + 3:
        return fit(shade * max(cell - 1, 1), cell)
    return fit(f"{shade} {text}", cell)


def _label_width(names: Iterable[str]) -> int:
    return min(max(map(cell_len, names), default=0), _MAX_LABEL)
