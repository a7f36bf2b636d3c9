"""Measures how much a schedule depends on ties, by virtual runs with slightly delayed events."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import msgspec

from sandbox.machines.simulate import simulate
from sandbox.model.spec import ProcessSpec, Scenario, Segment
from sandbox.util.units import US
from sandbox.views.history import History
from sandbox.views.metrics import fold

#: The greatest delay of arrivals and wake-ups, as on a real machine; the number of such runs.
NUDGE_NS = 300 * US
_TRIES = 8


class Sensitivity(NamedTuple):
    """The process whose turnaround changes most, and the relative change."""

    name: str
    share: float


def sensitivity(scenario: Scenario, exact: History) -> Sensitivity:
    """Return the greatest change of a turnaround from the ``exact`` virtual run if arrivals and waits are delayed by up
    to ``NUDGE_NS``."""
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
