"""Kills the guardians of many runs at random moments, one or both, and counts what is left: processes, also stopped
ones, and ports: ``python -m tests.scripts.kills [NUMBER] [--user UID] [--disarmed]``.

``tests/faults/test_guardians.py`` has a sample of it. ``--disarmed``: what would be left if the keeper did nothing.
An ordinary user, whom ``--user`` names, has no control groups.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
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
#: It is killed until so long after twice the time that it takes to come into being.
_RUNS_S = 0.5


def main() -> int:
    """Kill, count, print; 0 if nothing was ever left."""
    parser = argparse.ArgumentParser(prog="kills", description="Kill the guardians of many runs.")
    parser.add_argument("number", nargs="?", type=int, default=2_000)
    parser.add_argument("--user", type=int, help="run as this user; only for root")
    parser.add_argument("--disarmed", action="store_true", help="with a keeper that does nothing")
    parser.add_argument("--latest", type=float, metavar="SECONDS", help="kill each so late at most")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    args = parser.parse_args()
    chance = random.Random(args.seed)
    command = [*(as_user(args.user) if args.user is not None else []), *(DISARMED if args.disarmed else OSSANDBOX)]
    check = LeftCheck(f"ossandbox-kills-{uuid.uuid4().hex}")
    os.environ[check.VARIABLE] = check.marker
    done, complete, left = Counter[str](), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        latest_s = args.latest or 2 * _complete_s(name, command) + _RUNS_S
        print(f"seed {args.seed}; killed in the first {latest_s:.1f} s")
        while done.total() < args.number:
            family = chance.choice([*FAMILIES])
            ports = [_free_port() for _ in range(_AT_ONCE)]
            victims = [
                Victims(_scenario(name, family, port), Kill.random(chance, latest_s=latest_s), command)
                for port in ports
            ]
            for victim in sorted(victims, key=lambda victim: victim.due_s):
                victim.kill()
            done[family] += _AT_ONCE
            complete[family] += sum(victim.complete for victim in victims)
            leftovers = ["a command that did not end"] * sum(not victim.ended for victim in victims)
            if leftovers := [*leftovers, *_left(check), *(f"port {port}" for port in ports if not _free(port))]:
                left[family] += 1
                print(f"seed {args.seed}: {family}: {leftovers}", flush=True)
                check.end_leftovers()
    for family in FAMILIES:
        print(
            f"{family:12} {done[family]:5} killed, {complete[family]:5} of them with a kernel process; "
            f"{left[family]:3} groups of {_AT_ONCE} left something"
        )
    return 1 if left else 0


def _complete_s(folder: str, command: list[str]) -> float:
    """How long it takes until all of several runs have a kernel process."""
    path = _scenario(folder, "busy", _free_port())
    return max(run.complete_s() for run in [Victims(path, Kill(0, 0), command) for _ in range(_AT_ONCE)])


def _scenario(folder: str, family: str, port: int) -> Path:
    path = Path(folder) / f"{port}.toml"
    path.write_text(FAMILIES[family].replace("127.0.0.1:0", f"127.0.0.1:{port}"))
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _free(port: int) -> bool:
    """Whether anybody may listen there, however simple-minded: without SO_REUSEADDR."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _left(check: LeftCheck) -> list[str]:
    give_up_s = time.monotonic() + _PATIENCE_S
    while (marked := check.marked()) and time.monotonic() < give_up_s:
        time.sleep(0.02)
    return [f"{procs.name(os_pid)} ({procs.state(os_pid)})" for os_pid in marked]


if __name__ == "__main__":
    sys.exit(main())
