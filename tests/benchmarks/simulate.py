"""``ossandbox simulate --quiet`` as a whole, from ``exec`` to the printed figures, and the memory that it takes.

Beside the decisions of the kernel and the virtual machine alone, whose events nobody takes in.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator

from sandbox.machines.simulate import simulate
from sandbox.scenario import load
from tests.benchmarks.figures import Beside, CannotMeasure, Figure, figure, in_turn

ROUNDS = 3
SPINNERS, DECISIONS, MANY = 200, 400_000, 1_000_000

_SCENARIO = """
[machine]
policy = "rr"
quantum = "1ms"
[[process]]
name = "spinner"
work = ["cpu {each}ms"]
count = {spinners}
"""


def written(decisions: int) -> str:
    """The file of a scenario of so many slices."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
        file.write(_SCENARIO.format(each=decisions // SPINNERS, spinners=SPINNERS))
        return file.name


def whole(decisions: int) -> tuple[float, float]:
    """Decisions a second of the whole process, and the megabytes that it needed at most."""
    path = written(decisions)
    try:
        began = time.perf_counter()
        command = [sys.executable, "-P", "-m", "sandbox", "simulate", path, "--quiet"]
        output = os.open(os.devnull, os.O_WRONLY)
        os_pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, output, 1)])
        os.close(output)
        _, status, usage = os.wait4(os_pid, 0)
        took = time.perf_counter() - began
    finally:
        os.unlink(path)
    if status:
        raise CannotMeasure(f"ossandbox simulate ended with {os.waitstatus_to_exitcode(status)}")
    return decisions / took, usage.ru_maxrss / 1024


def alone_per_s() -> float:
    """Decisions a second of CPU time without start, fold and print."""
    path = written(DECISIONS)
    try:
        scenario = load(path)
    finally:
        os.unlink(path)
    began = time.process_time()
    simulate(scenario, lambda events: None)
    return DECISIONS / (time.process_time() - began)


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    ours, alone = in_turn(rounds, lambda: whole(DECISIONS)[0], alone_per_s)
    beside = Beside("kernel and machine alone", alone, foreign=False)
    yield figure("decisions, the whole process", ours, "/s", "more", beside)
    [megabytes] = in_turn(1, lambda: whole(MANY)[1])
    yield figure("memory for a million decisions", megabytes, "MB", "less")
