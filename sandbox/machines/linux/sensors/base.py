"""What notices that a process blocked or woke: an exchangeable part of the linux machine."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

from sandbox.machines.linux.child import Child


class Seen(NamedTuple):
    """What a look found: running processes that cannot run on, and waiting ones that can."""

    blocked: list[Child]
    woken: list[Child]


class Sensor(Protocol):
    """Notices blocks and wakes. Times are the machine's, in ns."""

    name: str

    def blocked(self, child: Child) -> bool:
        """Whether no thread of the process can run at this moment."""
        ...

    def dispatched(self, now_ns: int) -> None:
        """A process has just been let run: it may block soon."""
        ...

    def next_look_ns(self, now_ns: int, watching: bool) -> int | None:
        """When to look next; ``watching``: whether there is anything to look at."""
        ...

    def look(self, now_ns: int, running: Collection[Child], waiting: Collection[Child]) -> Seen:
        """Look at the running and the waiting processes."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...
