"""The table of a comparison: rows of policies, columns of figures, the best of each column, the spread of repeats."""

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
    """The runs of a policy. ``rivals``: it is compared with those that have the same word; ``complete``: all processes
    of all runs have ended, so that the figures can be compared; ``seeds``: of each run, equal for equal random
    numbers."""

    label: str
    rivals: str
    documents: list[Document]
    complete: bool
    seeds: list[int]

    def by_seed(self, column: Column) -> dict[int, float]:
        """Return a figure by seed, for the runs that have it."""
        found = zip(self.seeds, map(column.value, self.documents), strict=True)
        return {seed: value for seed, value in found if value is not None}

    def over_runs(self, fold: Callable[[list[float]], float], column: Column) -> float | None:
        """Apply ``fold`` to a figure of all runs; None if no run has it."""
        values = [value for document in self.documents if (value := column.value(document)) is not None]
        return fold(values) if values else None


class Cell(NamedTuple):
    """A figure as text. ``best``: no rival has a better one, and not all have the same."""

    text: str
    best: bool


class Row(NamedTuple):
    """The row of a policy. ``spread``: half of the 95 % confidence interval of each mean; empty for one run."""

    label: str
    cells: list[Cell]
    spread: list[str]


def columns_for(entrants: Sequence[Entrant]) -> tuple[Column, ...]:
    """Return the columns to show."""
    missed = any(MISSED.value(document) for entrant in entrants for document in entrant.documents)
    return (*MEANS_AND_TAILS, MISSED, *OTHERS) if missed else (*MEANS_AND_TAILS, *OTHERS)


def standings(entrants: Sequence[Entrant]) -> tuple[str, list[Row]]:
    """Return the unit of the times, and the rows. Figures are means over the runs of a policy."""
    unit, size = _unit(entrants)
    columns = [_column(column, entrants, size) for column in columns_for(entrants)]
    rows = []
    for index, entrant in enumerate(entrants):
        cells = [cells[index] for cells, _ in columns]
        spread = [spreads[index] for _, spreads in columns] if len(entrant.documents) > 1 else []
        rows.append(Row(entrant.label, cells, spread))
    return unit, rows


def _column(column: Column, entrants: Sequence[Entrant], size: int) -> tuple[list[Cell], list[str]]:
    """Return the cells and the spreads of a column."""
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
    """Return the texts of the best figure among rivals and of those that are not known to be worse; an empty set if all
    are equally good."""
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
    """Return the name and size of a unit in which times have few digits; turns, for stepped runs."""
    if all(is_stepped(document["machine"]["sensor"]) for entrant in entrants for document in entrant.documents):
        return _(TURNS), TURN_NS
    times = [entrant.over_runs(fmean, column) or 0.0 for entrant in entrants for column in MEANS_AND_TAILS]
    return unit_of(max(times, default=0.0))


# As lines

_MIN_NAME = 9
_STAR = "*"


def table(entrants: Sequence[Entrant], width: int) -> list[Line]:
    """Return the table in lines of ``width`` cells, at least 80. The best of a column is marked by a star and a tone. A
    label that is too long has its own line."""
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
    """Return the width of a column with the cell for a star, given its title in the current language."""
    return max(column.width, cell_len(_(column.title)) + 1)


def _aligned(columns: Sequence[Column], texts: Iterable[str]) -> list[str]:
    """Right-align a text for each column, without the cell for a star."""
    return [flush_right(text, _width(column) - 1) for text, column in zip(texts, columns, strict=True)]
