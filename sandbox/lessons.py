"""Lesson texts: Markdown beside a scenario, whose figures come from the run that is being watched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from sandbox.history import History
from sandbox.metrics import metrics, one_after_another, result
from sandbox.spec import Scenario
from sandbox.units import MS, show_duration

#: Stands for a figure until it is known.
UNKNOWN = "…"

_FIGURE = re.compile(r"\{([\w-]+(?:\.[a-z]+)?)\}")
#: These are a mean of all processes, or one process's own.
_OF_ALL = ("turnaround", "waiting", "response")


def lesson_text(scenario: Scenario) -> str | None:
    """The text of a scenario's lesson, figures not yet filled in; None where there is none."""
    if scenario.lesson is None:
        return None
    return (Path(scenario.folder) / scenario.lesson).read_text(encoding="utf-8")


def figures(history: History) -> dict[str, str]:
    """The figures that a lesson can show, by the name that it writes in braces: ``{utilisation}`` of the run,
    ``{shell.waiting}`` of a process."""
    run, serial = metrics(history), one_after_another(history)
    known = {
        "makespan": _duration(run["makespan_ns"]),
        "utilisation": f"{run['cpu_utilisation']:.0%}",
        "serial_makespan": _duration(serial["makespan_ns"]),
        "serial_utilisation": f"{serial['cpu_utilisation']:.0%}",
        "switches": str(run["switches"]),
        "fairness": f"{run['fairness_jain']:.2f}",
        "missed": str(history.missed),
        **{name: _duration(run[f"{name}_ns"]["mean"]) for name in _OF_ALL},
    }
    for process in result(history)["processes"] if history.booted else ():
        known |= {f"{process['name']}.{name}": _duration(process[f"{name}_ns"]) for name in (*_OF_ALL, "cpu")}
    return known


def _duration(ns: float | None) -> str:
    return UNKNOWN if ns is None else show_duration(round(ns / MS) * MS)


def fill(text: str, known: Mapping[str, str] | None) -> str:
    """The text with its figures; dots where they are not known, or not yet."""
    return _FIGURE.sub(lambda figure: (known or {}).get(figure[1], UNKNOWN), text)
