"""Sensors, which detect that processes block and wake: an exchangeable part of the Linux machine.

Sensors differ in what makes them look at a running process. That it has blocked is only believed if its state says so.
Times are machine times, in ns.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sandbox.machines.clock import Clock
from sandbox.machines.linux.blocking.sensors.wakeups import Wakeups
from sandbox.machines.linux.cpus import CpuAssignment
from sandbox.machines.linux.poller import Poller
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.lineage import Lineage
from sandbox.machines.linux.process.process_table import ProcessTable
from sandbox.machines.linux.procfs import some_thread_runs
from sandbox.util.units import MS

#: The interval of looking for new processes without records of forks. Each must be found within 5 ms.
_SCAN_NS = 4 * MS


class SensorContext(NamedTuple):
    """The parts of the machine that a sensor may use. Processes of its own are added to the table's ``helpers``."""

    cpus: CpuAssignment
    clock: Clock
    poller: Poller
    table: ProcessTable


class Block(NamedTuple):
    """A block of a running process, at ``at_ns`` (None: at an unknown time, or only a guess)."""

    child: Child
    at_ns: int | None


class Observation(NamedTuple):
    """The result of a look.

    ``blocked``: running processes that have blocked; ``woke``: blocked ones that woke; ``again``: blocked ones that
    woke and have blocked again; ``runaways``: stopped ones that seem to run although we have not continued them.
    """

    blocked: list[Block]
    woke: list[Child]
    again: list[Child]
    runaways: Sequence[Child] = ()


class SensorLost(OSError):
    """A sensor is not available, or is no more, and has to be replaced."""


class Sensor(ABC):
    """A sensor that reads states from ``/proc``. The constructor raises SensorLost if the system does not permit it."""

    name = ""
    #: Whether it has an event for every block, at once.
    tells_all = False
    #: A running process is looked at this long after its dispatch, and then at this interval, in addition to events.
    pause_ns = 1 * MS
    #: How many blocked processes are looked at in turn if it is unknown when they wake, and the interval of that.
    share, round_ns = 24, 1 * MS
    #: The lives of processes by records; None without records.
    lineage: Lineage | None = None

    def __init__(self) -> None:
        self._next_ns = 0
        self._next_scan_ns = 0
        self._wakeups = Wakeups(self.share, self.round_ns)

    def is_blocked(self, child: Child) -> bool:
        """Whether no thread of the process can run now, or the process was stopped by someone else and waits to be
        continued."""
        state, threads = child.state()
        if state in "SDIt":  # t: it waits for its tracer
            return threads == 1 or not some_thread_runs(child.os_pid)
        return state == "T" and not child.stop_wanted

    def dispatched(self, child: Child, now_ns: int) -> None:
        """Note that a process was dispatched, and may block soon."""
        self._next_ns = now_ns + self.pause_ns

    def look_by(self, at_ns: int) -> None:
        """Look at the running processes no later than ``at_ns``."""
        self._next_ns = min(self._next_ns, at_ns)

    def explained(self, child: Child, since_ns: int) -> None:
        """Note that a process has been blocked since ``since_ns``, with the reason, as far as known, in
        ``blocked_on``."""
        self._wakeups.add(child, since_ns)

    def look_again(self, child: Child, now_ns: int) -> None:
        """Note that a blocked process was seen awake, but its wait is not over."""
        child.wait_number += 1  # invalidates earlier entries for this wait
        self._wakeups.look_soon(child, now_ns)

    def look_later(self, child: Child, at_ns: int) -> None:
        """Look at a blocked process that was awake in between at that time, too."""
        self._wakeups.look_later(child, at_ns)

    def next_look_ns(self, now_ns: int, running: Collection[Child]) -> int | None:
        """Return when to look if no event comes earlier; None if there is no need to."""
        self._wakeups.rests = self.tells_all and not running
        wakeup_ns = self._wakeups.next_ns
        if not running:
            return wakeup_ns
        return self._next_ns if wakeup_ns is None else min(self._next_ns, wakeup_ns)

    def has_news(self) -> bool:
        """Whether there are unread events, if that can be checked at no cost."""
        return False

    def sees_nothing(self, now_ns: int, last: bool) -> bool:
        """Whether a look would find nothing, as far as can be told without one."""
        return False

    def look(self, now_ns: int, running: Collection[Child], last: bool) -> Observation:
        """Look at the processes that may have changed. ``last``: a slice has just expired; a block at the same moment
        counts as a block. Raises SensorLost."""
        blocked = [
            hint for hint in self.hints(now_ns, running) if hint.at_ns is not None or self.is_blocked(hint.child)
        ]
        if now_ns >= self._next_ns or (last and not self.tells_all):
            self._next_ns = now_ns + self.pause_ns
            blocked = blocked or [Block(child, None) for child in running if self.is_blocked(child)]
        return Observation(blocked, *self._wakeups.look(now_ns, self.is_blocked))

    def read(self) -> None:
        """Process the records that are available, so that ``lineage`` is up to date."""
        return

    def forked(self, now_ns: int) -> bool:
        """Whether to look now for processes that were forked."""
        if now_ns < self._next_scan_ns:
            return False
        self._next_scan_ns = now_ns + _SCAN_NS
        return True

    @abstractmethod
    def hints(self, now_ns: int, running: Collection[Child]) -> Iterable[Block]:
        """Return running processes that have blocked, or that may have (``at_ns`` None). Raises SensorLost."""

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds."""
