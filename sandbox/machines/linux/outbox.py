"""What the machine has to tell the kernel, gathered until the kernel asks."""

from __future__ import annotations

from sandbox.events import Clause, Fault, Figure, Wrote
from sandbox.kernel.machine import Happened, Report, Told
from sandbox.machines.linux.child import Child
from sandbox.machines.linux.clock import Clock


class Outbox:
    """Reports in the order in which they came, and the latest exact CPU times by pid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reports: list[Report] = []
        self.used: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._reports)

    def add(self, *reports: Report) -> None:
        """Tell this."""
        self._reports += reports

    def wrote(self, child: Child, text: str) -> None:
        """A process wrote something."""
        if text:
            self.add(Told(Wrote(self._clock.now_ns(), child.pid, "console", text)))

    def fault(self, child: Child | None, what: str, **figures: Figure) -> None:
        """Something went wrong, with a process or by itself."""
        pid = child.pid if child is not None else None
        self.add(Told(Fault(self._clock.now_ns(), Clause(what, figures), pid)))

    def take(self, now_ns: int) -> Happened:
        """All of it, once."""
        happened = Happened(now_ns, self._reports, self.used)
        self._reports, self.used = [], {}
        return happened
