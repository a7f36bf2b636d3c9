"""The table of a comparison: a row a policy, a column a figure, the best of each column, the spread over repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

from rich.cells import cell_len

from sandbox.i18n import N_, _
from sandbox.render.cells import fit, flush_right
from sandbox.render.gantt import Line
from sandbox.util.units import MS, US, S

Document = dict[str, Any]


class Column(NamedTuple):
    """A figure of the result document. ``best``: of several values, the one to praise."""

    title: str
    path: tuple[str, ...]
    best: Callable[[Iterable[float]], float]
    width: int = 7

    @property
    def is_time(self) -> bool:
        return self.path[0].endswith("_ns")

    def value(self, document: Document) -> float | None:
        """The figure of one run; None where the run has none."""
        found: Any = document["metrics"]
        for key in self.path:
            found = found[key]
        return None if found is None else float(found)


#: Times that every process has, and what is told of each.
TIMES = (N_("turnaround"), N_("waiting"), N_("response"))
PARTS = (N_("mean"), "p95")
_TIMES = tuple(Column(part, (f"{time}_ns", part), min) for time in TIMES for part in PARTS)
_OTHERS = (
    Column(N_("switches"), ("switches",), min, 9),
    Column(N_("CPU"), ("cpu_utilisation",), max),
    Column(N_("fair"), ("fairness_jain",), max),
)
#: Shown where a deadline was missed at all.
_MISSED = Column(N_("missed"), ("missed_deadlines",), min)


class Entrant(NamedTuple):
    """A policy's runs. ``rivals``: it is compared with others of the same word. ``complete``: every process of every
    run has ended under it, so that its figures can be compared at all."""

    label: str
    rivals: str
    documents: list[Document]
    complete: bool

    def over_runs(self, fold: Callable[[list[float]], float], column: Column) -> float | None:
        """A figure of all runs; None where they have none."""
        values = [value for document in self.documents if (value := column.value(document)) is not None]
        return fold(values) if values else None


class Cell(NamedTuple):
    """A figure as it is shown. ``best``: no rival has a better one, and not all have the same."""

    text: str
    best: bool


class Row(NamedTuple):
    """One policy. ``spread``: half of what lies between the least and the greatest of its runs; empty for one run."""

    label: str
    cells: list[Cell]
    spread: list[str]


def columns_for(entrants: Sequence[Entrant]) -> tuple[Column, ...]:
    """The columns that have something to tell."""
    missed = any(_MISSED.value(document) for entrant in entrants for document in entrant.documents)
    return (*_TIMES, _MISSED, *_OTHERS) if missed else (*_TIMES, *_OTHERS)


def standings(entrants: Sequence[Entrant]) -> tuple[str, list[Row]]:
    """The unit of the times, and the rows. Figures are medians over the runs of a policy."""
    unit, size = _unit(entrants)
    columns = [_column(column, entrants, size) for column in columns_for(entrants)]
    rows = []
    for index, entrant in enumerate(entrants):
        cells = [cells[index] for cells, _ in columns]
        spread = [spreads[index] for _, spreads in columns] if len(entrant.documents) > 1 else []
        rows.append(Row(entrant.label, cells, spread))
    return unit, rows


def _column(column: Column, entrants: Sequence[Entrant], size: int) -> tuple[list[Cell], list[str]]:
    """A column from top to bottom: its cells and its spreads."""
    middles = [entrant.over_runs(median, column) for entrant in entrants]
    show = _writer(column, size, max((value for value in middles if value is not None), default=0.0))
    texts = ["-" if value is None else show(value) for value in middles]
    best = {rivals: _best(column, rivals, entrants, middles, texts) for rivals in {one.rivals for one in entrants}}
    cells = [
        Cell(text, entrant.complete and text == best[entrant.rivals])
        for entrant, text in zip(entrants, texts, strict=True)
    ]
    spreads = [entrant.over_runs(_half_range, column) for entrant in entrants]
    return cells, ["-" if value is None else show(value) for value in spreads]


def _best(
    column: Column, rivals: str, entrants: Sequence[Entrant], middles: Sequence[float | None], texts: Sequence[str]
) -> str | None:
    """What the best figure among rivals looks like; None where there is nothing to choose."""
    known = {
        text: value
        for entrant, value, text in zip(entrants, middles, texts, strict=True)
        if entrant.complete and entrant.rivals == rivals and value is not None
    }
    if len(known) < 2:
        return None
    winner = column.best(known.values())
    return next(text for text, value in known.items() if value == winner)


def _half_range(values: list[float]) -> float:
    return (max(values) - min(values)) / 2


def _unit(entrants: Sequence[Entrant]) -> tuple[str, int]:
    """A unit in which the times have few digits."""
    times = [entrant.over_runs(median, column) or 0.0 for entrant in entrants for column in _TIMES]
    most_ns = max(times, default=0.0)
    if 0 < most_ns < 10_000 * US:
        return "us", US
    return ("ms", MS) if most_ns < 10_000 * MS else ("s", S)


def _writer(column: Column, size: int, most: float) -> Callable[[float], str]:
    """How the figures of a column are written: five characters if they can be."""
    if column.is_time:
        digits = 2 if most < 99.995 * size else 1 if most < 999.95 * size else 0
        return lambda value: f"{value / size:.{digits}f}"
    match column.path[0]:
        case "switches" | "missed_deadlines":
            return lambda value: f"{value:.0f}"
        case "cpu_utilisation":
            return lambda value: f"{value:.1%}".replace("100.0", "100")
    return lambda value: f"{value:.3f}"


# As lines

_MIN_NAME = 9
_STAR = "*"


def table(entrants: Sequence[Entrant], width: int) -> list[Line]:
    """The table in lines of ``width`` cells, of 80 at least; the best of a column has a star and its own tone. A name
    that is too long has a line of its own."""
    unit, rows = standings(entrants)
    columns = columns_for(entrants)
    name_most = max(max(width, 80) - sum(map(_width, columns)), _MIN_NAME)
    name = min(max([_MIN_NAME, *(cell_len(row.label) + 1 for row in rows)]), name_most)
    times = (flush_right(_(time), len(PARTS) * _width(columns[0]) - 1) + " " for time in TIMES)
    lines: list[Line] = [[(" " * name + "".join(times), "dim")]]
    titles = _aligned(columns, (_(column.title) for column in columns))
    lines.append([(fit(_("in {unit}").format(unit=unit), name) + " ".join(titles), "dim")])
    for row in rows:
        label = row.label
        if cell_len(label) >= name:
            lines.append([(label, "text")])
            label = ""
        lines.append([(fit(label, name), "text")])
        texts = _aligned(columns, (cell.text for cell in row.cells))
        for cell, text in zip(row.cells, texts, strict=True):
            lines[-1].append((text + _STAR, "strong") if cell.best else (text + " ", "text"))
        if row.spread:
            lines.append([(fit("  ±", name) + " ".join(_aligned(columns, row.spread)), "dim")])
    return lines


def _width(column: Column) -> int:
    """Of a column and the cell for a star behind it, whatever the language makes of its title."""
    return max(column.width, cell_len(_(column.title)) + 1)


def _aligned(columns: Sequence[Column], texts: Iterable[str]) -> list[str]:
    """One for each column; between two is a cell for a star."""
    return [flush_right(text, _width(column) - 1) for text, column in zip(texts, columns, strict=True)]
