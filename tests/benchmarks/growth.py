"""How costs grow: with processes, with mini CPUs, with the length of the past. A heap's would by log n: exponent 0.1.

For each cost there is what it is at each size, and the exponent of the power of the size by which it grows. A decision
looks at every mini CPU, so that its cost grows with their number where they are not busy at the same instants.
"""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec

from sandbox import policies
from sandbox.machines.simulate import simulate
from sandbox.model.events import Dispatched, Event
from sandbox.util.units import MS, S
from sandbox.views.eventlog import EventLog
from tests.benchmarks.births import first_dispatch
from tests.benchmarks.figures import Beside, Figure, figure, in_turn, timed
from tests.benchmarks.past import run
from tests.benchmarks.screen import board
from tests.benchmarks.virtual import PARAMETERS, load, simulated
from tests.support.real import kernel_process
from tests.support.scenarios import process, scenario

ROUNDS = 1
PROCESSES, CPUS = (10, 100, 1_000, 10_000), (1, 4, 16, 64)
REAL_PROCESSES, EVENTS = (10, 100, 1_000), (10_000, 100_000, 1_000_000)
#: How many processes a measurement simulates, all its runs together; how many slices each has.
SIMULATED, SLICES = 20_000, 6
#: For so long the kernel process is watched, and so many points of the past are reached.
WATCHED_S, POINTS = 1.0, 20


def marginal_us(policy: str, jobs: int) -> float:
    """What one more decision costs, births and ends left out."""
    seconds = decisions = 0.0
    for _ in range(max(SIMULATED // jobs, 1)):
        few_s, few = simulated(policy, jobs, 2)
        many_s, many = simulated(policy, jobs, SLICES)
        seconds, decisions = seconds + many_s - few_s, decisions + many - few
    return seconds / decisions * 1e6


def uneven_us(cpus: int) -> float:
    """A decision on so many mini CPUs, each of which is asked at instants of its own."""
    world = load("rr", cpus * 4, 200)
    for number, spec in enumerate(world.processes):
        spec.arrive_ns = number * MS // 7
    world.machine = msgspec.structs.replace(world.machine, cpus=cpus)
    events: list[Event] = []
    began = time.process_time()
    simulate(world, events.extend, policies.build(world.machine))
    return (time.process_time() - began) / sum(isinstance(event, Dispatched) for event in events) * 1e6


def frame_ms(processes: int) -> float:
    return asyncio.run(board(processes)) * 1e3


def birth_ms(processes: int) -> float:
    return (first_dispatch(processes) - first_dispatch(1)) * 1e3 / processes


def watched(processes: int) -> float:
    """The share of a CPU that the kernel process takes to watch processes that sleep."""
    world = scenario(*(process(f"sleeper-{number}", "cpu 1ms", "io 60s") for number in range(processes)))
    with kernel_process(world) as link:
        asleep = began_ns = 0
        began_s = None
        for event in link.events(60.0):
            asleep += event.__class__.__name__ == "Blocked"
            if asleep >= processes and began_s is None:
                began_s, began_ns = time.monotonic(), _cpu_ns(link.os_pid)
                break
        assert began_s is not None, "they do not sleep"
        while time.monotonic() - began_s < WATCHED_S:
            link.beat()
            link.receive()
            time.sleep(0.1)
        return (_cpu_ns(link.os_pid) - began_ns) / (time.monotonic() - began_s) / S


def _cpu_ns(os_pid: int) -> int:
    with open(f"/proc/{os_pid}/schedstat") as file:
        return int(file.read().split()[0])


class Past:
    """Reaching points of a past of so many events; the longest is made once."""

    def __init__(self) -> None:
        self._events = run()

    def reach_ms(self, number: int) -> float:
        past = EventLog()
        for event in self._events[:number]:
            past.add(event)
        points = [number * place // POINTS for place in range(1, POINTS)]
        return statistics.median(timed(partial(past.at, index)) for index in points) * 1e3


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """The power of the size that fits the costs best."""
    xs, ys = [math.log(size) for size in sizes], [math.log(max(cost, 1e-9)) for cost in costs]
    x, y = statistics.fmean(xs), statistics.fmean(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def grown(
    what: str, unit: str, sizes: Sequence[int], of: str, cost: Callable[[int], float], rounds: int
) -> Iterator[Figure]:
    """The cost at each size, and the exponent."""
    taken = in_turn(rounds, *(partial(cost, size) for size in sizes))
    for size, values in zip(sizes, taken, strict=True):
        yield figure(f"{what}, {size:,} {of}", values, unit, "less")
    exponents = [exponent(sizes, costs) for costs in zip(*taken, strict=True)]
    logarithm = exponent(sizes, [math.log(max(size, 2)) for size in sizes])
    yield figure(f"{what}: exponent", exponents, "", "less", Beside("of log n", [logarithm] * rounds, foreign=False))


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    for policy in PARAMETERS:
        yield from grown(f"{policy}, a decision", "µs", PROCESSES, "processes", partial(marginal_us, policy), rounds)
    yield from grown("rr, a decision", "µs", CPUS, "CPUs", uneven_us, rounds)
    yield from grown("a frame", "ms", PROCESSES, "processes on the board", frame_ms, rounds)
    yield from grown("a birth", "ms", REAL_PROCESSES, "real processes", birth_ms, rounds)
    yield from grown("a second's watch, CPU", "", REAL_PROCESSES, "that sleep", watched, rounds)
    yield from grown("a point of the past", "ms", EVENTS, "events", Past().reach_ms, rounds)
