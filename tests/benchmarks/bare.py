"""What bare loops start from: processes that stand still on a real CPU of their own, and the system's records of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sandbox.link.client import use_all_cpus
from sandbox.machines.linux.cpus import assign_cpus
from sandbox.machines.linux.perf_events import Ring
from sandbox.util import libc


@contextmanager
def standing(works: Sequence[Callable[[], object]]) -> Iterator[tuple[list[int], Ring]]:
    """A stopped process for each of these works, which never end. Meanwhile we are on the CPUs that the engine has."""
    use_all_cpus()
    cpus = assign_cpus(1)
    os.sched_setaffinity(0, cpus.engine)
    ring = Ring(cpus.mini[0])
    children = [_child(cpus.mini[0], work) for work in works]
    try:
        yield children, ring
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        ring.close()
        use_all_cpus()


def _child(cpu: int, work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, {cpu})
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # like ours: who is continued preempts nobody
        os.kill(os.getpid(), signal.SIGSTOP)
        work()
        os._exit(1)
    os.waitpid(child, os.WUNTRACED)
    return child
