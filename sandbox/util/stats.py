"""Percentiles and distributions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

N = TypeVar("N", int, float)


def percentile(sorted_values: Sequence[N], share: float) -> N:
    """The nearest-rank percentile: the smallest value that ``share`` of all values do not exceed."""
    return sorted_values[max(math.ceil(share * len(sorted_values)) - 1, 0)]


def distribution(values: Iterable[int]) -> dict[str, int | None]:
    """How values are spread: how many, median, 99th percentile, the largest; None where there are none."""
    found = sorted(values)
    if not found:
        return {"count": 0, "p50": None, "p99": None, "max": None}
    return {"count": len(found), "p50": percentile(found, 0.50), "p99": percentile(found, 0.99), "max": found[-1]}


def spread(values: Sequence[float]) -> tuple[float, float, float, float, float]:
    """The least value, the quartiles, the greatest."""
    ordered = sorted(values)
    low, middle, high = (percentile(ordered, share) for share in (0.25, 0.5, 0.75))
    return ordered[0], low, middle, high, ordered[-1]
