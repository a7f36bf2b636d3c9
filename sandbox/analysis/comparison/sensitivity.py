"""How much a schedule hangs on ties: what becomes of it in virtual time when everything comes a moment later."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import msgspec

from sandbox.machines.simulate import simulate
from sandbox.model.spec import ProcessSpec, Scenario, Segment
from sandbox.util.units import US
from sandbox.views.history import History
from sandbox.views.metrics import fold

#: By how much arrivals and wake-ups are delayed at most, as on a real machine; and how many such runs are made.
NUDGE_NS = 300 * US
_TRIES = 8


class Sensitivity(NamedTuple):
    """The process whose turnaround changes most, and by which share of itself."""

    name: str
    share: float


def sensitivity(scenario: Scenario, exact: History) -> Sensitivity:
    """How far turnarounds are from those of the ``exact`` virtual run, at most, when arrivals and waits are longer by
    up to ``NUDGE_NS``."""
    expected = _turnarounds(exact)
    most = Sensitivity("", 0.0)
    for seed in range(_TRIES):
        dice = random.Random(seed)
        nudged = msgspec.structs.replace(scenario, processes=[_nudge(each, dice) for each in scenario.processes])
        events: list[Any] = []
        simulate(nudged, events.extend)
        for name, turnaround_ns in _turnarounds(fold(events)).items():
            if expected.get(name):
                share = abs(turnaround_ns - expected[name]) / expected[name]
                most = max(most, Sensitivity(name, share), key=lambda found: found.share)
    return most


def _nudge(process: ProcessSpec, dice: random.Random) -> ProcessSpec:
    later = dice.randint(0, NUDGE_NS)
    work = [
        Segment(segment.kind, segment.ns + dice.randint(0, NUDGE_NS)) if segment.kind == "io" else segment
        for segment in process.work or ()
    ]
    return msgspec.structs.replace(process, arrive_ns=process.arrive_ns + later, work=work or None)


def _turnarounds(history: History) -> dict[str, int]:
    return {life.admitted.name: life.exited.t_ns - life.admitted.t_ns for life in history.lives.values() if life.exited}
