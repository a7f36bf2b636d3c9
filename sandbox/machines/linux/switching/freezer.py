"""Stops processes without signals: each is in a control group of its own, which is frozen and thawed.

Neither its parent nor a tracer is notified, so job control of shells, debuggers and everything else that watches for
stops works as usual. A process that was stopped by another process, or by itself, stays stopped when it is thawed.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import errno
import os
import signal
import time
from typing import NoReturn

from sandbox.machines.linux.cgroup import Group, Leaf, RunGroup
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.limits import may_freeze
from sandbox.util import libc

#: How many leaves are kept ready, because making one takes longer than a process that was just found should run.
_SPARE = 4
#: The interval of needless moves. The first move after a pause waits until all CPUs have noticed (milliseconds, in
#: which no process would be scheduled); one that soon follows another takes some 50 µs.
_WARM_S = 0.005


class Freezer:
    """Gives each process a leaf and takes it back. The constructor raises OSError if no leaf can be made.

    ``run``: the group in which leaves are made.
    """

    def __init__(self, run: RunGroup) -> None:
        self._run = run
        self._spare: list[Leaf] = []
        #: Leaves of processes that have ended, in which other processes may still live.
        self._left: list[Leaf] = []
        self.refill()
        self._mover = Mover(run)

    @property
    def helper(self) -> int:
        """The os_pid of a process of ours that is not scheduled."""
        return self._mover.os_pid

    def take(self, child: Child) -> None:
        """Move a process to a leaf of its own. It continues to run or to stand still, but is no longer stopped by a
        signal. Raises OSError."""
        leaf = self._leaf(child.limits)
        try:
            leaf.freeze() if child.stop_wanted and not child.spared else leaf.thaw()
            leaf.add(child.os_pid)
        except OSError:
            self._left.append(leaf)
            raise
        child.enter(leaf)

    def give_back(self, child: Child) -> None:
        """Take the leaf of a process that has ended."""
        if child.leaf is not None:
            self._left.append(child.leaf)
            child.leaf = None

    def refill(self) -> None:
        """Keep some leaves ready, and reuse or remove those that are empty."""
        left, self._left = self._left, []
        for leaf in left:
            (self._spare if leaf.vacant else self._left).append(leaf)
        while len(self._spare) < _SPARE:
            self._spare.append(self._new())
        while len(self._spare) > 2 * _SPARE:
            _discard(self._spare.pop())

    def _leaf(self, limits: Group | None) -> Leaf:
        """Return a leaf in the group ``limits``, whose limits hold for the process, or in the group of the run."""
        if limits is not None and limits.path.startswith(self._run.path):
            return self._new(limits)
        return self._spare.pop() if self._spare else self._new()

    def _new(self, within: Group | None = None) -> Leaf:
        group = Group.make(self._run.next_path(within))
        try:
            leaf = Leaf(group.path)
        except OSError:
            group.remove()
            raise
        if not may_freeze(leaf):
            _discard(leaf)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return leaf

    def close(self) -> None:
        """Close the descriptors. The groups are removed with that of the run."""
        for leaf in self._spare + self._left:
            leaf.close()
        self._mover.close()


def _discard(leaf: Leaf) -> None:
    leaf.close()
    leaf.remove()


class Mover:
    """A child of ours that moves itself to its own group again and again, so that our own moves are quick."""

    def __init__(self, run: RunGroup) -> None:
        group = Group.make(run.next_path())
        parent = os.getpid()
        self.os_pid = os.fork()
        if self.os_pid == 0:
            _move(parent, group)
        self._pidfd = os.pidfd_open(self.os_pid)

    def close(self) -> None:
        """Kill and reap the mover."""
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED)
        except (ProcessLookupError, ChildProcessError):
            pass  # it has ended and was reaped already
        os.close(self._pidfd)


def _move(parent: int, group: Group) -> NoReturn:
    """Run the whole life of the mover."""
    try:
        if libc.end_with_parent(parent):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            libc.set_name("mover")
            os.closerange(3, 1 << 20)
            procs, me = os.open(group.path + "/cgroup.procs", os.O_WRONLY), str(os.getpid()).encode()
            while True:
                os.write(procs, me)
                time.sleep(_WARM_S)
    finally:
        os._exit(0)
