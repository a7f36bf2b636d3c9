"""Hidden workloads: random ones of a kind that shows what a task is about. They are determined by a seed, which the
teacher keeps secret."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from sandbox.analysis.conformance.workloads import EXAMINED, worlds
from sandbox.model.spec import MachineSpec, ProcessSpec, Scenario, Segment
from sandbox.util.units import MS

#: The last of so many random workloads of increasing size is used.
_SIZES = 6


def hidden(kind: str, seed: int, number: int) -> Scenario:
    """Return the workload of this kind and number. ``seed``: the teacher's."""
    dice = Random(f"{seed}/{kind}/{number}")  # the seed cannot be guessed from a workload
    if kind == _MIXED:
        return worlds(dice.randrange(2**53), _SIZES)[_SIZES - 1]  # the largest of these
    machine = MachineSpec(policy=EXAMINED, seed=dice.randrange(1_000))
    return Scenario("hidden", "hidden", machine, _named(dice, _MAKERS[kind](dice)))


def _named(dice: Random, processes: list[ProcessSpec]) -> list[ProcessSpec]:
    """Shuffle the processes, sort them by arrival, and name them A, B, … in this order, so that names reveal
    nothing."""
    dice.shuffle(processes)
    processes.sort(key=lambda process: process.arrive_ns)
    for number, process in enumerate(processes):
        process.name = chr(ord("A") + number)
    return processes


def _cpu(ms: int) -> Segment:
    return Segment("cpu", ms * MS)


def _io(ms: int) -> Segment:
    return Segment("io", ms * MS)


def _batch(dice: Random) -> list[ProcessSpec]:
    """Return long and short jobs."""
    long = [ProcessSpec("", 0, [_cpu(dice.randint(300, 600))]) for _ in range(dice.randint(1, 2))]
    short = [ProcessSpec("", dice.randint(1, 60) * MS, [_cpu(dice.randint(10, 40))]) for _ in range(dice.randint(3, 5))]
    return [*long, *short]


def _interactive(dice: Random) -> list[ProcessSpec]:
    """Return processes that compute, and others that need the CPU often and briefly, like interactive ones."""
    hogs = [ProcessSpec("", 0, [_cpu(dice.randint(500, 900))]) for _ in range(dice.randint(2, 3))]
    people = [
        ProcessSpec(
            "",
            dice.randint(50, 200) * MS,
            [_cpu(dice.randint(2, 6)), _io(dice.randint(20, 40))],
            repeat=dice.randint(12, 20),
        )
        for _ in range(dice.randint(2, 3))
    ]
    return [*hogs, *people]


def _gamers(dice: Random) -> list[ProcessSpec]:
    """Return a process that blocks just before each slice of 10 ms ends, to be taken for an interactive one, and others
    that arrive later and compute."""
    gamer = ProcessSpec("", 0, [_cpu(9), _io(1)], repeat=dice.randint(60, 90))
    hogs = [ProcessSpec("", dice.randint(1, 9) * MS, [_cpu(dice.randint(250, 400))]) for _ in range(2)]
    return [gamer, *hogs]


def _newcomers(dice: Random) -> list[ProcessSpec]:
    """Return a long job, and a stream of short ones that keep arriving."""
    every = dice.randint(20, 25)
    stream = [ProcessSpec("", number * every * MS, [_cpu(every - dice.randint(1, 3))]) for number in range(24)]
    return [ProcessSpec("", 0, [_cpu(dice.randint(200, 300))]), *stream]


def _shares(dice: Random) -> list[ProcessSpec]:
    """Return processes with different tickets that compute for the whole run."""
    tickets = dice.sample((50, 100, 200, 400, 800), dice.randint(2, 4))
    return [ProcessSpec("", 0, [_cpu(4_000)], tickets=each) for each in tickets]


def _late_shares(dice: Random) -> list[ProcessSpec]:
    """Return the same processes, of which one arrives later."""
    processes = _shares(dice)
    processes[0].arrive_ns = dice.randint(80, 150) * 10 * MS
    return processes


#: The total utilisation of periodic processes, and that of one more that does not fit, in per mille.
_LOAD, _TOO_MUCH = (930, 980), (150, 300)


def _periodic(dice: Random) -> list[ProcessSpec]:
    """Return periodic processes that use nearly all of the CPU."""
    left = dice.randint(*_LOAD)
    periods = dice.sample((20, 30, 50, 70, 110), 3)
    processes = []
    for number, period in enumerate(sorted(periods)):
        load = left if number == len(periods) - 1 else left * dice.randint(30, 45) // 100
        left -= load
        work_ns = period * MS * load // 1_000
        repeat = 1_200 // period
        processes.append(ProcessSpec("", 0, [Segment("cpu", work_ns)], period_ns=period * MS, repeat=repeat))
    return processes


def _overload(dice: Random) -> list[ProcessSpec]:
    """Return the same processes, and a later one that does not fit."""
    period = dice.choice((15, 25, 40, 60))
    work_ns = period * MS * dice.randint(*_TOO_MUCH) // 1_000
    late = ProcessSpec(
        "", dice.randint(5, 30) * 10 * MS, [Segment("cpu", work_ns)], period_ns=period * MS, repeat=600 // period
    )
    return [*_periodic(dice), late]


_MIXED = "mixed"
_MAKERS: dict[str, Callable[[Random], list[ProcessSpec]]] = {
    "batch": _batch,
    "interactive": _interactive,
    "gamers": _gamers,
    "newcomers": _newcomers,
    "shares": _shares,
    "late shares": _late_shares,
    "periodic": _periodic,
    "overload": _overload,
}
KINDS = (_MIXED, *_MAKERS)
