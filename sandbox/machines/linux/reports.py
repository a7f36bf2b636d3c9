"""What the machine has to tell the kernel, gathered until the kernel asks."""

from __future__ import annotations

import time

from sandbox.kernel.machine import Happened, Report, Told
from sandbox.machines.linux.clock import Clock
from sandbox.machines.linux.process.child import Child
from sandbox.model.events import Clause, Fault, Figure, Wrote
from sandbox.util.units import S

#: So often in so long is the same fault of the same process told; a program can bring some about as fast as it likes.
_TOLD_MOST = 10
_WINDOW_NS = 1 * S


class Outbox:
    """Reports in the order in which they came, and the latest exact CPU times by pid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reports: list[Report] = []
        self.used: dict[int, int] = {}
        #: By process and fault: when its window began (CLOCK_MONOTONIC), and how often it came since.
        self._came: dict[tuple[int, str], tuple[int, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._reports)

    def add(self, *reports: Report) -> None:
        """Tell this."""
        self._reports += reports

    def now_ns(self) -> int:
        """The machine's time."""
        return self._clock.now_ns()

    def wrote(self, child: Child, text: str) -> None:
        """A process wrote something."""
        if text:
            self.add(Told(Wrote(self._clock.now_ns(), child.pid, "console", text)))

    def fault(self, child: Child | None, what: str, **figures: Figure) -> None:
        """Something went wrong, with a process or by itself."""
        pid = child.pid or None if child is not None else None
        self.add(Told(Fault(self._clock.now_ns(), Clause(what, figures), pid)))

    def fault_again(self, child: Child | None, what: str) -> None:
        """A fault that may come again and again; ``untold`` in its figures counts those that were left out."""
        now_ns = time.monotonic_ns()
        key = (child.os_pid if child is not None else 0, what)
        since_ns, times = self._came.get(key, (now_ns, 0))
        untold = 0
        if now_ns - since_ns >= _WINDOW_NS:
            since_ns, times, untold = now_ns, 0, max(times - _TOLD_MOST, 0)
        times += 1
        if times <= _TOLD_MOST:
            self.fault(child, what, **({"untold": untold} if untold else {}))
        self._came[key] = since_ns, times

    def take(self, now_ns: int) -> Happened:
        """All of it, once."""
        happened = Happened(now_ns, self._reports, self.used)
        self._reports, self.used = [], {}
        return happened
