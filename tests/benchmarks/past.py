"""Any point of a recording of a million events, beside folding all that went before."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from functools import partial

from sandbox.machines.simulate import simulate
from sandbox.model.events import Event
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.render.gantt_cells import cpu_cells, life_cells
from sandbox.util.stats import percentile
from sandbox.util.units import MS
from sandbox.views.eventlog import EventLog, Moment
from sandbox.views.history import History
from tests.benchmarks.figures import Beside, Figure, figure, timed

ROUNDS = 1
EVENTS, PROCESSES, POINTS, CELLS = 1_000_000, 50, 40, 100


def run() -> list[Event]:
    """Fifty processes, half of which wait now and then, until there are a million events."""
    work = [[Segment("cpu", 600_000 * MS)], [Segment("cpu", 7 * MS), Segment("io", 90 * MS)]]
    processes = [
        ProcessSpec(f"p{number}", work=work[number % 2], repeat=1 if number % 2 == 0 else 50_000)
        for number in range(PROCESSES)
    ]
    events: list[Event] = []

    def emit(some: list[Event]) -> None:
        events.extend(some)
        if len(events) >= EVENTS:
            raise StopIteration

    try:
        simulate(Scenario("bench", "bench", MachineSpec(quantum_ns=5 * MS), processes), emit)
    except StopIteration:
        pass
    return events


def draw(history: History) -> None:
    """The widest view: every lane over the whole run."""
    cell_ns = max(history.now_ns // CELLS, 1)
    for life in history.lives.values():
        life_cells(life.track, cell_ns, 0, CELLS, history.now_ns)
    for track in history.cpus.values():
        cpu_cells(track, cell_ns, 0, CELLS, history.now_ns)


def looked_back(events: list[Event]) -> dict[str, float]:
    """Seconds and MB of one round."""
    past = EventLog()

    def take() -> None:
        for event in events:
            past.add(event)

    def fold() -> None:
        moment = Moment()
        for event in events[: len(events) // 2]:
            moment.apply(event)

    taken_s, folded_s = timed(take), timed(fold)
    draws = random.Random(1)
    points = [draws.randrange(len(events)) for _ in range(POINTS)]
    reach = sorted(timed(partial(past.at, index)) for index in points)
    return {
        "taken": taken_s,
        "folded": folded_s,
        "kept": past._shelf.size / 1e6,
        "p50": statistics.median(reach),
        "p95": percentile(reach, 0.95),
        "max": reach[-1],
        "lanes": statistics.median(timed(partial(draw, past.live.history)) for _ in range(5)),
    }


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    events = run()
    taken = [looked_back(events) for _ in range(rounds)]

    def values(name: str, times: float = 1e3) -> list[float]:
        return [each[name] * times for each in taken]

    folded = Beside("folding half of all", values("folded"), foreign=False)
    yield figure("events taken in", values("taken", 1), "s", "less")
    yield figure("events kept in", values("kept", 1), "MB", "less")
    yield figure("a point, p50", values("p50"), "ms", "less", folded)
    yield figure("a point, p95", values("p95"), "ms", "less", folded)
    yield figure("a point, max", values("max"), "ms", "less", folded)
    yield figure("all lanes", values("lanes"), "ms", "less")
