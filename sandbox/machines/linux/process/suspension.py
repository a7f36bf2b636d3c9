"""Finds out who is not suspended by ctrl+z and the signals like it.

SIGTSTP, SIGTTIN and SIGTTOU are meant for shells with job control, which can continue what they have stopped. Unless a
process handles them, the system ignores them in an orphaned process group, that is one none of whose members has a
parent in another group of its session. What we start leads a session of its own, so its group is orphaned.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import signal
from collections.abc import Iterable, Sequence

from sandbox.machines.console import Console
from sandbox.machines.linux.descent import Stat
from sandbox.machines.linux.process.child import STOPS, Child, Mode
from sandbox.machines.linux.procfs import handles, withstands

#: The stop signals that have no effect in an orphaned group.
OF_JOBS = STOPS - {signal.SIGSTOP}
CTRL_Z = "\x1a"


def not_suspended(console: Console, children: Iterable[Child]) -> Child | None:
    """Return the first process that ctrl+z at a console would suspend if its group were not orphaned. None if there is
    no such process, or one of the group handles the signal, and so does something."""
    group = console.suspends
    if group is None:
        return None
    try:
        members = _members(group, (child for child in children if child.console is console))
        if not _is_orphaned(members) or any(handles(child.os_pid, signal.SIGTSTP) for child, _ in members):
            return None
        return next((child for child, _ in members if not withstands(child.os_pid, signal.SIGTSTP)), None)
    except OSError:
        return None  # one of them has just ended


def suspended(console: Console, children: Iterable[Child]) -> list[Child]:
    """Return the processes that ctrl+z at a console may suspend."""
    group = console.suspends
    if group is None:
        return []
    try:
        members = _members(group, (child for child in children if child.console is console))
    except OSError:
        return []  # one of them has just ended
    return [child for child, _ in members if not withstands(child.os_pid, signal.SIGTSTP)]


def is_not_suspended(child: Child, number: int, children: Iterable[Child]) -> bool:
    """Whether this signal would suspend a process if its group were not orphaned."""
    if number not in OF_JOBS:
        return False
    try:
        group = Stat(child.os_pid, child.stat_fd).group
        return not withstands(child.os_pid, number) and _is_orphaned(_members(group, children))
    except OSError:
        return False


def _members(group: int, children: Iterable[Child]) -> list[tuple[Child, Stat]]:
    living = ((child, Stat(child.os_pid, child.stat_fd)) for child in children if child.mode is not Mode.ENDED)
    return [(child, stat) for child, stat in living if stat.group == group and stat.state not in "ZX"]


def _is_orphaned(members: Sequence[tuple[Child, Stat]]) -> bool:
    parents = ((Stat(stat.parent), stat) for _, stat in members)
    return not any(parent.session == stat.session and parent.group != stat.group for parent, stat in parents)
