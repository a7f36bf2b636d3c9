"""Recognises threads that sleep by the clock. They do not wait for others, and a turn lasts until they go on."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from sandbox.machines.linux import procfs
from sandbox.machines.linux.blocking.block_reason import block_reason
from sandbox.machines.linux.blocking.system_calls import name_of_call
from sandbox.machines.linux.process.child import Child
from sandbox.util.units import MS

#: A wait for others with a time limit up to this counts as a wait for the clock: the thread polls.
MAX_LIMIT_NS = 200 * MS
_TIMERS = frozenset({"nanosleep", "clock_nanosleep"})


def sleeps_by_the_clock(child: Child | None, tid: int, os_pid: int = 0) -> bool:
    """Whether a thread of a process waits for a time to come. ``child`` is None for the process ``os_pid``, if that is
    none of ours; then only explicit sleeps count."""
    call = procfs.system_call(os_pid or (child.os_pid if child is not None else 0), tid)
    if call is None or call == "running":
        return False
    name = name_of_call(call.number)
    if name in _TIMERS:
        return True
    if child is None:
        return False
    if name in ("select", "pselect", "poll", "ppoll", "epoll", "epoll_pwait2", "restart_syscall"):
        on = block_reason(child, 0, (), tid)
        limit = on.figures.get("for_ns")
        return (
            on.rule == "sleep"
            or (isinstance(limit, int) and limit <= MAX_LIMIT_NS)
            or (name == "epoll" and limit is not None)
        )
    if name == "futex" and call.arguments[3]:
        return _limit_of_futex(child.os_pid, call.arguments) <= MAX_LIMIT_NS
    return False


def _limit_of_futex(os_pid: int, arguments: list[int]) -> int:
    """Return how long a wait for a futex may still last, in ns."""
    from sandbox.machines.linux.blocking.polled import time_at, time_until

    operation = arguments[1] & 0x7F
    if operation == 0:
        return time_at(os_pid, arguments[3]) or 0
    return time_until(os_pid, arguments[3], 0 if arguments[1] & 0x100 else 1, 0) or 0
