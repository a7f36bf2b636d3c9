"""What notices that processes block and wake: an exchangeable part of the linux machine.

Sensors differ in what makes them look at a running process; that it has blocked is only believed once its state
says so. Times are the machine's, in ns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sandbox.machines.linux.blocking.sensors.wakeups import Sleepers
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.cpus import Places
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.procfs import read_state, some_thread_runs
from sandbox.util.units import MS

#: Whoever is born is to be found within 5 ms.
_BIRTHS_NS = 4 * MS


class Around(NamedTuple):
    """What a sensor is given. ``places``: where the mini CPUs are; ``known``: every process of the machine by the
    system's pid; into ``helpers`` go those of the sensor's own."""

    places: Places
    clock: Clock
    poller: Poller
    known: Mapping[int, Child]
    helpers: set[int]


class Blockage(NamedTuple):
    """A running process that cannot run on, since ``at_ns``; None: as far as is known it cannot, since when nobody
    knows."""

    child: Child
    at_ns: int | None


class Seen(NamedTuple):
    """What a look found: running processes that cannot run on, waiting ones that can, waiting ones that woke and wait
    again, and stopped ones that seem to run though nobody here let them."""

    blocked: list[Blockage]
    woken: list[Child]
    again: list[Child]
    strays: Sequence[Child] = ()


class SensorLost(OSError):
    """A sensor cannot be had, or is no more; another one has to take over."""


class Sensor(ABC):
    """A sensor that reads states from ``/proc``. Making one raises SensorLost where the system does not permit it."""

    name = ""
    #: Whether it gives a hint of every block, and at once.
    tells_all = False
    #: A running process is looked at so long after its dispatch, and then so often, whatever else tells of it.
    pause_ns = 1 * MS
    #: How many waiting processes are looked at in one go where nothing tells when they will wake, and how often.
    share, round_ns = 24, 1 * MS

    def __init__(self) -> None:
        self._next_ns = 0
        self._births_ns = 0
        self._sleepers = Sleepers(self.share, self.round_ns)

    def blocked(self, child: Child) -> bool:
        """Whether no thread of the process can run at this moment; or it stopped though nobody here told it to, and
        waits to be continued by its next turn."""
        state, threads = read_state(child.stat_fd)
        if state in "SDIt":  # t: it waits for its tracer
            return threads == 1 or not some_thread_runs(child.os_pid)
        return state == "T" and child.mode is Mode.RUNNING

    def dispatched(self, child: Child, now_ns: int) -> None:
        """A process has just been let run on its CPU: it may block soon."""
        self._next_ns = now_ns + self.pause_ns

    def waits(self, child: Child, since_ns: int) -> None:
        """A process waits since then, and what for is known as far as the system tells."""
        self._sleepers.add(child, since_ns)

    def next_look_ns(self, now_ns: int, running: Collection[Child]) -> int | None:
        """When to look, if nothing makes itself felt before; None: not at all."""
        sleepers_ns = self._sleepers.next_ns
        if not running:
            return sleepers_ns
        return self._next_ns if sleepers_ns is None else min(self._next_ns, sleepers_ns)

    def look(self, now_ns: int, running: Collection[Child], last: bool) -> Seen:
        """Look at whom there is reason to look at; ``last``: a slice is over, and whoever blocked with its last
        breath has blocked. Raises SensorLost."""
        blocked = [hint for hint in self.hints(now_ns, running) if hint.at_ns is not None or self.blocked(hint.child)]
        if now_ns >= self._next_ns or (last and not self.tells_all):
            self._next_ns = now_ns + self.pause_ns
            blocked = blocked or [Blockage(child, None) for child in running if self.blocked(child)]
        return Seen(blocked, *self._sleepers.look(now_ns, self.blocked))

    def bore(self, now_ns: int) -> bool:
        """Whether it is time to look for processes that were born since."""
        if now_ns < self._births_ns:
            return False
        self._births_ns = now_ns + _BIRTHS_NS
        return True

    @abstractmethod
    def hints(self, now_ns: int, running: Collection[Child]) -> Iterable[Blockage]:
        """Running processes that have blocked, or that may have (``at_ns`` None). Raises SensorLost."""

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds."""
