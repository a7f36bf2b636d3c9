"""The table of all processes of the machine."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time
from collections import deque
from itertools import count

from sandbox.machines.linux.process.child import Child, Gone, Relative

#: How many processes are kept after their end, because records of their forks may still come.
_MAX_RECENT = 1_024


class ProcessTable:
    """All processes of the machine, each from its fork (or from when it was found) until it is reaped."""

    def __init__(self) -> None:
        self._pids = count(1)
        #: All processes, by the system's number.
        self.by_os_pid: dict[int, Child] = {}
        #: The processes that have been admitted, by the pid of the mini operating system; those among them that have a
        #: mini CPU.
        self.by_pid: dict[int, Child] = {}
        self.running: dict[int, Child] = {}
        #: The processes that have not been admitted yet: forked and stopped, in the order of their arrival.
        self.arriving: deque[Child] = deque()
        #: Processes that have ended recently, by the system's number.
        self.recent: dict[int, Relative] = {}
        #: Processes for which a session was begun, by the number of the session leader.
        self.by_session: dict[int, Child] = {}
        #: Processes of our own that are not scheduled, by the system's number.
        self.helpers: set[int] = set()

    def add(self, child: Child) -> None:
        """Add a process, which is not admitted yet."""
        self.by_os_pid[child.os_pid] = child
        if child.session:
            self.by_session[child.session] = child
            if child.session != child.os_pid:
                self.helpers.add(child.session)

    def admit(self, child: Child) -> None:
        """Give the process the next pid."""
        child.pid = next(self._pids)
        self.by_pid[child.pid] = child

    def relative(self, os_pid: int) -> Relative | None:
        """Return the process that has this number, or had it recently; None if unknown."""
        return self.by_os_pid.get(os_pid) or self.recent.get(os_pid)

    def pass_over(self, gone: Gone) -> None:
        """Give a pid to a process that has ended already."""
        gone.pid = next(self._pids)
        self._remember(gone)

    def echoes(self, who: str) -> bool:
        """Whether the consoles of all processes with this pid or name echo what is typed."""
        named = [child for child in self.by_pid.values() if who in (str(child.pid), child.spec.name)]
        return all(child.console is None or child.console.echoes for child in named)

    def remove(self, child: Child) -> None:
        """Move a process that has ended to the recent ones."""
        del self.by_os_pid[child.os_pid]
        self._remember(child)
        self.by_session.pop(child.session, None)
        if child.pid:
            del self.by_pid[child.pid]
            self.running.pop(child.pid, None)
        else:
            self.arriving.remove(child)

    def _remember(self, relative: Relative) -> None:
        relative.ended_ns = time.monotonic_ns()
        self.recent.pop(relative.os_pid, None)
        self.recent[relative.os_pid] = relative
        if len(self.recent) > _MAX_RECENT:
            forgotten = self.recent.pop(next(iter(self.recent)))
            forgotten.parent = None  # otherwise the last of a chain would keep all of its ancestors in memory

    def close(self) -> None:
        """Close the descriptors of the remaining processes."""
        for child in self.by_os_pid.values():
            child.close()
        for child in self.arriving:
            if child.console is not None:
                child.console.close()
