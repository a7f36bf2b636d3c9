"""Submissions marked a minute: two hundred generated ones of round robin, right, wrong and hostile."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sandbox.analysis.grading import labs
from tests.benchmarks.figures import Figure, figure
from tests.support.labs import MISTAKES, SOLUTIONS

ROUNDS = 1
SUBMISSIONS = 200
_LAB = "round-robin"
#: Of ten, one tries what it should not.
_HOSTILE = (
    "import os\ntry: os.fork()\nexcept OSError: pass\n",
    "import socket\ntry: socket.create_connection(('127.0.0.1', 22), 1)\nexcept OSError: pass\n",
    "for _ in range(1_000_000): print('x')\n",
    "import os\nos._exit(0)\n",
    "try: open('/tmp/big', 'w').write('x' * 10**8)\nexcept OSError: pass\n",
)


def measure(rounds: int) -> Iterator[Figure]:
    took, used = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder))
            before_s = _cpu_s()
            took.append(seconds(folder))
            used.append((_cpu_s() - before_s) / SUBMISSIONS)
    yield figure("submissions a minute", [SUBMISSIONS / each * 60 for each in took], "1/min", "more")
    yield figure(f"{SUBMISSIONS} submissions", took, "s", "less")
    yield figure("CPU time of one", used, "s", "less")


def _cpu_s() -> float:
    """Of all processes that have ended below this one: what else the machine does is not in it."""
    times = os.times()
    return times.children_user + times.children_system


def write(folder: Path) -> None:
    """Two hundred files."""
    right, mistakes = SOLUTIONS[_LAB], [*MISTAKES[_LAB].values()]
    for number in range(SUBMISSIONS):
        mistake = mistakes[number % len(mistakes)]
        text = right if number % 2 else right.replace(mistake.text, mistake.instead)
        text = f"{_HOSTILE[number // 10 % len(_HOSTILE)]}{right}" if number % 10 == 9 else text
        (folder / f"student{number:03}.py").write_text(text, "utf-8")


def seconds(folder: str) -> float:
    """How long the command takes, with all its processes."""
    tasks = str(labs.folder(_LAB) / labs.TASKS)
    began = time.monotonic()
    command = [sys.executable, "-m", "sandbox", "grade", tasks, folder, "--seed", "4711", "--to", "csv"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    assert done.stdout.count(b"\n") == SUBMISSIONS + 1
    return time.monotonic() - began
