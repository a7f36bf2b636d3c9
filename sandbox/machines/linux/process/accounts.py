"""What processes have used whom nobody saw: the system's account of a family, less what is known of its members.

Where no records tell of births, a process that lives for less time than passes between two looks is not found. But
whoever takes its status takes over its CPU time in the system's books, and so does the next in line: with the end of a
process that we reap ourselves all of that comes to us.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os

from sandbox.machines.linux.process.child import Child, Relative
from sandbox.machines.linux.procfs import children_cpu_ns, zombie
from sandbox.util.units import US

#: Less than this, or than this part of what a family has used, is an error of our readings.
_MIN_UNSEEN_NS = 100 * US
_MIN_PART = 100
#: So many of one parent's children are checked for having been reaped; of earlier ones it is taken for granted.
_MAX_STANDING = 1_000


class ChildrenAccounts:
    """Told of every descendant that ends, in the order in which they do."""

    def __init__(self) -> None:
        self._os_pid = os.getpid()

    def ended(self, relative: Relative) -> None:
        """A descendant has ended; its parent has taken its status, or will, unless it ends first."""
        parent = relative.parent
        if parent is not None:
            parent.standing.append(relative)
            if len(parent.standing) > _MAX_STANDING:
                self._settle(parent)

    def unseen_ns(self, relative: Relative, family_ns: int) -> int:
        """What unknown children of one that we have reaped have used, which the system says has used so much together
        with all of whom it and its children have taken the status."""
        relative.reaped_by_us = True
        self._settle(relative)
        return _unless_error(family_ns - relative.total_cpu_ns - relative.reaped_ns, family_ns)

    def unseen_so_far_ns(self, child: Child) -> int:
        """The same of one that lives."""
        children_ns = children_cpu_ns(child.os_pid)
        if not children_ns:
            return 0
        self._settle(child)
        return _unless_error(children_ns - child.reaped_ns, children_ns)

    def _settle(self, parent: Relative) -> None:
        """Book those whose status the parent has taken. The others wait for that, or come to us."""
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
