"""Any point of a recording of a million events, beside folding all that went before."""

from __future__ import annotations

import random
import statistics

from sandbox.machines.simulate import simulate
from sandbox.model.events import Event
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.render.gantt_cells import cpu_cells, life_cells
from sandbox.util.stats import percentile
from sandbox.util.units import MS
from sandbox.views.eventlog import EventLog, Moment
from sandbox.views.history import History
from tests.benchmarks.tools import timed

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


def main() -> None:
    events = run()
    past = EventLog()

    def take() -> None:
        for event in events:
            past.add(event)

    def fold() -> None:
        moment = Moment()
        for event in events[: len(events) // 2]:
            moment.apply(event)

    taken_s, folded_s = timed(take), timed(fold)
    kept = sum(len(chapter.lines) for chapter in past._chapters)
    print(f"{len(events)} events: taken in {taken_s:.1f} s, kept in {kept / 1e6:.1f} MB")
    draws = random.Random(1)
    points = [draws.randrange(len(events)) for _ in range(POINTS)]
    reach = sorted(timed(lambda index=index: past.at(index)) for index in points)  # type: ignore[misc]
    show = sorted(timed(lambda: draw(past.live.history)) for _ in range(5))
    print(
        f"{'a point, ms':<24} p50 {statistics.median(reach) * 1e3:6.1f}   p95 {percentile(reach, 0.95) * 1e3:6.1f}"
        f"   max {reach[-1] * 1e3:6.1f}   folding half of all: {folded_s * 1e3:.0f}"
    )
    print(f"{'all lanes, ms':<24} p50 {statistics.median(show) * 1e3:6.1f}")
