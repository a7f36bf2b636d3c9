"""Who wins what, beyond the noise, and at what price: of a comparison's repeats and of a sweep's rows alike.

What a schedule is good for is told figure by figure: there is no best policy, there is one for a purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sandbox.analysis.comparison.columns import GOALS, Column
from sandbox.util.estimates import Estimate, difference, estimate

#: Prices are told from this share on, the dearest first, and no more than so many.
_MIN_PRICE, _MAX_PRICES = 0.10, 2


class Sample(NamedTuple):
    """A contender's runs: each figure, by the figure's place in GOALS and the seed of the run."""

    label: str
    figures: Sequence[Mapping[int, float]]


class Price(NamedTuple):
    """What the winner is worse at: the figure, its own mean, the best one and whose that is."""

    column: Column
    own: float
    best: float
    of: str


class Standing(NamedTuple):
    """One figure. ``winner`` has the best mean, ``equals`` are not known to be worse; ``next`` is the best of those who
    are, ``behind`` by how much. ``one``: each ran only once, so nothing is known of any noise."""

    column: Column
    winner: str
    mean: Estimate
    equals: list[str]
    next: str | None
    behind: Estimate | None
    one: bool
    prices: list[Price]


def standings(samples: Sequence[Sample]) -> list[Standing]:
    """A standing for each figure in which the contenders differ at all."""
    return [found for place in range(len(GOALS)) if (found := _standing(samples, place)) is not None]


def leaders(column: Column, figures: Sequence[Mapping[int, float]]) -> list[int]:
    """Whose mean is best, and then all others that are not known to be worse, by their places."""
    best, behind = _ranked(column, dict(enumerate(figures)))
    return [best, *(place for place, by in behind.items() if not _is_worse(by))]


def _ranked(column: Column, figures: Mapping[int, Mapping[int, float]]) -> tuple[int, dict[int, Estimate]]:
    """Who has the best mean, and how far behind the others are, the nearest first."""
    means = {place: sum(values.values()) / len(values) for place, values in figures.items()}
    best = column.best(means.values())
    first, *others = sorted(means, key=lambda place: abs(means[place] - best))
    return first, {place: difference(figures[first], figures[place], len(others)) for place in others}


def _is_worse(by: Estimate) -> bool:
    """Beyond the noise, where that is known: in virtual time a single run is what it is."""
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
    """By the sample's number, of those that have the figure."""
    return {
        number: sum(values.values()) / len(values)
        for number, sample in enumerate(samples)
        if (values := sample.figures[place])
    }


def _prices(samples: Sequence[Sample], winner: int, place: int) -> list[Price]:
    """What the winner of a figure is worse at than others, beyond the noise, the dearest first."""
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
