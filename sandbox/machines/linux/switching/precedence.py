"""Lets parents come first on their CPU when a key signals them and their children.

ctrl+c wakes all processes of a job at once, and some programs rely on it that they handle it before a child has died of
it: ``make`` fails otherwise. Usually they do, because a process of SCHED_OTHER that wakes preempts one that has just
woken before. In SCHED_BATCH it does not, and a dying process can be held back neither by a signal nor by the freezer.
So before such a key is typed, blocked parents are favoured until their next turn: they get SCHED_OTHER, and a slice in
the system's scheduler that is the shorter the older their generation is, since of several woken processes that with the
shortest slice comes first (Linux 6.12).
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
import os
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress

from sandbox.machines.console import Console
from sandbox.machines.linux.process.child import Child, Mode, lineage
from sandbox.util import libc
from sandbox.util.units import US

#: The numbers of sched_setattr(2) and sched_getattr(2), by architecture. On others nothing is done.
_CALLS = {"x86_64": (314, 315), "aarch64": (274, 275), "riscv64": (274, 275)}
_SET, _GET = _CALLS.get(os.uname().machine, (0, 0))
#: The struct sched_attr: size, policy, flags, nice, priority, runtime (here the slice), deadline, period.
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")
_POLICY, _RUNTIME = 1, 5
#: The slice of the first generation, and its growth with each further one. The system does not accept a shorter one.
_SLICE_NS = 100 * US


def favour_parents(console: Console, children: Iterable[Child]) -> None:
    """Favour the blocked processes at a console that have children there."""
    users = [child for child in children if child.console is console and child.mode is not Mode.ENDED]
    for parent in {child.parent for child in users}:
        if isinstance(parent, Child) and parent.mode is Mode.BLOCKED and _SET:
            with suppress(OSError):  # it has ended, or belongs to another user
                _favour(parent)


def _favour(child: Child) -> None:
    usual = _attributes(child.os_pid)
    if usual[_POLICY] in (os.SCHED_BATCH, os.SCHED_OTHER):
        favoured = [*usual]
        favoured[_POLICY] = os.SCHED_OTHER
        favoured[_RUNTIME] = _SLICE_NS * sum(1 for _ in lineage(child))
        _set_attributes(child.os_pid, favoured)
        child.usual_class = usual


def favour_no_longer(child: Child) -> None:
    """Undo that the process, or its parent when it was forked, was favoured, unless it has changed its class since."""
    usual, child.usual_class = child.usual_class, None
    with suppress(OSError):  # it has ended
        if usual is not None and os.sched_getscheduler(child.os_pid) == os.SCHED_OTHER:
            _set_attributes(child.os_pid, usual)


def _attributes(os_pid: int) -> tuple[int, ...]:
    buffer = ctypes.create_string_buffer(_ATTRIBUTES.size)
    libc.syscall(_GET, os_pid, buffer, _ATTRIBUTES.size, 0)
    return _ATTRIBUTES.unpack(buffer)


def _set_attributes(os_pid: int, attributes: Sequence[int]) -> None:
    libc.syscall(_SET, os_pid, _ATTRIBUTES.pack(*attributes), 0)
