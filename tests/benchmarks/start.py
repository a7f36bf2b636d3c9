"""From ``exec`` to the end of commands that print a little, beside an interpreter that imports msgspec only."""

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


def run_ms(words: Sequence[str]) -> float:
    """Milliseconds of one start of the interpreter; modules are compiled already."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-P", *words]
    return timed(lambda: subprocess.run(command, capture_output=True, check=False, env=environment)) * 1e3


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    ours: list[Callable[[], float]] = [partial(run_ms, ["-m", "sandbox", *words]) for words in COMMANDS.values()]
    for start in ours:
        start()  # what has to be compiled is
    *taken, bare, msgspec = in_turn(
        rounds, *ours, partial(run_ms, ["-c", "pass"]), partial(run_ms, ["-c", "import msgspec"])
    )
    for name, values in zip(COMMANDS, taken, strict=True):
        yield figure(name, values, "ms", "less", Beside("import msgspec", msgspec), Beside("bare interpreter", bare))
