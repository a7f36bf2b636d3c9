"""The processes of the machine."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time
from collections import deque
from itertools import count

from sandbox.machines.linux.process.child import Child, Gone, Relative

#: So many processes are remembered after their end: records of what they forked may still come.
_MAX_RECENT = 1_024


class ProcessTable:
    """Every process of the machine, from its fork (or from when it was found) until it is reaped."""

    def __init__(self) -> None:
        self._pids = count(1)
        #: All of them, by the system's number.
        self.by_os_pid: dict[int, Child] = {}
        #: Those that have been admitted, by the mini operating system's number; of them those that have a mini CPU.
        self.by_pid: dict[int, Child] = {}
        self.running: dict[int, Child] = {}
        #: Those that have not: forked and stopped, in the order of their arrival.
        self.arriving: deque[Child] = deque()
        #: Those that have ended not long ago, by the system's number.
        self.recent: dict[int, Relative] = {}
        #: Those for which a session was begun, by the number of the process that leads it.
        self.by_session: dict[int, Child] = {}
        #: Processes of our own that nobody schedules, by the system's number.
        self.helpers: set[int] = set()

    def add(self, child: Child) -> None:
        """This process is there."""
        self.by_os_pid[child.os_pid] = child
        if child.session:
            self.by_session[child.session] = child
            if child.session != child.os_pid:
                self.helpers.add(child.session)

    def admit(self, child: Child) -> None:
        """Give it the next pid."""
        child.pid = next(self._pids)
        self.by_pid[child.pid] = child

    def relative(self, os_pid: int) -> Relative | None:
        """The process that has this number, or had it not long ago."""
        return self.by_os_pid.get(os_pid) or self.recent.get(os_pid)

    def pass_over(self, gone: Gone) -> None:
        """Give a pid to one that is over."""
        gone.pid = next(self._pids)
        self._remember(gone)

    def echoes(self, who: str) -> bool:
        """Whether the consoles of those that go by this pid or name show what is typed."""
        named = [child for child in self.by_pid.values() if who in (str(child.pid), child.spec.name)]
        return all(child.console is None or child.console.echoes for child in named)

    def remove(self, child: Child) -> None:
        """It has ended."""
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
            forgotten.parent = None  # else the last of a chain would keep all of them

    def close(self) -> None:
        """Give back what the processes that are left hold."""
        for child in self.by_os_pid.values():
            child.close()
        for child in self.arriving:
            if child.console is not None:
                child.console.close()
