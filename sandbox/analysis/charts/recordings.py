"""Charts of one run: the shares of the CPU, the length of the ready queue, and the waits in it."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from itertools import pairwise

from sandbox.analysis.charts.figures import axis, times_of_a_run
from sandbox.analysis.charts.rows import Asked, distribution_line
from sandbox.i18n import _
from sandbox.model.values import BadValue, nearest, shown
from sandbox.render.charts import Boxes, Chart, Lines, Point, Series
from sandbox.util.text import clean_line
from sandbox.views.history import History, Life
from sandbox.views.intervals import READY

#: The number of intervals that a run is divided into, and of processes that are drawn, those with the most CPU time.
_STRETCHES, _MAX_SHARES = 36, 12


def chart(history: History, asked: Asked) -> Chart:
    """Return the chart that was asked for. Raises BadValue."""
    name = asked.y or "share"
    if name not in _CHARTS:
        allowed = " | ".join(_CHARTS)
        raise BadValue("no such figure", value=shown(name), allowed=allowed, hint=nearest(name, [*_CHARTS]))
    if not history.lives or not history.now_ns:
        raise BadValue("nothing ran in it")
    return _CHARTS[name](history, asked.kind)


def _named(history: History) -> dict[str, list[Life]]:
    """Group the processes by name."""
    found: dict[str, list[Life]] = {}
    for life in history.lives.values():
        found.setdefault(clean_line(life.admitted.name, 40), []).append(life)
    return found


def _title(history: History, what: str) -> str:
    return f"{history.booted.scenario}, {history.booted.policy}: {what}" if history.booted else what


def _share(history: History, kind: str | None) -> Chart:
    """Return the chart of each process's share of all CPUs over time."""
    cpus = history.booted.cpus if history.booted else 1
    edges = [history.now_ns * step // _STRETCHES for step in range(_STRETCHES + 1)]
    most = sorted(_named(history).items(), key=lambda named: -sum(life.cpu_ns for life in named[1]))[:_MAX_SHARES]
    series = []
    for place, (name, lives) in enumerate(most):
        points = [
            Point(
                (begin + end) / 2,
                sum(life.track.used_ns(end) - life.track.used_ns(begin) for life in lives)
                / ((end - begin) * cpus or 1),
            )
            for begin, end in pairwise(edges)
        ]
        series.append(Series(name, points, 5 + place % 3))
    what = _("share of CPU over time")
    return Lines(_title(history, what), times_of_a_run(history.now_ns), axis(_("share"), False, 1, True), series)


def _queue(history: History, kind: str | None) -> Chart:
    """Return the chart of the number of READY processes: the mean and the maximum of each interval."""
    changes: list[tuple[int, int]] = []
    for life in history.lives.values():
        for index, value in enumerate(life.track.values):
            if value == READY:
                insort(changes, (life.track.times[index], 1))
                insort(changes, (life.track.end_ns(index, history.now_ns), -1))
    width_ns = max(history.now_ns / _STRETCHES, 1)
    area, most = [0.0] * _STRETCHES, [0] * _STRETCHES
    length, since = 0, 0
    for t_ns, change in [*changes, (history.now_ns, 0)]:
        _spread(area, most, length, since, t_ns, width_ns)
        length, since = length + change, t_ns
    middles = [(stretch + 0.5) * width_ns for stretch in range(_STRETCHES)]
    series = [
        Series(_("mean"), [Point(x, total / width_ns) for x, total in zip(middles, area, strict=True)], 4),
        Series(_("most"), [Point(x, float(top)) for x, top in zip(middles, most, strict=True)], 5),
    ]
    what = _("length of the ready queue over time")
    return Lines(_title(history, what), times_of_a_run(history.now_ns), axis(_("READY"), False, 1), series)


def _spread(area: list[float], most: list[int], length: int, since: int, until: int, width_ns: float) -> None:
    """Add a length that has lasted from ``since`` to ``until`` to the intervals that it overlaps."""
    if until <= since:
        return
    stretch = min(int(since / width_ns), len(area) - 1)
    while stretch < len(area) and (begin := stretch * width_ns) < until:
        area[stretch] += length * max(min(until, begin + width_ns) - max(since, begin), 0)
        most[stretch] = max(most[stretch], length)
        stretch += 1


def _latency(history: History, kind: str | None) -> Chart:
    """Return the chart of the times that processes are READY before they run."""
    waits = {
        name: sorted(
            float(life.track.end_ns(index, history.now_ns) - life.track.times[index])
            for life in lives
            for index, value in enumerate(life.track.values)
            if value == READY and index + 1 < len(life.track.values)
        )
        for name, lives in _named(history).items()
    }
    longest = sorted((name for name in waits if waits[name]), key=lambda name: -waits[name][-1])[:_MAX_SHARES]
    if not longest:
        raise BadValue("nothing ran in it")
    time = axis(_("wait in the ready queue"), True, waits[longest[0]][-1])
    if kind == "box":
        what = _("waits in the ready queue")
        return Boxes(_title(history, what), time, [(name, waits[name]) for name in longest])
    what = _("share of waits in the ready queue up to there")
    series = [distribution_line(name, waits[name]) for name in longest]
    return Lines(_title(history, what), time, axis(_("share"), False, 1, True), series)


_CHARTS: dict[str, Callable[[History, str | None], Chart]] = {"share": _share, "queue": _queue, "latency": _latency}
FIGURES = tuple(_CHARTS)
