"""Births of scheduled processes (forked, armed, confined, consoled, stopped), beside bare fork, exit and wait.

Another bare loop makes the system calls of such a birth, and nothing else: it bounds what can be reached with them.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import termios
from collections import deque
from collections.abc import Iterator
from typing import NoReturn

from sandbox.model.events import Dispatched
from sandbox.util import libc
from tests.benchmarks.figures import Beside, Figure, figure, in_turn, timed
from tests.support.real import kernel_process
from tests.support.scenarios import process, scenario

ROUNDS = 3
NUMBER = 300
#: How many are forked before the first of them must have stopped.
AHEAD = 16


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


def bare_births() -> float:
    """A console each; the child leads its session, is confined and stops; it is seen stopped and let go."""

    def bear_all() -> None:
        waiting: deque[tuple[int, int, int]] = deque()
        for _ in range(NUMBER):
            terminal, console = os.openpty()
            if (os_pid := os.fork()) == 0:
                _prepare(console)
            waiting.append((os_pid, terminal, console))
            if len(waiting) == AHEAD:
                _see_stopped(*waiting.popleft())
        while waiting:
            _see_stopped(*waiting.popleft())

    return timed(bear_all)


def _prepare(console: int) -> NoReturn:
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    fcntl.ioctl(console, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(console, number)
    os.closerange(3, 1024)
    libc.prctl(libc.PR_SET_TIMERSLACK, 1)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)


def _see_stopped(os_pid: int, terminal: int, console: int) -> None:
    os.waitid(os.P_PID, os_pid, os.WSTOPPED)
    os.close(console)
    pidfd = os.pidfd_open(os_pid)
    signal.pidfd_send_signal(pidfd, signal.SIGCONT)
    os.waitpid(os_pid, 0)
    os.close(pidfd)
    os.close(terminal)


def measure(rounds: int = ROUNDS) -> Iterator[Figure]:
    measures = (births, bare_forks, bare_births)
    ours, forks, calls = in_turn(rounds, *(lambda work=work: work() * 1e3 / NUMBER for work in measures))
    beside = (Beside("bare fork", forks), Beside("the same system calls", calls))
    yield figure(f"a process, of {NUMBER}", ours, "ms", "less", *beside)
