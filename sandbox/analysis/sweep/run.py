"""Makes one run and its row, a line of JSON that does not depend on when and where it was made."""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

import msgspec

from sandbox import wording
from sandbox.analysis.sweep.messages import Chunk, Row
from sandbox.analysis.tidying import TIDYING
from sandbox.i18n import english
from sandbox.machines.simulate import obstacles, simulate
from sandbox.model.events import Clause, Event, Fault
from sandbox.model.schemas import SWEEP, stamped
from sandbox.model.spec import Scenario
from sandbox.model.values import BadValue
from sandbox.policies.host.loader import carry
from sandbox.util.units import S
from sandbox.views.history import History
from sandbox.views.metrics import metrics

#: Decimal digits of floating-point figures: interpreters may differ in the last bits.
_DIGITS = 12
#: Figures of faults that depend on the machine.
_LOCAL = frozenset({"traceback", "successor"})

encode = msgspec.json.Encoder().encode
#: The current language is common to all threads.
_speaking = Lock()


class OverTime(Exception):
    """A run has exceeded its time limit."""


class Failed(Exception):
    """A run has failed; ``what``: why."""

    def __init__(self, what: Clause) -> None:
        super().__init__(what.rule)
        self.what = what


def scenario_of(chunk: Chunk, row: Row) -> Scenario:
    """Return the entry's scenario with the seed and the CPUs of the row."""
    scenario = chunk.entries[row.entry].scenario
    machine = msgspec.structs.replace(scenario.machine, seed=row.seed, cpus=row.cpus)
    return msgspec.structs.replace(scenario, machine=machine)


def make(chunk: Chunk, row: Row) -> bytes:
    """Make a run in virtual time. Returns its row without a line break."""
    entry = chunk.entries[row.entry]
    carry({name: text.encode("latin-1") for name, text in entry.files.items()})
    scenario = scenario_of(chunk, row)
    try:
        return line(chunk, row, scenario, simulated(scenario, chunk.limit_s))
    except Failed as failed:
        return failure(chunk, row, failed.what)


def simulated(scenario: Scenario, limit_s: float) -> History:
    """Make a run in virtual time, and return its history. Raises Failed."""
    for problem in obstacles(scenario):
        raise Failed(Clause("cannot be simulated", {"value": problem.place}))
    history = History(keeps_slices=False, keeps_tracks=False)
    until_s = time.monotonic() + limit_s

    def take(events: list[Event]) -> None:
        for event in events:
            history.add(event)
            if isinstance(event, Fault) and event.successor is not None:
                raise Failed(event.what)
        if time.monotonic() > until_s:
            raise OverTime

    try:
        with TIDYING.after_run():
            simulate(scenario, take)
    except BadValue as bad:
        raise Failed(bad.what) from None
    except OverTime:
        raise Failed(over_time(limit_s)) from None
    return history


def over_time(limit_s: float) -> Clause:
    """Return the reason of a run that has exceeded its time limit."""
    return Clause("run takes too long", {"limit_ns": round(limit_s * S)})


def line(chunk: Chunk, row: Row, scenario: Scenario, history: History) -> bytes:
    """Return the row of a run."""
    booted = history.booted
    assert booted is not None, "a run begins with Booted"
    ended = sum(life.exited is not None and life.admitted.order is not None for life in history.lives.values())
    return encode(
        _head(chunk, row)
        | {
            "machine": booted.machine,
            "policy": {"name": booted.policy, "parameters": booted.parameters},
            "unfinished": len(scenario.processes) - ended,
            "metrics": _rounded(metrics(history)),
            "error": None,
        }
    )


def failure(chunk: Chunk, row: Row, what: Clause, machine: str = "virtual") -> bytes:
    """Return the row of a run that has failed."""
    kept = Clause(what.rule, {name: figure for name, figure in what.figures.items() if name not in _LOCAL})
    with _speaking, english():
        says = wording.run_failed(kept)
    policy = {"name": chunk.entries[row.entry].scenario.machine.policy, "parameters": {}}
    return encode(
        _head(chunk, row)
        | {
            "machine": machine,
            "policy": policy,
            "unfinished": None,
            "metrics": None,
            "error": {"rule": kept.rule, "figures": kept.figures, "says": says},
        }
    )


def _head(chunk: Chunk, row: Row) -> dict[str, Any]:
    entry = chunk.entries[row.entry]
    named = {"key": row.key, "scenario": entry.scenario.name, "contender": entry.label, "cpus": row.cpus}
    return stamped(SWEEP, named, row.seed)


def _rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    rounded: dict[str, Any] = {}
    for name, value in figures.items():
        if isinstance(value, dict):
            rounded[name] = _rounded(value)
        else:
            rounded[name] = float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
    return rounded
