"""What notices that processes block and wake: an exchangeable part of the linux machine.

Sensors differ in what makes them look at a running process; that it has blocked is only believed once its state
says so. Times are the machine's, in ns.
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

#: So often new processes are looked for where no record tells of forks: each is to be found within 5 ms.
_SCAN_NS = 4 * MS


class SensorContext(NamedTuple):
    """What of the machine a sensor may use. Processes of its own go into the table's ``helpers``."""

    cpus: CpuAssignment
    clock: Clock
    poller: Poller
    table: ProcessTable


class Block(NamedTuple):
    """A running process has blocked, at ``at_ns``; None: as far as is known it has, and nobody knows when."""

    child: Child
    at_ns: int | None


class Observation(NamedTuple):
    """What a look found: running processes that have ``blocked``, blocked ones that ``woke``, blocked ones that woke
    and have blocked ``again``, and stopped ones that seem to run though nobody here continued them."""

    blocked: list[Block]
    woke: list[Child]
    again: list[Child]
    runaways: Sequence[Child] = ()


class SensorLost(OSError):
    """A sensor cannot be had, or is no more; another one has to take over."""


class Sensor(ABC):
    """A sensor that reads states from ``/proc``. Making one raises SensorLost where the system does not permit it."""

    name = ""
    #: Whether it gives a hint of every block, and at once.
    tells_all = False
    #: A running process is looked at so long after its dispatch, and then so often, whatever else tells of it.
    pause_ns = 1 * MS
    #: How many blocked processes are looked at in one go where nothing tells when they will wake, and how often.
    share, round_ns = 24, 1 * MS
    #: What records tell of whole lives, where there are any.
    lineage: Lineage | None = None

    def __init__(self) -> None:
        self._next_ns = 0
        self._next_scan_ns = 0
        self._wakeups = Wakeups(self.share, self.round_ns)

    def is_blocked(self, child: Child) -> bool:
        """Whether no thread of the process can run at this moment; or it has stopped though nobody here told it to, and
        waits to be continued."""
        state, threads = child.state()
        if state in "SDIt":  # t: it waits for its tracer
            return threads == 1 or not some_thread_runs(child.os_pid)
        return state == "T" and not child.stop_wanted

    def dispatched(self, child: Child, now_ns: int) -> None:
        """A process has just been let run on its CPU: it may block soon."""
        self._next_ns = now_ns + self.pause_ns

    def look_by(self, at_ns: int) -> None:
        """Look at the running processes no later than then."""
        self._next_ns = min(self._next_ns, at_ns)

    def explained(self, child: Child, since_ns: int) -> None:
        """A process is blocked since then, and on what is known as far as the system tells."""
        self._wakeups.add(child, since_ns)

    def look_again(self, child: Child, now_ns: int) -> None:
        """A blocked process was seen awake, but its wait is not over."""
        child.wait_number += 1  # earlier notes of when to look at it are void
        self._wakeups.look_soon(child, now_ns)

    def next_look_ns(self, now_ns: int, running: Collection[Child]) -> int | None:
        """When to look, if nothing makes itself felt before; None: not at all."""
        self._wakeups.rests = self.tells_all and not running
        wakeup_ns = self._wakeups.next_ns
        if not running:
            return wakeup_ns
        return self._next_ns if wakeup_ns is None else min(self._next_ns, wakeup_ns)

    def has_news(self) -> bool:
        """Whether something has come that is to be looked at, where that can be asked for nothing."""
        return False

    def sees_nothing(self, now_ns: int, last: bool) -> bool:
        """Whether a look would find nothing, as far as can be told without one."""
        return False

    def look(self, now_ns: int, running: Collection[Child], last: bool) -> Observation:
        """Look where there is reason to. ``last``: a slice has just expired, and a block at the same moment counts as
        a block. Raises SensorLost."""
        blocked = [
            hint for hint in self.hints(now_ns, running) if hint.at_ns is not None or self.is_blocked(hint.child)
        ]
        if now_ns >= self._next_ns or (last and not self.tells_all):
            self._next_ns = now_ns + self.pause_ns
            blocked = blocked or [Block(child, None) for child in running if self.is_blocked(child)]
        return Observation(blocked, *self._wakeups.look(now_ns, self.is_blocked))

    def read(self) -> None:
        """Take in what records there are, so that ``lineage`` knows all that has happened by now."""
        return

    def forked(self, now_ns: int) -> bool:
        """Whether processes may have been forked that are to be looked for now."""
        if now_ns < self._next_scan_ns:
            return False
        self._next_scan_ns = now_ns + _SCAN_NS
        return True

    @abstractmethod
    def hints(self, now_ns: int, running: Collection[Child]) -> Iterable[Block]:
        """Running processes that have blocked, or that may have (``at_ns`` None). Raises SensorLost."""

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds."""
