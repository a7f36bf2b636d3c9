"""What the system tells of all processes of a stepped run: whether they are at rest, and whether a turn has no end."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from sandbox.machines.linux import procfs
from sandbox.machines.linux.process.child import cpu_clock
from sandbox.machines.linux.stepping.tasks import Body
from sandbox.util.units import S

#: A turn that uses more CPU time is considered endless.
MAX_TURN_CPU_NS = 3 * S
#: State letters of threads that do not run: asleep, ended, stopped.
AT_REST = frozenset("SZXTtI")


class Thread(NamedTuple):
    """One thread.

    ``switches``: how often it has been given a CPU; ``whose``: the process of the crew that it belongs to or descends
    from (0: it descends from none that is left).
    """

    os_pid: int
    tid: int
    state: str
    switches: int
    whose: int


class Looks:
    """Looks at all descendants of the process ``root``."""

    def __init__(self, root: int) -> None:
        self._root = root
        #: The CPU time that each process had used when it was first seen not at rest.
        self._since_ns: dict[int, int] = {}
        #: The result of the last look, if all threads were at rest.
        self._before: list[Thread] | None = None

    def begin(self) -> None:
        """Begin anew, because all processes are at rest."""
        self._since_ns.clear()
        self._before = None

    def forget(self) -> None:
        """Forget the last look, because something has happened since."""
        self._before = None

    @property
    def seem_at_rest(self) -> bool:
        """Whether all threads were at rest at the last look."""
        return self._before is not None

    def look(self, crew: Collection[int]) -> list[Thread] | None:
        """Return all threads if they are at rest, i.e. if this look gives the same result as the previous one;
        otherwise None. ``crew``: the os_pids of the known processes."""
        seen = [*self._threads(crew)]
        at_rest = all(thread.state in AT_REST for thread in seen)
        before, self._before = self._before, seen if at_rest else None
        return seen if at_rest and before == seen else None

    def _threads(self, crew: Collection[int]) -> Iterator[Thread]:
        todo = [(os_pid, 0) for os_pid in procfs.children(self._root)]
        while todo:
            os_pid, whose = todo.pop()
            whose = os_pid if os_pid in crew else whose
            for mark in procfs.marks(os_pid):
                yield Thread(os_pid, *mark, whose)
            todo += ((child, whose) for child in procfs.children(os_pid))

    def see_strangers(self, crew: Mapping[int, Body]) -> bool:
        """Whether there is any process or thread without a hook."""
        if any(child not in crew for child in procfs.children(self._root)):
            return True
        return any(
            len(procfs.thread_ids(os_pid)) > len(body.alive)
            or any(child not in crew for child in procfs.children(os_pid))
            for os_pid, body in crew.items()
            if not body.ended
        )

    def note(self, os_pid: int) -> None:
        """Note that a turn of this process begins."""
        self._since_ns[os_pid] = _cpu_ns(os_pid)

    def endless(self, crew: Collection[int]) -> Iterator[Thread]:
        """Yield the first threads of processes that have used too much CPU time since they were last at rest."""
        before = 0
        for thread in self._threads(crew):
            if thread.os_pid != before and thread.state not in "ZX":
                used_ns = _cpu_ns(thread.os_pid)
                if used_ns - self._since_ns.setdefault(thread.os_pid, used_ns) > MAX_TURN_CPU_NS:
                    yield thread
            before = thread.os_pid


def _cpu_ns(os_pid: int) -> int:
    with suppress(OSError):
        return time.clock_gettime_ns(cpu_clock(os_pid))
    return 0


def kill(os_pid: int) -> None:
    """Kill a process that was just seen to descend from us, and has no other process to end it."""
    with suppress(OSError):
        os.kill(os_pid, 9)
