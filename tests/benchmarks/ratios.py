"""The ratio of two series that were measured in turn, and between which bounds it is known."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec

CONFIDENCE = 0.95


class Ratio(msgspec.Struct, frozen=True):
    """The median of the rounds' ratios, and an interval that has the true median with this confidence."""

    median: float
    low: float
    high: float
    confidence: float

    @property
    def differs(self) -> bool:
        """Whether 1 lies outside of the interval."""
        return not self.low <= 1 <= self.high


def quotient(value: float, to: float) -> float:
    """Nothing is as much as nothing, and anything else infinitely more."""
    if to:
        return value / to
    return math.inf if value else 1.0


def paired(here: Sequence[float], there: Sequence[float]) -> Ratio:
    """The ratio round by round. What disturbs the machine for longer than a round disturbs both alike.

    The interval is that of the sign test: it assumes nothing of how the ratios are distributed, and needs no random
    numbers. With fewer than six rounds even the lowest and the highest ratio enclose less than 95 %.
    """
    ratios = sorted(quotient(mine, theirs) for mine, theirs in zip(here, there, strict=True))
    outside = _outside(len(ratios))
    return Ratio(
        statistics.median(ratios), ratios[outside], ratios[-1 - outside], interval_confidence(len(ratios), outside)
    )


def interval_confidence(number: int, outside: int) -> float:
    """How sure it is that the median lies in the interval that leaves so many values of so many outside at each end:
    each value is above the median by the toss of a coin."""
    return 1 - sum(math.comb(number, tosses) for tosses in range(outside + 1)) / float(2 ** (number - 1))


def _outside(number: int) -> int:
    """How many values may be left outside at each end."""
    outside = 0
    while interval_confidence(number, outside + 1) >= CONFIDENCE:
        outside += 1
    return outside
