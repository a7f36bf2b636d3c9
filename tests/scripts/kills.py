"""Kills both guardians of many runs at random moments, and counts what is left:
``python -m tests.scripts.kills [NUMBER] [--user UID] [--disarmed]``.

``tests/faults/test_guardians.py`` has a sample of it. ``--disarmed``: what would be left if the keeper did nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path

from tests.support import procs
from tests.support.kills import DISARMED, FAMILIES, Kill, Victims
from tests.support.leaks import LeftCheck
from tests.support.run import OSSANDBOX
from tests.support.surroundings import as_user

_AT_ONCE = 4
_PATIENCE_S = 5.0


def main() -> int:
    """Kill, count, print; 0 if nothing was ever left."""
    parser = argparse.ArgumentParser(prog="kills", description="Kill both guardians of many runs.")
    parser.add_argument("number", nargs="?", type=int, default=2_000)
    parser.add_argument("--user", type=int, help="run as this user; only for root")
    parser.add_argument("--disarmed", action="store_true", help="with a keeper that does nothing")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    args = parser.parse_args()
    chance = random.Random(args.seed)
    command = [*(as_user(args.user) if args.user is not None else []), *(DISARMED if args.disarmed else OSSANDBOX)]
    check = LeftCheck(f"ossandbox-kills-{uuid.uuid4().hex}")
    os.environ[check.VARIABLE] = check.marker
    done, left = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        while done.total() < args.number:
            family = chance.choice([*FAMILIES])
            path = folder / "scenario.toml"
            path.write_text(FAMILIES[family])
            victims = [Victims(path, Kill.random(chance), command) for _ in range(_AT_ONCE)]
            for victim in sorted(victims, key=lambda victim: victim.due_s):
                victim.kill()
            done[family] += _AT_ONCE
            if leftovers := _left(check):
                left[family] += 1
                print(f"seed {args.seed}: {family}: {leftovers}", flush=True)
                check.end_leftovers()
    for family in FAMILIES:
        print(f"{family:12} {done[family]:5} killed   {left[family]:3} groups of {_AT_ONCE} left something")
    return 1 if left else 0


def _left(check: LeftCheck) -> list[str]:
    give_up_s = time.monotonic() + _PATIENCE_S
    while (marked := check.marked()) and time.monotonic() < give_up_s:
        time.sleep(0.02)
    return [f"{procs.name(os_pid)} ({procs.state(os_pid)})" for os_pid in marked]


if __name__ == "__main__":
    sys.exit(main())
