"""The figures by which policies are compared, and which of two is the better one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sandbox.i18n import N_
from sandbox.util.units import MS, US, S

Document = dict[str, Any]


class Column(NamedTuple):
    """A figure of the result document. ``best``: of several values, the one to praise."""

    title: str
    path: tuple[str, ...]
    best: Callable[[Iterable[float]], float]
    width: int = 7

    @property
    def is_time(self) -> bool:
        return self.path[0].endswith("_ns")

    def value(self, document: Document) -> float | None:
        """The figure of one run; None where the run has none."""
        found: Any = document["metrics"]
        for key in self.path:
            found = found[key]
        return None if found is None else float(found)


#: Times that every process has, and what is told of each.
TIMES = (N_("turnaround"), N_("waiting"), N_("response"))
PARTS = (N_("mean"), "p95")
MEANS_AND_TAILS = tuple(Column(part, (f"{time}_ns", part), min) for time in TIMES for part in PARTS)
OTHERS = (
    Column(N_("switches"), ("switches",), min, 9),
    Column(N_("CPU"), ("cpu_utilisation",), max),
    Column(N_("fair"), ("fairness_jain",), max),
)
#: Shown where a deadline was missed at all.
MISSED = Column(N_("missed"), ("missed_deadlines",), min)


#: What policies are held against each other by: each is best at something.
GOALS = (
    *(Column(time, (f"{time}_ns", "mean"), min) for time in TIMES),
    Column(N_("response p95"), ("response_ns", "p95"), min),
    *(OTHERS[0], OTHERS[2], MISSED),
)


#: The unit where a turn is a line: such a machine has a clock that counts turns, each as a millisecond.
TURNS, TURN_NS = N_("turns"), MS


def is_stepped(sensor: str | None) -> bool:
    """Whether a turn was a line, not a time: on the machine with this sensor."""
    return sensor == "hook"


def unit_of(most_ns: float) -> tuple[str, int]:
    """A unit in which times up to this one have few digits."""
    if 0 < most_ns < 10_000 * US:
        return "us", US
    return ("ms", MS) if most_ns < 10_000 * MS else ("s", S)


def writer(column: Column, size: int, most: float) -> Callable[[float], str]:
    """How the figures of a column are written, times in units of this size: five characters if they can be."""
    if column.is_time:
        digits = 2 if most < 99.995 * size else 1 if most < 999.95 * size else 0
        return lambda value: f"{value / size:.{digits}f}"
    match column.path[0]:
        case "switches" | "missed_deadlines":
            return lambda value: f"{value:.0f}"
        case "cpu_utilisation":
            return lambda value: f"{value:.1%}".replace("100.0", "100")
    return lambda value: f"{value:.3f}"
