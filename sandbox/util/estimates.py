"""How sure a mean is, and a difference of means."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from statistics import NormalDist, fmean, stdev
from typing import Any, NamedTuple

from sandbox.util.stats import percentile

#: How sure an interval is, how many samples are drawn anew for it, and from which seed.
LEVEL, RESAMPLES, SEED = 0.95, 1_000, 1
#: Of more values than this the mean is as good as normally distributed, and nothing is drawn.
MAX_RESAMPLED = 500


class Estimate(NamedTuple):
    """A mean, and the interval that has the true one with a confidence of ``LEVEL``; None where one value says
    nothing of the noise."""

    mean: float
    low: float | None
    high: float | None

    @property
    def half(self) -> float | None:
        """Half of the interval's length: what stands behind ±."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def clear(self) -> bool:
        """Of a difference: whether it is one, beyond the noise."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def estimate(values: Sequence[float], among: int = 1) -> Estimate:
    """The mean of values, its interval by the bootstrap: percentiles of the means of samples drawn anew, widened for
    few values as Student's t widens the normal distribution, for there the plain bootstrap promises too much.
    ``among``: of so many intervals all are to be right together (Bonferroni)."""
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
    """By how much ``other`` is more than ``one``, both by seed: paired if they share two seeds or more, since then the
    same luck is in both, else of independent samples."""
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
    few *= math.sqrt(number / (number - 1))  # samples drawn anew vary less than those drawn from the world
    return Estimate(mean, mean - (mean - low) * few, mean + (high - mean) * few)


def _upper(level: float, among: int = 1) -> float:
    return 1 - (1 - level) / 2 / among


@lru_cache(maxsize=64)
def _draws(number: int, seed: int = SEED) -> list[Callable[[Sequence[float]], Any]]:
    """Each draws one sample anew from so many values; the same samples every time."""
    chance = random.Random(seed * 1_000_003 + number)
    return [itemgetter(*chance.choices(range(number), k=number)) for _ in range(RESAMPLES)]


@lru_cache(maxsize=256)
def student(freedom: int, share: float) -> float:
    """The quantile of Student's t, for a share above one half: its distribution in closed form, inverted by bisection
    over the angle whose tangent is t over the root of freedom."""
    low, high = 0.0, math.pi / 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 + _within(freedom, middle) / 2 < share else (low, middle)
    return math.sqrt(freedom) * math.tan(low)


def _within(freedom: int, angle: float) -> float:
    """The probability that |t| is below the root of freedom · tan(angle)."""
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
