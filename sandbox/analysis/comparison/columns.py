"""The figures by which policies are compared, and whether less or more of each is better."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sandbox.i18n import N_
from sandbox.util.units import MS, US, S

Document = dict[str, Any]


class Column(NamedTuple):
    """A figure of the result document. ``best``: returns the best of several values."""

    title: str
    path: tuple[str, ...]
    best: Callable[[Iterable[float]], float]
    width: int = 7

    @property
    def is_time(self) -> bool:
        return self.path[0].endswith("_ns")

    def value(self, document: Document) -> float | None:
        """Return the figure of one run; None if the run has none."""
        found: Any = document["metrics"]
        for key in self.path:
            found = found[key]
        return None if found is None else float(found)


#: The times of processes, and the statistics of each.
TIMES = (N_("turnaround"), N_("waiting"), N_("response"))
PARTS = (N_("mean"), "p95")
MEANS_AND_TAILS = tuple(Column(part, (f"{time}_ns", part), min) for time in TIMES for part in PARTS)
OTHERS = (
    Column(N_("switches"), ("switches",), min, 9),
    Column(N_("CPU"), ("cpu_utilisation",), max),
    Column(N_("fair"), ("fairness_jain",), max),
)
#: Shown only if a deadline was missed.
MISSED = Column(N_("missed"), ("missed_deadlines",), min)


#: The figures for which winners are named.
GOALS = (
    *(Column(time, (f"{time}_ns", "mean"), min) for time in TIMES),
    Column(N_("response p95"), ("response_ns", "p95"), min),
    *(OTHERS[0], OTHERS[2], MISSED),
)


#: The unit of times on the stepping machine, whose clock counts each turn as a millisecond.
TURNS, TURN_NS = N_("turns"), MS


def is_stepped(sensor: str | None) -> bool:
    """Whether the machine with this sensor is the one whose turns are lines."""
    return sensor == "hook"


def unit_of(most_ns: float) -> tuple[str, int]:
    """Return the name and the size in ns of a unit in which times up to this one have few digits."""
    if 0 < most_ns < 10_000 * US:
        return "us", US
    return ("ms", MS) if most_ns < 10_000 * MS else ("s", S)


def writer(column: Column, size: int, most: float) -> Callable[[float], str]:
    """Return a function that formats the figures of a column, in five characters if possible. ``size``: the unit of
    times in ns; ``most``: the greatest figure."""
    if column.is_time:
        digits = 2 if most < 99.995 * size else 1 if most < 999.95 * size else 0
        return lambda value: f"{value / size:.{digits}f}"
    match column.path[0]:
        case "switches" | "missed_deadlines":
            return lambda value: f"{value:.0f}"
        case "cpu_utilisation":
            return lambda value: f"{value:.1%}".replace("100.0", "100")
    return lambda value: f"{value:.3f}"
