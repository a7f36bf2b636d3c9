"""CPU time of descendants that were never seen: the system's total for a family, less that of its known members.

Without records of forks, a process that lives for less than the interval between two scans is not found. But a parent
that reaps a child takes over the child's CPU time in the system's accounts (and so does its own parent in turn), so all
of it is in the rusage of the process that we reap ourselves.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os

from sandbox.machines.linux.process.child import Child, Relative
from sandbox.machines.linux.procfs import children_cpu_ns, zombie
from sandbox.util.units import US

#: A difference below this, or below this part (one in _MIN_PART) of what a family has used, is a measurement error.
_MIN_UNSEEN_NS = 100 * US
_MIN_PART = 100
#: At most so many ended children of a parent are checked for having been reaped. Older ones are taken to be reaped.
_MAX_STANDING = 1_000


class ChildrenAccounts:
    """Finds CPU time of unseen descendants. Must be told of the end of every descendant, in the order of their ends."""

    def __init__(self) -> None:
        self._os_pid = os.getpid()

    def ended(self, relative: Relative) -> None:
        """Note that a descendant has ended. Its parent has reaped it, or will, unless the parent ends first."""
        parent = relative.parent
        if parent is not None:
            parent.standing.append(relative)
            if len(parent.standing) > _MAX_STANDING:
                self._settle(parent)

    def unseen_ns(self, relative: Relative, family_ns: int) -> int:
        """Return the CPU time of unknown descendants of a process that we have reaped, in ns. ``family_ns``: the CPU
        time that the system reports for it and for all that it and its children have reaped."""
        relative.reaped_by_us = True
        self._settle(relative)
        return _unless_error(family_ns - relative.total_cpu_ns - relative.reaped_ns, family_ns)

    def unseen_so_far_ns(self, child: Child) -> int:
        """Return the CPU time that unknown descendants of a living process have used so far, in ns."""
        children_ns = children_cpu_ns(child.os_pid)
        if not children_ns:
            return 0
        self._settle(child)
        return _unless_error(children_ns - child.reaped_ns, children_ns)

    def _settle(self, parent: Relative) -> None:
        """Book the children that the parent has reaped. The others stay until it reaps them or they are handed to
        us."""
        left: list[Relative] = []
        for relative in parent.standing:
            if relative.reaped_by_us:
                continue
            seen = zombie(relative.os_pid)
            if seen is not None and seen[0] in (parent.os_pid, self._os_pid):
                left.append(relative)
            else:
                self._settle(relative)
                parent.reaped_ns += relative.total_cpu_ns + relative.reaped_ns
        parent.standing = left


def _unless_error(unseen_ns: int, of_ns: int) -> int:
    return unseen_ns if unseen_ns >= max(_MIN_UNSEEN_NS, of_ns // _MIN_PART) else 0
