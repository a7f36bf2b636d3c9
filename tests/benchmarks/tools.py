"""How to measure: alternate, repeat, take medians, quote ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def alternate(ours: Callable[[], float], theirs: Callable[[], float], rounds: int = 5) -> tuple[float, float, float]:
    """Medians of both, measured in turn, and the median of the ratios ours / theirs pair by pair."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return (
        statistics.median(pair[0] for pair in pairs),
        statistics.median(pair[1] for pair in pairs),
        statistics.median(pair[0] / pair[1] for pair in pairs),
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def row(what: str, ours: str, theirs: str, ratio: float) -> None:
    print(f"{what:<44} {ours:>16} {theirs:>22}   ratio {ratio:6.3f}")
