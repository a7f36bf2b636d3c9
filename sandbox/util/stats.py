"""Percentiles and distributions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

N = TypeVar("N", int, float)


def percentile(sorted_values: Sequence[N], share: float) -> N:
    """Return the nearest-rank percentile: the smallest value that at least ``share`` of all values do not exceed."""
    return sorted_values[max(math.ceil(share * len(sorted_values)) - 1, 0)]


def distribution(values: Iterable[int]) -> dict[str, int | None]:
    """Return the number of values, their median, 99th percentile and maximum (None if there are no values)."""
    found = sorted(values)
    if not found:
        return {"count": 0, "p50": None, "p99": None, "max": None}
    return {"count": len(found), "p50": percentile(found, 0.50), "p99": percentile(found, 0.99), "max": found[-1]}


def spread(values: Sequence[float]) -> tuple[float, float, float, float, float]:
    """Return the minimum, the three quartiles and the maximum of values, which must not be empty."""
    ordered = sorted(values)
    low, middle, high = (percentile(ordered, share) for share in (0.25, 0.5, 0.75))
    return ordered[0], low, middle, high, ordered[-1]
