"""Runs synthetic work scheduled by Linux, for comparison with our schedulers.

``python -m sandbox.programs.plain CPU`` reads a JSON list from standard input, with the segments of each process as
[kind, ns], runs all processes at once on this real CPU, and prints how long that took, in ns.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import json
import os
import time
from collections.abc import Sequence

from sandbox.programs.work import work
from sandbox.util import libc

Load = Sequence[tuple[str, int]]


def run(loads: Sequence[Load], cpu: int) -> int:
    """Fork a process for each load, let all begin at once, and wait for all. Returns how long that took, in ns."""
    gate, opener = os.pipe()
    children = [_fork(load, cpu, gate, opener) for load in loads]
    began_ns = time.monotonic_ns()
    os.close(opener)
    for child in children:
        os.waitpid(child, 0)
    took_ns = time.monotonic_ns() - began_ns
    os.close(gate)
    return took_ns


def _fork(load: Load, cpu: int, gate: int, opener: int) -> int:
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            os.sched_setaffinity(0, {cpu})
            os.close(opener)
            if libc.end_with_parent(parent):
                os.read(gate, 1)
                work(load)
        finally:
            os._exit(0)
    return child


if __name__ == "__main__":
    print(run(json.load(sys.stdin), int(sys.argv[1])))
