"""Births of scheduled processes (forked, armed, confined, consoled, stopped), beside bare fork, exit and wait."""

from __future__ import annotations

import os
from collections.abc import Iterator

from sandbox.model.events import Dispatched
from tests.benchmarks.figures import Beside, Figure, figure, in_turn, timed
from tests.support.real import kernel_process
from tests.support.scenarios import process, scenario

ROUNDS = 3
NUMBER = 300


def births() -> float:
    """Seconds from the request to the first dispatch, the kernel process's own start taken off."""
    return first_dispatch(NUMBER) - first_dispatch(1)


def first_dispatch(number: int) -> float:
    def until_first_dispatch() -> None:
        others = [process(f"p{index}", "cpu 1ms") for index in range(number)]
        with kernel_process(scenario(process("p", "cpu 1ms", count=1), *others)) as link:
            for event in link.events():
                if isinstance(event, Dispatched):
                    return

    return timed(until_first_dispatch)


def bare_forks() -> float:
    def fork_all() -> None:
        for _ in range(NUMBER):
            if (os_pid := os.fork()) == 0:
                os._exit(0)
            os.waitpid(os_pid, 0)

    return timed(fork_all)


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    ours, forks = in_turn(rounds, lambda: births() * 1e3 / NUMBER, lambda: bare_forks() * 1e3 / NUMBER)
    yield figure(f"a process, of {NUMBER}", ours, "ms", "less", Beside("bare fork", forks))
