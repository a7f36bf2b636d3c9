"""What children fork is found and brought home: children's children, daemons, whole pipelines.

The last field of ``/proc/loadavg`` is the newest pid given out. While it stands still nobody has forked;
when it moves, only the numbers in between can be new, so no scan of ``/proc`` is needed. Numbers that are
given out but not visible yet are asked again for a while.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sandbox.machines.linux.child import Child
from sandbox.machines.linux.procfs import Status

#: Looks in which a number given out may become visible; a fork is done within a fraction of one.
_TRIES = 5
_LARGEST_GAP = 4_096


class Found(NamedTuple):
    """A process that belongs to a child of ours; ``parent`` None: it was orphaned and came to us."""

    os_pid: int
    parent: Child | None
    status: Status


class Families:
    """Finds processes that descend from known ones (``known``: by os_pid)."""

    def __init__(self, known: Mapping[int, Child]) -> None:
        self._known = known
        self._self = os.getpid()
        self._loadavg = os.open("/proc/loadavg", os.O_RDONLY)
        self._newest = self._read_newest()
        self._unseen: dict[int, int] = {}

    def look(self) -> Iterator[Found]:
        """New relatives since the last look, parents before children; whoever takes one in adds it to ``known``
        before asking for the next."""
        newest = self._read_newest()
        if newest == self._newest and not self._unseen:
            return
        for os_pid in self._given_out(newest):
            self._unseen[os_pid] = _TRIES
        self._newest = newest
        for os_pid in sorted(self._unseen):
            relative = self._relative(os_pid)
            if relative is not None:
                yield relative

    def _relative(self, os_pid: int) -> Found | None:
        tries = self._unseen.pop(os_pid)
        if os_pid in self._known:
            return None
        try:
            status = Status(os_pid)
        except OSError:
            if tries > 1:
                self._unseen[os_pid] = tries - 1
            return None
        if status.state in "ZX":
            return None
        if status.parent in self._known:
            return Found(os_pid, self._known[status.parent], status)
        if status.parent == self._self:
            return Found(os_pid, self._known.get(status.session), status)
        return None

    def _given_out(self, newest: int) -> Iterator[int]:
        if newest < self._newest or newest - self._newest > _LARGEST_GAP:  # the numbers went round
            return (int(name) for name in os.listdir("/proc") if name.isdecimal())
        return iter(range(self._newest + 1, newest + 1))

    def _read_newest(self) -> int:
        return int(os.pread(self._loadavg, 128, 0).rsplit(None, 1)[1])

    def close(self) -> None:
        os.close(self._loadavg)
