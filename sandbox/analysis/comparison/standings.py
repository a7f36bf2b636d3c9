"""Determines the winner of each figure beyond the noise, and what it is worse at, for comparisons and sweeps.

The result is given figure by figure, because no policy is the best at everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sandbox.analysis.comparison.columns import GOALS, Column
from sandbox.util.estimates import Estimate, difference, estimate

#: The least relative difference of a price, and how many of the greatest are told.
_MIN_PRICE, _MAX_PRICES = 0.10, 2


class Sample(NamedTuple):
    """The figures of a contender's runs: for each of GOALS, the values by seed."""

    label: str
    figures: Sequence[Mapping[int, float]]


class Price(NamedTuple):
    """A figure that the winner of another one is worse at. ``own``: its mean; ``best``: the best mean, by ``of``."""

    column: Column
    own: float
    best: float
    of: str


class Standing(NamedTuple):
    """The result for one figure. ``winner``: has the best ``mean``; ``equals``: not known to be worse; ``next``: the
    best of the worse ones, ``behind`` by this difference; ``one``: each has run only once, so that the noise is
    unknown."""

    column: Column
    winner: str
    mean: Estimate
    equals: list[str]
    next: str | None
    behind: Estimate | None
    one: bool
    prices: list[Price]


def standings(samples: Sequence[Sample]) -> list[Standing]:
    """Return a standing for each figure in which the contenders differ."""
    return [found for place in range(len(GOALS)) if (found := _standing(samples, place)) is not None]


def leaders(column: Column, figures: Sequence[Mapping[int, float]]) -> list[int]:
    """Return the index of the best mean, followed by those that are not known to be worse."""
    best, behind = _ranked(column, dict(enumerate(figures)))
    return [best, *(place for place, by in behind.items() if not _is_worse(by))]


def _ranked(column: Column, figures: Mapping[int, Mapping[int, float]]) -> tuple[int, dict[int, Estimate]]:
    """Return the index of the best mean, and the differences of the others, the smallest first."""
    means = {place: sum(values.values()) / len(values) for place, values in figures.items()}
    best = column.best(means.values())
    first, *others = sorted(means, key=lambda place: abs(means[place] - best))
    return first, {place: difference(figures[first], figures[place], len(others)) for place in others}


def _is_worse(by: Estimate) -> bool:
    """Whether a difference is beyond the noise; for single runs, whether there is any."""
    return by.clear or (by.low is None and by.mean != 0)


def _standing(samples: Sequence[Sample], place: int) -> Standing | None:
    column = GOALS[place]
    figures = {number: sample.figures[place] for number, sample in enumerate(samples) if sample.figures[place]}
    if len(figures) < 2 or len({value for values in figures.values() for value in values.values()}) < 2:
        return None
    first, behind = _ranked(column, figures)
    worse = [number for number, by in behind.items() if _is_worse(by)]
    after = worse[0] if worse else None
    return Standing(
        column=column,
        winner=samples[first].label,
        mean=estimate([*figures[first].values()]),
        equals=[samples[number].label for number in behind if number not in worse],
        next=None if after is None else samples[after].label,
        behind=None if after is None else behind[after],
        one=all(len(values) == 1 for values in figures.values()),
        prices=_prices(samples, first, place) if worse else [],
    )


def _means(samples: Sequence[Sample], place: int) -> dict[int, float]:
    """Return the mean of each sample that has the figure, by the sample's index."""
    return {
        number: sum(values.values()) / len(values)
        for number, sample in enumerate(samples)
        if (values := sample.figures[place])
    }


def _prices(samples: Sequence[Sample], winner: int, place: int) -> list[Price]:
    """Return the other figures that the winner is worse at beyond the noise, the greatest differences first."""
    found: list[tuple[float, Price]] = []
    for other, column in enumerate(GOALS):
        means = _means(samples, other)
        if other == place or winner not in means:
            continue
        best = column.best(means.values())
        whose = min(means, key=lambda number: (means[number] != best, number))
        share = abs(means[winner] - best) / max(abs(best), abs(means[winner]), 1e-12)
        by = difference(samples[whose].figures[other], samples[winner].figures[other])
        if share >= _MIN_PRICE and (by.clear or by.low is None):
            found.append((share, Price(column, means[winner], best, samples[whose].label)))
    found.sort(key=lambda price: -price[0])
    return [price for _, price in found[:_MAX_PRICES]]
