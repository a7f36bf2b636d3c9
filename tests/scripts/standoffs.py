"""``python -m tests.scripts.standoffs [N] [SEED]``: N random programs under the sandbox, some of which end in a
deadlock. What is true of each was worked out before; with ``--alone`` they are run without the sandbox instead, to try
that truth."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from sandbox.model.spec import ProcessSpec
from tests.support.real import run_real
from tests.support.scenarios import scenario
from tests.support.standoffs import SOURCE, Standoff, found_wrong, standoff, took_ns

#: Whoever has not ended by then, alone, never will.
_ALONE_S = 4


def compiled(folder: Path) -> str:
    """The program in C, "" where there is no compiler."""
    program = folder / "standoff"
    if (compiler := shutil.which("cc")) is None:
        return ""
    subprocess.run([compiler, "-O1", "-o", str(program), str(SOURCE), "-pthread"], check=True)
    return str(program)


def alone(truth: Standoff, folder: Path) -> str:
    """What is wrong about the truth."""
    process = subprocess.Popen([sys.executable, "it.py"], cwd=folder, stdin=subprocess.PIPE, start_new_session=True)
    never = len(truth.free) < len(truth.members)
    try:
        process.wait(_ALONE_S)
        return "it ended" if never else ""
    except subprocess.TimeoutExpired:
        return "" if never else "it did not end"
    finally:
        subprocess.run(["kill", "-KILL", "--", f"-{process.pid}"], capture_output=True, check=False)
        process.wait()


def main(arguments: list[str]) -> int:
    """How many went wrong."""
    numbers = [int(word) for word in arguments if word.isdecimal()]
    count, seed = (*numbers, 500, 1)[:2] if len(numbers) != 1 else (numbers[0], 1)
    wrong = deadlocks = 0
    times_ns: list[int] = []
    with tempfile.TemporaryDirectory() as tools:
        program = compiled(Path(tools))
        for number in range(seed, seed + count):
            truth = standoff(random.Random(number), bool(program))
            deadlocks += bool(truth.lost)
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                truth.write(folder, program)
                began = time.monotonic()
                if "--alone" in arguments:
                    said = alone(truth, folder)
                else:
                    events = run_real(replace(scenario(ProcessSpec("it", python="it.py:main")), folder=name))
                    said = found_wrong(truth, events)
                    times_ns += [took for took in [took_ns(truth, events)] if took is not None]
                if "-v" in arguments:
                    print(number, f"{time.monotonic() - began:.1f} s", len(truth.members), bool(truth.lost), flush=True)
            if said:
                wrong += 1
                print(f"seed {number}: {said}\n    {truth}", flush=True)
    print(f"{count} programs, {deadlocks} of them with a deadlock: {wrong} wrong")
    if times_ns:
        times_ns.sort()
        middle, most = times_ns[len(times_ns) // 2], times_ns[-1]
        slow = sum(each > 200_000_000 for each in times_ns)
        print(
            f"from the last wait to its being told: {middle / 1e6:.0f} ms, at most {most / 1e6:.0f} ms, {slow} over 200 ms"
        )
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
