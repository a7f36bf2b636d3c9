"""Births of scheduled processes (forked, armed, confined, consoled, stopped), beside bare fork, exit and wait."""

from __future__ import annotations

import os

from sandbox.model.events import Dispatched
from tests.benchmarks.tools import alternate, row, timed
from tests.support.scenarios import kernel_process, process, scenario

NUMBER = 300


def births() -> float:
    """Seconds from the request to the first dispatch, the kernel process's own start taken off."""
    return first_dispatch(NUMBER) - first_dispatch(1)


def first_dispatch(number: int) -> float:
    def until_first_dispatch() -> None:
        with kernel_process(scenario(process("p", "cpu 1ms", count=1), *others(number))) as link:
            for event in link.events():
                if isinstance(event, Dispatched):
                    return

    return timed(until_first_dispatch)


def others(number: int) -> list:  # type: ignore[type-arg]
    return [process(f"p{index}", "cpu 1ms") for index in range(number)]


def bare_forks() -> float:
    def fork_all() -> None:
        for _ in range(NUMBER):
            if (os_pid := os.fork()) == 0:
                os._exit(0)
            os.waitpid(os_pid, 0)

    return timed(fork_all)


def main() -> None:
    ours, theirs, ratio = alternate(births, bare_forks, rounds=3)
    row(f"{NUMBER} processes", f"{ours * 1e3 / NUMBER:.2f} ms each", f"{theirs * 1e3 / NUMBER:.2f} ms each", ratio)
