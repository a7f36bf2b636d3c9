"""The table of a comparison: a row a policy, a column a figure, the best of each column, the spread over repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

from rich.cells import cell_len

from sandbox.analysis.comparison.columns import (
    MEANS_AND_TAILS,
    MISSED,
    OTHERS,
    PARTS,
    TIMES,
    TURN_NS,
    TURNS,
    Column,
    Document,
    is_stepped,
    unit_of,
    writer,
)
from sandbox.analysis.comparison.standings import leaders
from sandbox.i18n import _
from sandbox.render.cells import fit, flush_right
from sandbox.render.gantt import Line
from sandbox.util.estimates import estimate


class Entrant(NamedTuple):
    """A policy's runs. ``rivals``: it is compared with others of the same word. ``complete``: every process of every
    run has ended under it, so that its figures can be compared at all; ``seeds``: of each run, where the same one means
    the same luck."""

    label: str
    rivals: str
    documents: list[Document]
    complete: bool
    seeds: list[int]

    def by_seed(self, column: Column) -> dict[int, float]:
        """A figure of the runs that have it."""
        found = zip(self.seeds, map(column.value, self.documents), strict=True)
        return {seed: value for seed, value in found if value is not None}

    def over_runs(self, fold: Callable[[list[float]], float], column: Column) -> float | None:
        """A figure of all runs; None where they have none."""
        values = [value for document in self.documents if (value := column.value(document)) is not None]
        return fold(values) if values else None


class Cell(NamedTuple):
    """A figure as it is shown. ``best``: no rival has a better one, and not all have the same."""

    text: str
    best: bool


class Row(NamedTuple):
    """One policy. ``spread``: half of the interval that has the true mean with 95 %; empty for one run."""

    label: str
    cells: list[Cell]
    spread: list[str]


def columns_for(entrants: Sequence[Entrant]) -> tuple[Column, ...]:
    """The columns that have something to tell."""
    missed = any(MISSED.value(document) for entrant in entrants for document in entrant.documents)
    return (*MEANS_AND_TAILS, MISSED, *OTHERS) if missed else (*MEANS_AND_TAILS, *OTHERS)


def standings(entrants: Sequence[Entrant]) -> tuple[str, list[Row]]:
    """The unit of the times, and the rows. Figures are means over the runs of a policy."""
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
    middles = [entrant.over_runs(fmean, column) for entrant in entrants]
    show = writer(column, size, max((value for value in middles if value is not None), default=0.0))
    texts = ["-" if value is None else show(value) for value in middles]
    best = {rivals: _best(column, rivals, entrants, middles, texts) for rivals in {one.rivals for one in entrants}}
    cells = [
        Cell(text, entrant.complete and (text in best[entrant.rivals]))
        for entrant, text in zip(entrants, texts, strict=True)
    ]
    spreads = [entrant.over_runs(_half_interval, column) for entrant in entrants]
    return cells, ["-" if value is None else show(value) for value in spreads]


def _best(
    column: Column, rivals: str, entrants: Sequence[Entrant], middles: Sequence[float | None], texts: Sequence[str]
) -> set[str]:
    """What the best figures among rivals look like: the best one, and those of which it is not known that they are
    worse; none where there is nothing to choose."""
    known = [
        number
        for number, entrant in enumerate(entrants)
        if entrant.complete and entrant.rivals == rivals and middles[number] is not None
    ]
    if len({texts[number] for number in known}) < 2:
        return set()
    best = leaders(column, [entrants[number].by_seed(column) for number in known])
    return {texts[known[place]] for place in best} if len(best) < len(known) else set()


def _half_interval(values: list[float]) -> float:
    return estimate(values).half or 0.0


def _unit(entrants: Sequence[Entrant]) -> tuple[str, int]:
    """A unit in which the times have few digits; turns, where a turn is a line."""
    if all(is_stepped(document["machine"]["sensor"]) for entrant in entrants for document in entrant.documents):
        return _(TURNS), TURN_NS
    times = [entrant.over_runs(fmean, column) or 0.0 for entrant in entrants for column in MEANS_AND_TAILS]
    return unit_of(max(times, default=0.0))


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
