"""``python -m tests.scripts.standoffs [N] [SEED]``: N random programs under the sandbox, some of which end in a
deadlock. What is true of each was worked out before; with ``--alone`` they are run without the sandbox instead, to try
that truth."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

from msgspec.structs import replace

from sandbox.model.spec import ProcessSpec
from tests.support.real import run_real
from tests.support.scenarios import scenario
from tests.support.standoffs import Standoff, found_wrong, standoff

#: Whoever has not ended by then, alone, never will.
_ALONE_S = 4


def alone(truth: Standoff, folder: Path) -> str:
    """What is wrong about the truth."""
    process = subprocess.Popen([sys.executable, str(folder / "it.py")], process_group=0)
    try:
        process.wait(_ALONE_S)
        return "it ended" if truth.core else ""
    except subprocess.TimeoutExpired:
        return "" if truth.core else "it did not end"
    finally:
        subprocess.run(["kill", "-KILL", "--", f"-{process.pid}"], capture_output=True, check=False)
        process.wait()


def main(arguments: list[str]) -> int:
    """How many went wrong."""
    numbers = [int(word) for word in arguments if word.isdecimal()]
    count, seed = (*numbers, 500, 1)[:2] if len(numbers) != 1 else (numbers[0], 1)
    wrong = deadlocks = 0
    for number in range(seed, seed + count):
        truth = standoff(random.Random(number))
        deadlocks += bool(truth.core)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "it.py").write_text(truth.program)
            world = replace(scenario(ProcessSpec("it", python="it.py:main")), folder=name)
            said = alone(truth, folder) if "--alone" in arguments else found_wrong(truth, run_real(world))
        if said:
            wrong += 1
            print(f"seed {number}: {said}\n    {truth}", flush=True)
    print(f"{count} programs, {deadlocks} of them with a deadlock: {wrong} wrong")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
