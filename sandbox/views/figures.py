"""The figures that a lesson can show and compare: of the run, of each process, and as printed by processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sandbox.model.claims import value_of
from sandbox.util.units import MS, US, show_duration
from sandbox.views.history import History
from sandbox.views.metrics import metrics, one_after_another, processes
from sandbox.views.tracker import LessonTracker


class Figure(NamedTuple):
    """A value to compare (durations in ns, shares as fractions), and its text for display."""

    value: float | str
    shown: str


def figures(history: History, tracker: LessonTracker) -> dict[str, Figure]:
    """Return all figures, by the names with which a lesson refers to them."""
    run, serial = metrics(history), one_after_another(history)
    whole = {
        "makespan": (run["makespan_ns"], _duration),
        "utilisation": (run["cpu_utilisation"], _share),
        "serial_makespan": (serial["makespan_ns"], _duration),
        "serial_utilisation": (serial["cpu_utilisation"], _share),
        "fairness": (run["fairness_jain"], _index),
    }
    found = {name: show(value) for name, (value, show) in whole.items() if value is not None} | {
        "cpu": _duration(sum(life.cpu_ns for life in history.lives.values())),
        "cpus": _number(history.booted.cpus if history.booted else 1),
        "switches": _number(run["switches"]),
        "missed": _number(history.missed),
    }
    found |= {
        name: _duration(mean)
        for name in ("turnaround", "waiting", "response")
        if (mean := run[f"{name}_ns"]["mean"]) is not None
    }
    for process in processes(history) if history.booted else ():
        found |= _of_process(tracker, process)
    return found | {name: Figure(value_of(text), text) for name, text in tracker.printed.items()}


#: Figures of a run that have no meaning before its end.
_AT_THE_END = (
    *("makespan", "serial_makespan", "serial_utilisation", "fairness"),
    *("turnaround", "waiting", "response"),
)


def so_far(history: History, tracker: LessonTracker) -> dict[str, Figure]:
    """Return the figures that are meaningful while the run goes on."""
    return {name: figure for name, figure in figures(history, tracker).items() if name not in _AT_THE_END}


def _of_process(tracker: LessonTracker, process: dict[str, Any]) -> dict[str, Figure]:
    path = tracker.paths[process["pid"]]
    found = {
        f"{path}.{name}": show(process[key]) for name, (key, show) in _OF_PROCESS.items() if process[key] is not None
    }
    return found | {f"{path}.children": _number(tracker.children[path])}


def _duration(ns: float) -> Figure:
    unit = MS if ns >= MS else US
    return Figure(ns, show_duration(round(ns / unit) * unit))


def _index(value: float) -> Figure:
    return Figure(value, f"{value:.2f}")


def _share(share: float) -> Figure:
    return Figure(share, f"{share:.0%}")


def _number(number: float) -> Figure:
    return Figure(number, str(number))


_OF_PROCESS: dict[str, tuple[str, Callable[[float], Figure]]] = {
    **{name: (f"{name}_ns", _duration) for name in ("cpu", "waiting", "blocked", "turnaround", "response")},
    **{name: (name, _number) for name in ("pid", "os_pid", "switches", "exit")},
}
