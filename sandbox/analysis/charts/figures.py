"""The figures of rows by the names that users know, and the axes of charts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sandbox.i18n import _
from sandbox.model.values import BadValue, nearest, shown
from sandbox.render.charts import Axis
from sandbox.util.units import MS, US, S, show_duration

#: Other names of figures.
_ALIASES = {
    "utilisation": "cpu_utilisation",
    "throughput": "throughput_per_s",
    "fairness": "fairness_jain",
    "missed": "missed_deadlines",
}
#: The fields that distinguish rows, in addition to the policy's parameters.
PLACES = ("scenario", "policy", "contender", "machine", "cpus", "seed")


class Figure(NamedTuple):
    """A figure of a row's metrics. ``is_time``: in ns."""

    name: str
    path: tuple[str, ...]

    @property
    def is_time(self) -> bool:
        return self.path[0].endswith("_ns")

    def value(self, metrics: dict[str, Any]) -> float | None:
        found: Any = metrics
        for key in self.path:
            found = found.get(key) if isinstance(found, dict) else None
        return float(found) if isinstance(found, (int, float)) else None


def figure(name: str, metrics: dict[str, Any]) -> Figure:
    """Return the figure of a name such as ``response.mean``, ``switches`` or ``fairness``. Raises BadValue."""
    first, _dot, part = name.partition(".")
    first = _ALIASES.get(first, first)
    key = first if first in metrics else f"{first}_ns"
    if key in metrics:
        value = metrics[key]
        if not isinstance(value, dict) and not part:
            return Figure(name, (key,))
        if isinstance(value, dict) and (part or "mean") in value:
            return Figure(name if part else f"{name}.mean", (key, part or "mean"))
    allowed = [*_names(metrics)]
    raise BadValue("no such figure", value=shown(name), allowed=" | ".join(allowed), hint=nearest(name, allowed))


def _names(metrics: dict[str, Any]) -> Iterable[str]:
    for key, value in metrics.items():
        plain = key.removesuffix("_ns")
        if isinstance(value, dict):
            yield from (f"{plain}.{part}" for part in value)
        else:
            yield plain


def axis(title: str, is_time: bool, most: float, is_share: bool = False) -> Axis:
    """Return an axis for values up to ``most``. Times have a common unit, which is a part of the title."""
    if is_time:
        unit, size = next(((unit, size) for unit, size in _UNITS if most >= 2 * size), _UNITS[-1])
        return Axis(f"{title} ({unit})", _scaled(size))
    if is_share:
        return Axis(title, lambda value: f"{value:.0%}", bounds=(0.0, 1.0))
    return Axis(title, lambda value: f"{value:.4g}")


_UNITS = (("s", S), ("ms", MS), ("us", US), ("ns", 1))


def _scaled(size: int) -> Callable[[float], str]:
    return lambda value: f"{value / size:.4g}"


def parameter_axis(title: str, is_time: bool, values: list[float]) -> Axis:
    """Return the axis of a parameter that was varied. Each value has its own unit. The axis is logarithmic if most of
    the values would be crowded at one end."""
    ordered = sorted({*values})
    crowded = len(ordered) > 3 and 0 < ordered[0] * 16 <= ordered[-1] and ordered[len(ordered) // 2] < ordered[-1] / 5
    write: Callable[[float], str] = (
        (lambda value: show_duration(round(value)).replace(" ", "")) if is_time else (lambda value: f"{value:.6g}")
    )
    return Axis(title, write, ordered, crowded)


def times_of_a_run(most_ns: float) -> Axis:
    """Return the axis of the time since boot."""
    return axis(_("time"), True, most_ns)
