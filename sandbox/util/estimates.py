"""Confidence intervals for means and for differences of means."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from statistics import NormalDist, fmean, stdev
from typing import Any, NamedTuple

from sandbox.util.stats import percentile

#: The confidence level of intervals, the number of bootstrap resamples, and the seed of their random numbers.
LEVEL, RESAMPLES, SEED = 0.95, 1_000, 1
#: With more values than this, the mean is taken to be normally distributed, and no resamples are drawn.
MAX_RESAMPLED = 500


class Estimate(NamedTuple):
    """A mean, and the interval that contains the true mean with confidence ``LEVEL``; ``low`` and ``high`` are None for
    a single value, which has no known spread."""

    mean: float
    low: float | None
    high: float | None

    @property
    def half(self) -> float | None:
        """Half the length of the interval, for display after ±; None if there is no interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def clear(self) -> bool:
        """Whether an estimated difference is significant: its interval does not contain 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def estimate(values: Sequence[float], among: int = 1) -> Estimate:
    """Return the mean of values with a bootstrap interval: percentiles of the means of resamples, widened for few
    values as Student's t widens the normal distribution, because the plain bootstrap interval is then too narrow.
    ``among``: the number of intervals that should all be right together (Bonferroni)."""
    mean = fmean(values)
    if len(values) < 2:
        return Estimate(mean, None, None)
    if min(values) == max(values):
        return Estimate(values[0], values[0], values[0])
    if len(values) > MAX_RESAMPLED:
        error = stdev(values) / math.sqrt(len(values))
        reach = NormalDist().inv_cdf(_upper(LEVEL, among)) * error
        return Estimate(mean, mean - reach, mean + reach)
    means = sorted(sum(draw(values)) / len(values) for draw in _draws(len(values)))
    return _widened(mean, means, len(values), among)


def difference(one: Mapping[int, float], other: Mapping[int, float], among: int = 1) -> Estimate:
    """Return by how much ``other`` exceeds ``one`` on average; both map seeds to values. The values are paired by seed
    if two or more seeds are shared, since equal seeds mean equal random numbers; else the samples count as
    independent."""
    shared = [seed for seed in one if seed in other]
    if len(shared) >= 2 or len(one) == len(other) == len(shared) == 1:
        return estimate([other[seed] - one[seed] for seed in shared], among)
    ours, theirs = [*one.values()], [*other.values()]
    mean = fmean(theirs) - fmean(ours)
    if min(len(ours), len(theirs)) < 2:
        return Estimate(mean, None, None)
    mine, yours = (_means(values, seed) for values, seed in ((ours, SEED), (theirs, SEED + 1)))
    means = sorted(its - own for own, its in zip(mine, yours, strict=True))
    return _widened(mean, means, min(len(ours), len(theirs)), among)


def _means(values: Sequence[float], seed: int) -> list[float]:
    if len(values) <= MAX_RESAMPLED:
        return [sum(draw(values)) / len(values) for draw in _draws(len(values), seed)]
    chance = random.Random(seed)
    error = stdev(values) / math.sqrt(len(values))
    return [chance.gauss(fmean(values), error) for _ in range(RESAMPLES)]


def _widened(mean: float, means: Sequence[float], number: int, among: int) -> Estimate:
    low, high = percentile(means, 1 - _upper(LEVEL)), percentile(means, _upper(LEVEL))
    few = student(number - 1, _upper(LEVEL, among)) / NormalDist().inv_cdf(_upper(LEVEL))
    few *= math.sqrt(number / (number - 1))  # resamples vary less than samples of the population
    return Estimate(mean, mean - (mean - low) * few, mean + (high - mean) * few)


def _upper(level: float, among: int = 1) -> float:
    return 1 - (1 - level) / 2 / among


@lru_cache(maxsize=64)
def _draws(number: int, seed: int = SEED) -> list[Callable[[Sequence[float]], Any]]:
    """Return functions that each draw one resample of ``number`` values; the resamples depend only on the seed."""
    chance = random.Random(seed * 1_000_003 + number)
    return [itemgetter(*chance.choices(range(number), k=number)) for _ in range(RESAMPLES)]


@lru_cache(maxsize=256)
def student(freedom: int, share: float) -> float:
    """Return the quantile of Student's t distribution for a share above one half. The closed form of the distribution
    function is inverted by bisection over the angle whose tangent is t / √freedom."""
    low, high = 0.0, math.pi / 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 + _within(freedom, middle) / 2 < share else (low, middle)
    return math.sqrt(freedom) * math.tan(low)


def _within(freedom: int, angle: float) -> float:
    """Return the probability that |t| is below √freedom · tan(angle)."""
    cosine = math.cos(angle)
    odd = freedom % 2
    term = total = cosine if odd else 1.0
    if freedom == 1:
        total = 0.0
    for step in range(2 + odd, freedom - 1, 2):
        term *= cosine * cosine * (step - 1) / step
        total += term
    within = math.sin(angle) * total
    return 2 / math.pi * (angle + within) if odd else within
