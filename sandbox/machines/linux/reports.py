"""What the machine has to tell the kernel, gathered until the kernel asks."""

from __future__ import annotations

import time

from sandbox.kernel.machine import Happened, Report, Told
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.console import Piece, Settings
from sandbox.model.events import Clause, Fault, Figure, Terminal, Wrote
from sandbox.util.units import S

#: The same fault of the same process is told so often in each window: a program can bring some about at any rate.
_MAX_REPEATS = 10
_WINDOW_NS = 1 * S


class Reports:
    """Reports in the order in which they came, and the latest exact CPU times by pid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reports: list[Report] = []
        self.used: dict[int, int] = {}
        #: By process and fault: when its window began (CLOCK_MONOTONIC), and how often it came since.
        self._repeats: dict[tuple[int, str], tuple[int, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._reports)

    def add(self, *reports: Report) -> None:
        self._reports += reports

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
        self._repeats[key] = since_ns, times

    def take(self, now_ns: int) -> Happened:
        """All of it, which is then told."""
        happened = Happened(now_ns, self._reports, self.used)
        self._reports, self.used = [], {}
        return happened
