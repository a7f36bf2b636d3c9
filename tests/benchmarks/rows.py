"""The figures of two revisions, side by side, and what forbids to compare them."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tests.benchmarks.figures import Better, Figure, number
from tests.benchmarks.ratios import Ratio, paired

#: With less, nothing is concluded; five rounds give 0.94.
MIN_CONFIDENCE = 0.9


class Row(msgspec.Struct, frozen=True):
    """A figure of both revisions."""

    name: str
    unit: str
    better: Better
    here: float
    there: float
    ratio: Ratio
    control: float | None

    @property
    def verdict(self) -> str:
        if self.ratio.confidence < MIN_CONFIDENCE:
            return "too few rounds"
        if not self.ratio.differs:
            return "no difference shown"
        return "better" if (self.ratio.median > 1) == (self.better == "more") else "worse"


def rows(here: Sequence[Iterable[Figure]], there: Sequence[Iterable[Figure]]) -> list[Row]:
    """The figures that both revisions have, of all their rounds."""
    ours, theirs = _by_name(here), _by_name(there)
    return [_row(ours[name], theirs[name]) for name in ours if name in theirs]


def _by_name(rounds: Sequence[Iterable[Figure]]) -> dict[str, list[Figure]]:
    """The figures that every round has."""
    found: dict[str, list[Figure]] = {}
    for figures in rounds:
        for figure in figures:
            found.setdefault(figure.name, []).append(figure)
    return {name: figures for name, figures in found.items() if len(figures) == len(rounds)}


def _row(here: list[Figure], there: list[Figure]) -> Row:
    values = [[figure.value for figure in side] for side in (here, there)]
    controls = [[figure.control for figure in side if figure.control is not None] for side in (here, there)]
    control = paired(*controls).median if len(controls[0]) == len(controls[1]) == len(here) else None
    first = here[0]
    ours, theirs = map(statistics.median, values)
    return Row(first.name, first.unit, first.better, ours, theirs, paired(*values), control)


def table(rows: Sequence[Row]) -> list[str]:
    """For people."""
    sure = f"{rows[0].ratio.confidence:.0%} sure" if rows else ""
    head = (
        f"{'':<30} {'here':>10} {'there':>10} {'':<4} {'ratio':>7}  {sure:<16} {'control':>7}  {'better is':<9} here is"
    )
    return [head, *(_line(row) for row in rows)]


def _line(row: Row) -> str:
    control = "" if row.control is None else f"{row.control:.3f}"
    return (
        f"{row.name:<30} {number(row.here):>10} {number(row.there):>10} {row.unit:<4} {row.ratio.median:>7.3f}"
        f"  {f'{row.ratio.low:.3f} to {row.ratio.high:.3f}':<16} {control:>7}  {row.better:<9} {row.verdict}"
    )


def unmatched(here: Iterable[Figure], there: Iterable[Figure], revision: str) -> Iterator[str]:
    """The figures that only one revision has."""
    ours, theirs = {figure.name: None for figure in here}, {figure.name: None for figure in there}
    yield from (f"only here: {name}" for name in ours if name not in theirs)
    yield from (f"only {revision}: {name}" for name in theirs if name not in ours)


def other_sizes(here: str, there: str) -> Iterator[str]:
    """The constants of two sources that differ: then the figures are of different work."""
    ours, theirs = constants(here), constants(there)
    for name in ours:
        if name in theirs and ours[name] != theirs[name]:
            yield f"not the same work: {name} is {_short(ours[name])} here, {_short(theirs[name])} there"


def constants(source: str) -> dict[str, object]:
    """The plain values that a module gives to names in capital letters, ``ROUNDS`` left out: that is for us to say."""
    found: dict[str, object] = {}
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=value) | ast.AnnAssign(
                ast.Name(name), value=ast.expr() as value
            ):
                _take(found, [name], [value])
            case ast.Assign(targets=[ast.Tuple(names)], value=ast.Tuple(values)):
                _take(found, [each.id for each in names if isinstance(each, ast.Name)], values)
    return {name: value for name, value in found.items() if name.isupper() and name != "ROUNDS"}


def _take(found: dict[str, object], names: list[str], values: list[ast.expr]) -> None:
    for name, value in zip(names, values, strict=False):
        try:
            found[name] = ast.literal_eval(value)
        except ValueError:  # it is computed
            continue


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else "another text" if isinstance(value, str) else f"{text[:40]}…"
