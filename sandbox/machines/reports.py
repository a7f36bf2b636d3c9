"""The reports of a machine with real processes, collected until the kernel takes them."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import time
from typing import Protocol

from sandbox.kernel.machine import Arrived, Happened, Report, Told
from sandbox.machines.clock import Clock
from sandbox.machines.console import Piece, Settings
from sandbox.model.events import Clause, Fault, Figure, Terminal, Wrote
from sandbox.util.units import S

#: How often the same fault of the same process is reported in each window; programs can cause some at any rate.
_MAX_REPEATS = 10
_WINDOW_NS = 1 * S
#: The number of pairs of process and fault that are counted.
_MAX_KNOWN = 4_096


class Child(Protocol):
    """A process. ``pid``: 0 until it is admitted; ``os_pid``: the system's pid."""

    @property
    def pid(self) -> int: ...
    @property
    def os_pid(self) -> int: ...


class Reports:
    """Reports in their order; by pid, the latest exact CPU times (``used``), and for how long processes that are not
    ours had the CPU (``stolen``)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reports: list[Report] = []
        #: The pids of arrivals among them.
        self._arrived: set[int] = set()
        self.used: dict[int, int] = {}
        self.stolen: dict[int, int] = {}
        #: By process and fault: when the window began (CLOCK_MONOTONIC), and the number of faults since.
        self._repeats: dict[tuple[int, str], tuple[int, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._reports)

    def add(self, *reports: Report) -> None:
        self._reports += reports
        for report in reports:
            if isinstance(report, Arrived):
                self._arrived.add(report.pid)

    def withdraw_arrival_of(self, pid: int) -> Arrived | None:
        """Remove and return the arrival of a process, if the kernel has not taken it yet; else None."""
        if pid not in self._arrived:
            return None
        self._arrived.discard(pid)
        index, arrived = next(
            (index, report)
            for index, report in enumerate(self._reports)
            if isinstance(report, Arrived) and report.pid == pid
        )
        del self._reports[index]
        return arrived

    def has_arrival_of(self, pid: int) -> bool:
        """Whether the kernel has not taken the arrival of this process yet."""
        return pid in self._arrived

    def add_stolen(self, child: Child, stolen_ns: int) -> None:
        """Add time for which processes that are not ours had the CPU of this one."""
        if stolen_ns:
            self.stolen[child.pid] = self.stolen.get(child.pid, 0) + stolen_ns

    def now_ns(self) -> int:
        """Return the machine's time."""
        return self._clock.now_ns()

    def wrote(self, child: Child, piece: Piece) -> None:
        """Report output of a process."""
        if piece.text or piece.raw:
            self.add(Told(Wrote(self._clock.now_ns(), child.pid, "console", piece.text, piece.raw)))

    def terminal(self, child: Child, settings: Settings) -> None:
        """Report changed settings of a process's terminal."""
        self.add(Told(Terminal(self._clock.now_ns(), child.pid, *settings)))

    def fault(self, child: Child | None, what: str, **figures: Figure) -> None:
        """Report a fault, of a process or of the machine."""
        pid = child.pid or None if child is not None else None
        self.add(Told(Fault(self._clock.now_ns(), Clause(what, figures), pid)))

    def fault_once(self, child: Child, what: str, **figures: Figure) -> None:
        """Report a fault of a process only once."""
        if (child.os_pid, what) not in self._repeats:
            self._remember((child.os_pid, what), 0, 0)
            self.fault(child, what, **figures)

    def fault_again(self, child: Child | None, what: str) -> None:
        """Report a fault that may occur frequently. Its figure ``untold`` is the number of faults that were left
        out."""
        now_ns = time.monotonic_ns()
        key = (child.os_pid if child is not None else 0, what)
        since_ns, times = self._repeats.get(key, (now_ns, 0))
        untold = 0
        if now_ns - since_ns >= _WINDOW_NS:
            since_ns, times, untold = now_ns, 0, max(times - _MAX_REPEATS, 0)
        times += 1
        if times <= _MAX_REPEATS:
            self.fault(child, what, **({"untold": untold} if untold else {}))
        self._remember(key, since_ns, times)

    def _remember(self, key: tuple[int, str], since_ns: int, times: int) -> None:
        self._repeats.pop(key, None)
        self._repeats[key] = since_ns, times
        if len(self._repeats) > _MAX_KNOWN:
            del self._repeats[next(iter(self._repeats))]

    def rest(self) -> list[Report]:
        """Return the remaining reports at the end of the run."""
        rest, self._reports = self._reports, []
        self._arrived.clear()
        return rest

    def take(self, now_ns: int) -> Happened:
        """Return all reports, and begin anew."""
        happened = Happened(now_ns, self._reports, self.used, self.stolen)
        self._reports, self.used, self.stolen = [], {}, {}
        self._arrived.clear()
        return happened
