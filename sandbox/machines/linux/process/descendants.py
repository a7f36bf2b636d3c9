"""What children fork is found and brought home: children's children, daemons, whole pipelines.

The last field of ``/proc/loadavg`` is the newest pid given out. While it stands still nobody has forked;
when it moves, only the numbers in between can be new, so no scan of ``/proc`` is needed. Numbers that are
given out but not visible yet are asked again for a while.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs import Stat, newest_pid, open_newest_pid, process_ids
from sandbox.util.units import MS

#: So long after it was given out a number may become visible: a fork is quick, but may itself wait for the CPU.
_FORK_NS = 10 * MS
_LARGEST_GAP = 4_096


class Found(NamedTuple):
    """A process that belongs to a child of ours; ``parent`` None: it was orphaned and came to us."""

    os_pid: int
    parent: Child | None
    stat: Stat


class Families:
    """Finds processes that descend from known ones (``known``: by os_pid); ``helpers`` are ours, and no relatives."""

    def __init__(self, known: Mapping[int, Child], helpers: Collection[int] = ()) -> None:
        self._known = known
        self._helpers = helpers
        self._self = os.getpid()
        self._loadavg = open_newest_pid()
        self._newest = newest_pid(self._loadavg)
        self._unseen: dict[int, int] = {}

    def look(self) -> Iterator[Found]:
        """New relatives since the last look, parents before children; whoever takes one in adds it to ``known``
        before asking for the next."""
        newest = newest_pid(self._loadavg)
        if newest == self._newest and not self._unseen:
            return
        now_ns = time.monotonic_ns()
        for os_pid in self._given_out(newest):
            self._unseen[os_pid] = now_ns
        self._newest = newest
        for os_pid in sorted(self._unseen):
            yield from self._relatives(os_pid, now_ns)

    def confirms(self, child: Child) -> bool:
        """Whether the process that was taken in is one of ours: between finding it and taking hold of it its number
        may have gone to a stranger."""
        try:
            parent = Stat(child.os_pid, child.stat_fd).parent
        except OSError:
            return False
        return (parent == self._self or parent in self._known) and child.exists()

    def _relatives(self, os_pid: int, now_ns: int) -> Iterator[Found]:
        """This process, if it is a new relative, and before it those that must come first."""
        given_out_ns = self._unseen.pop(os_pid, None)
        if given_out_ns is None or os_pid in self._known or os_pid in self._helpers:
            return
        try:
            status = Stat(os_pid)
            if status.parent in self._unseen:  # the numbers went round, and its parent has a larger one
                yield from self._relatives(status.parent, now_ns)
                status = Stat(os_pid)
        except OSError:
            if now_ns - given_out_ns < _FORK_NS:
                self._unseen[os_pid] = given_out_ns
            return
        if status.state in "ZX":
            return
        if status.parent in self._known:
            yield Found(os_pid, self._known[status.parent], status)
        elif status.parent == self._self:
            yield Found(os_pid, self._known.get(status.session), status)

    def _given_out(self, newest: int) -> Iterable[int]:
        if newest < self._newest or newest - self._newest > _LARGEST_GAP:  # the numbers went round
            return process_ids()
        return range(self._newest + 1, newest + 1)

    def close(self) -> None:
        os.close(self._loadavg)
