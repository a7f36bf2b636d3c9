"""What a machine with real processes has to tell the kernel, gathered until the kernel asks."""

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

#: The same fault of the same process is told so often in each window: a program can bring some about at any rate.
_MAX_REPEATS = 10
_WINDOW_NS = 1 * S
#: Of so many processes and faults it is known how often they came.
_MAX_KNOWN = 4_096


class Child(Protocol):
    """A process. ``pid``: 0 until it is on the board; ``os_pid``: the system's number."""

    @property
    def pid(self) -> int: ...
    @property
    def os_pid(self) -> int: ...


class Reports:
    """Reports in the order in which they came, and by pid the latest exact CPU times, and for how long others had the
    CPU of one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reports: list[Report] = []
        #: Whose arrival is among them.
        self._arrived: set[int] = set()
        self.used: dict[int, int] = {}
        self.stolen: dict[int, int] = {}
        #: By process and fault: when its window began (CLOCK_MONOTONIC), and how often it came since.
        self._repeats: dict[tuple[int, str], tuple[int, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._reports)

    def add(self, *reports: Report) -> None:
        self._reports += reports
        for report in reports:
            if isinstance(report, Arrived):
                self._arrived.add(report.pid)

    def withdraw_arrival_of(self, pid: int) -> Arrived | None:
        """The report that this process is there, if the kernel has not been told yet: it will not be."""
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
        """Whether the kernel has still to be told that this process is there."""
        return pid in self._arrived

    def add_stolen(self, child: Child, stolen_ns: int) -> None:
        """For so long, if at all, somebody else had its CPU."""
        if stolen_ns:
            self.stolen[child.pid] = self.stolen.get(child.pid, 0) + stolen_ns

    def now_ns(self) -> int:
        """The machine's time."""
        return self._clock.now_ns()

    def wrote(self, child: Child, piece: Piece) -> None:
        """A process wrote something."""
        if piece.text or piece.raw:
            self.add(Told(Wrote(self._clock.now_ns(), child.pid, "console", piece.text, piece.raw)))

    def terminal(self, child: Child, settings: Settings) -> None:
        """The terminal of a process is set in another way."""
        self.add(Told(Terminal(self._clock.now_ns(), child.pid, *settings)))

    def fault(self, child: Child | None, what: str, **figures: Figure) -> None:
        """Something went wrong, with a process or by itself."""
        pid = child.pid or None if child is not None else None
        self.add(Told(Fault(self._clock.now_ns(), Clause(what, figures), pid)))

    def fault_once(self, child: Child, what: str, **figures: Figure) -> None:
        """A fault of a process that is told once."""
        if (child.os_pid, what) not in self._repeats:
            self._remember((child.os_pid, what), 0, 0)
            self.fault(child, what, **figures)

    def fault_again(self, child: Child | None, what: str) -> None:
        """A fault that may come again and again; ``untold`` in its figures counts those that were left out."""
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
        """All that has not been told, and will not be."""
        rest, self._reports = self._reports, []
        self._arrived.clear()
        return rest

    def take(self, now_ns: int) -> Happened:
        """All of it, which is then told."""
        happened = Happened(now_ns, self._reports, self.used, self.stolen)
        self._reports, self.used, self.stolen = [], {}, {}
        self._arrived.clear()
        return happened
