"""Sensors that ask again and again; here the one that asks ``/proc``."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from sandbox.machines.linux.child import Child
from sandbox.machines.linux.procfs import read_state, some_thread_runs
from sandbox.machines.linux.sensors.base import Seen
from sandbox.units import MS, US

#: Soon after a dispatch a process is looked at often, because one that only answers blocks at once;
#: then each pause is half as long again, up to one millisecond.
_FIRST_PAUSE_NS = 150 * US
_LONGEST_PAUSE_NS = 1 * MS


class PollingSensor:
    """Looks at the running processes each time, and at a fixed share of the waiting ones in turn, so that a
    thousand sleepers cost no more than a few."""

    name = ""
    share = 24

    def __init__(self) -> None:
        self._pause_ns = _LONGEST_PAUSE_NS
        self._next_ns = 0
        self._turn = 0

    def blocked(self, child: Child) -> bool:
        """Whether no thread of the process can run at this moment."""
        raise NotImplementedError

    def dispatched(self, now_ns: int) -> None:
        """Look closely for a while."""
        self._pause_ns = _FIRST_PAUSE_NS
        self._next_ns = now_ns + self._pause_ns

    def next_look_ns(self, now_ns: int, watching: bool) -> int | None:
        """When to look next; None when there is nothing to look at."""
        return self._next_ns if watching else None

    def look(self, now_ns: int, running: Collection[Child], waiting: Collection[Child]) -> Seen:
        """Look, if it is time to."""
        if now_ns < self._next_ns:
            return Seen([], [])
        self._pause_ns = min(self._pause_ns * 3 // 2, _LONGEST_PAUSE_NS)
        self._next_ns = now_ns + self._pause_ns
        blocked = [child for child in running if self.blocked(child)]
        woken = [child for child in self._next_share(waiting) if not self.blocked(child)]
        return Seen(blocked, woken)

    def _next_share(self, waiting: Collection[Child]) -> list[Child]:
        if len(waiting) <= self.share:
            return list(waiting)
        start = self._turn % len(waiting)
        self._turn = start + self.share
        return [*islice(waiting, start, start + self.share)]

    def close(self) -> None:
        """Nothing is held."""


class PollSensor(PollingSensor):
    """Reads each process's kept-open ``/proc/PID/stat``: about 2 µs a look, no privilege."""

    name = "poll"

    def blocked(self, child: Child) -> bool:
        state, threads = read_state(child.stat_fd)
        if state in "SDIt":  # t: it waits for its tracer
            return threads == 1 or not some_thread_runs(child.os_pid)
        return False
