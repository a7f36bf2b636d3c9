"""From ``exec`` to the end of commands that print a little, beside an interpreter that imports msgspec only.

``doctor`` tries whether a process can run: what it waits for is a kernel process and one process, which bounds it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from tests.benchmarks.figures import Beside, Figure, figure, in_turn, timed

ROUNDS = 5
COMMANDS = {
    "--version": ["--version"],
    "check": ["check", "scenarios/convoy.toml"],
    "lessons": ["lessons"],
    "scenarios": ["scenarios"],
    "policies": ["policies"],
    "schema": ["schema"],
    "doctor": ["doctor"],
}
#: A kernel process that runs one process, and nothing else.
ONE_PROCESS = """
from sandbox.analysis.measurement.birth import Birth
with Birth() as birth:
    birth.outcome()
"""


def run_ms(words: Sequence[str]) -> float:
    """Milliseconds of one start of the interpreter; modules are compiled already."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-P", *words]
    return timed(lambda: subprocess.run(command, capture_output=True, check=False, env=environment)) * 1e3


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    ours: list[Callable[[], float]] = [partial(run_ms, ["-m", "sandbox", *words]) for words in COMMANDS.values()]
    for start in ours:
        start()  # what has to be compiled is
    sources = ["pass", "import msgspec", *[ONE_PROCESS] * (sys.platform == "linux")]
    taken = in_turn(rounds, *ours, *(partial(run_ms, ["-c", source]) for source in sources))
    bare, msgspec, *one_process = taken[len(COMMANDS) :]
    others = (Beside("import msgspec", msgspec), Beside("bare interpreter", bare))
    bounds = {"doctor": tuple(Beside("one process alone", values, foreign=False) for values in one_process)}
    for name, values in zip(COMMANDS, taken[: len(COMMANDS)], strict=True):
        yield figure(name, values, "ms", "less", *others, *bounds.get(name, ()))
