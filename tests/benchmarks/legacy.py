"""Figures of revisions whose benchmarks only print: ``python -P legacy.py NAME`` in the folder of such a revision.

Their benchmarks consist of functions that measure, and of a ``main`` that prints. Here the functions are called,
with the arguments, names and units of today's ``measure``, one round. It is run by the revision's own Python, where
``tests.benchmarks`` is the revision's; so nothing of today's may be imported.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

#: The module of a revision that has the functions of a benchmark, where it is not the one of its name.
MODULES = {"growth": "virtual", "blocks": "makespan"}

MS, US = 1_000_000, 1_000
Told = dict[str, Any]


def figure(name: str, value: float, unit: str, better: str, *beside: tuple[str, float, bool]) -> Told:
    """``beside``: the name of an alternative, its value, and whether it is foreign."""
    alternatives = [
        {"name": other, "value": theirs, "ratio": value / theirs, "foreign": foreign}
        for other, theirs, foreign in beside
    ]
    return {"name": name, "value": value, "unit": unit, "better": better, "beside": alternatives}


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def virtual(old: Any) -> Iterator[Told]:
    for policy in old.PARAMETERS:
        for jobs in (3, 1_000):
            ours = old.decisions_per_s(policy, jobs)
            beside = [("bare heap, events", old.heap_events_per_s(jobs), True)]
            if policy == "rr":
                beside.append(("from tick to tick", old.ticked_decisions_per_s(jobs), True))
            yield figure(f"{policy}, {jobs:,} jobs, decisions", ours, "/s", "more", *beside)


def growth(old: Any) -> Iterator[Told]:
    for policy in old.PARAMETERS:
        for jobs in (10_000, 100_000):
            many, few = old.marginal_s(policy, jobs) * 1e6, old.marginal_s(policy, 1_000) * 1e6
            beside = (f"1,000 jobs (log n: {math.log(jobs) / math.log(1_000):.2f})", few, False)
            yield figure(f"{policy}, {jobs:,} jobs, a decision", many, "µs", "less", beside)


def births(old: Any) -> Iterator[Told]:
    ours, forks = old.births() * 1e3 / old.NUMBER, old.bare_forks() * 1e3 / old.NUMBER
    yield figure(f"a process, of {old.NUMBER}", ours, "ms", "less", ("bare fork", forks, True))


def dispatch(old: Any) -> Iterator[Told]:
    parts = (
        ("gap p50", ("dispatch_gap_ns", "p50"), "µs", US, "less"),
        ("gap p99", ("dispatch_gap_ns", "p99"), "µs", US, "less"),
        ("slice error p50", ("slice_error_ns", "p50"), "µs", US, "less"),
        ("slice error p99", ("slice_error_ns", "p99"), "µs", US, "less"),
        ("CPU delivered", ("delivered",), "", 1, "more"),
        ("engine's own CPU", ("engine_cpu",), "", 1, "less"),
    )
    for quantum_ns in (1 * MS, 10 * MS):
        ours, plain = old.ours(quantum_ns), old.plain(quantum_ns)
        for name, path, unit, divisor, better in parts:
            mine, theirs = (abs(old._pick(figures, path)) / divisor for figures in (ours, plain))
            yield figure(f"{quantum_ns // MS} ms: {name}", mine, unit, better, ("plain recipe", theirs, True))


def blocks(old: Any) -> Iterator[Told]:
    measurement = importlib.import_module(old.Run.__module__)
    for sensor in ("perf", "idle", "poll"):
        found = measurement.Run(measurement.waiters(), sensor).blocks()["block_to_dispatch_ns"]
        yield figure(f"{sensor}: block to dispatch", found["p50"] / US, "µs", "less")


def makespan(old: Any) -> Iterator[Told]:
    for quantum_ns in (5 * MS, 10 * MS, 50 * MS):
        ours, linux = old.Run(old.load(quantum_ns)).makespan_ns / MS, old.left_to_linux(old.load(quantum_ns)) / MS
        beside = ("left to Linux", linux, False)
        yield figure(f"mixed load, quantum {quantum_ns // MS} ms", ours, "ms", "less", beside)


def first_frame(old: Any) -> Iterator[Told]:
    ours = old.until_ready(sys.executable, "-m", "sandbox", "time-sharing") * 1e3
    minimal = old.until_ready(sys.executable, "-c", old.MINIMAL) * 1e3
    if not ours or not minimal:
        raise TimeoutError("no first frame")
    yield figure("first frame", ours, "ms", "less", ("minimal app", minimal, True))


def screen(old: Any) -> Iterator[Told]:
    ours, cells = asyncio.run(old.board()) * 1e3, asyncio.run(old.table()) * 1e3
    yield figure(f"a frame of {old.PROCESSES} processes, CPU", ours, "ms", "less", ("DataTable", cells, True))


def sockets(old: Any) -> Iterator[Told]:
    """No such revision has it."""
    yield from ()


def server(old: Any) -> Iterator[Told]:
    served = {name: asyncio.run(old.measure(serve)) for name, serve in old.SERVERS.items()}
    for index, (name, unit, better) in enumerate((("clients served", "/s", "more"), ("round trip", "µs", "less"))):
        ours, same, forking = (served[name][index] for name in old.SERVERS)
        beside = ("the same outside", same, False), ("ForkingTCPServer", forking, True)
        yield figure(name, ours, unit, better, *beside)


def past(old: Any) -> Iterator[Told]:
    events, recorded, moment = old.run(), old.Past(), old.Moment()
    taken_s = timed(lambda: [recorded.add(event) for event in events])
    folded = ("folding half of all", timed(lambda: [moment.apply(event) for event in events[: len(events) // 2]]) * 1e3)
    draws = random.Random(1)
    points = [draws.randrange(len(events)) for _ in range(old.POINTS)]
    reach = sorted(timed(lambda index=index: recorded.at(index)) * 1e3 for index in points)  # type: ignore[misc]
    lanes = statistics.median(timed(lambda: old.draw(recorded.live.history)) * 1e3 for _ in range(5))
    kept = sum(len(chapter.lines) for chapter in recorded._chapters)
    yield figure("events taken in", taken_s, "s", "less")
    yield figure("events kept in", kept / 1e6, "MB", "less")
    yield figure("a point, p50", statistics.median(reach), "ms", "less", (*folded, False))
    yield figure("a point, p95", old.percentile(reach, 0.95), "ms", "less", (*folded, False))
    yield figure("a point, max", reach[-1], "ms", "less", (*folded, False))
    yield figure("all lanes", lanes, "ms", "less")


def sweep(old: Any) -> Iterator[Told]:
    """Those revisions had none."""
    yield from ()


grade = sweep


def main(name: str) -> int:
    try:
        old = importlib.import_module(f"tests.benchmarks.{MODULES.get(name, name)}")
        figures = list(globals()[name](old))
    except (AttributeError, ImportError) as error:
        print(f"this revision's benchmark is made differently: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"benchmark": name, "figures": figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
