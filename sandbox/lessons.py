"""Lesson texts: Markdown beside a scenario, whose figures come from the run that is being watched."""

from __future__ import annotations

from pathlib import Path

from sandbox.history import History
from sandbox.metrics import metrics, one_after_another
from sandbox.spec import Scenario
from sandbox.units import MS, show_duration

#: Stands for a figure until it is known.
UNKNOWN = "…"


def lesson_text(scenario: Scenario) -> str | None:
    """The text of a scenario's lesson, figures not yet filled in; None where there is none."""
    if scenario.lesson is None:
        return None
    return (Path(scenario.folder) / scenario.lesson).read_text(encoding="utf-8")


def figures(history: History) -> dict[str, str]:
    """The figures that a lesson can show, by the name that it writes in braces: ``{utilisation}``."""
    run, serial = metrics(history), one_after_another(history)

    def duration(ns: float | None) -> str:
        return UNKNOWN if ns is None else show_duration(round(ns / MS) * MS)

    return {
        "makespan": duration(run["makespan_ns"]),
        "utilisation": f"{run['cpu_utilisation']:.0%}",
        "serial_makespan": duration(serial["makespan_ns"]),
        "serial_utilisation": f"{serial['cpu_utilisation']:.0%}",
        "switches": str(run["switches"]),
        "fairness": f"{run['fairness_jain']:.2f}",
        **{name: duration(run[f"{name}_ns"]["mean"]) for name in ("turnaround", "waiting", "response")},
    }


def fill(text: str, known: dict[str, str] | None) -> str:
    """The text with its figures; dots where they are not known yet."""
    for name in ("makespan", "utilisation", "serial_makespan", "serial_utilisation", "switches", "fairness",
                 "turnaround", "waiting", "response"):  # fmt: skip
        text = text.replace("{" + name + "}", (known or {}).get(name, UNKNOWN))
    return text
