"""Writes that wait for room, which a stop would cut short.

A write to a pipe, a socket or a terminal writes what there is room for, and waits. If the process is stopped meanwhile,
by a signal or the freezer, the system aborts the wait, and the call returns the number of bytes written so far. A
program that ignores that number loses the rest, and exits as if all were well. So a process is left alone until its
write is done. Most of that time it waits, for as long as the reader takes to make room.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import time
from collections.abc import Collection, Iterable
from typing import NamedTuple

from sandbox.machines.linux import procfs, procfs_counts, procfs_files
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs import SystemCall, read_state
from sandbox.machines.reports import Reports
from sandbox.model.events import Clause
from sandbox.util.units import MS, US

#: Calls that wait for room, by number: which of their arguments is the descriptor, and which the number of bytes.
_X86_64 = {
    1: (0, 2), 20: (0, None), 40: (0, 3), 44: (0, 2), 46: (0, None), 275: (2, 4), 276: (1, 2), 278: (0, None),
    307: (0, None),
}  # fmt: skip
_AARCH64 = {
    64: (0, 2), 66: (0, None), 71: (0, 3), 206: (0, 2), 211: (0, None), 76: (2, 4), 77: (1, 2), 75: (0, None),
    269: (0, None),
}  # fmt: skip
_WRITES: dict[int, tuple[int, int | None]] = {"x86_64": _X86_64, "aarch64": _AARCH64}.get(os.uname().machine, {})

#: A process that woke in the middle of a write is left alone until it has used this much CPU time, unless the system
#: shows that the call is over: there is room for 64 KiB as a rule, and for 1 MiB at most.
_MAX_COPY_NS = 1 * MS
#: The same limit, for the time on a CPU without a break.
_MAX_RUN_NS = 80 * US
#: A process that writes may be about to fill the room. This is how long that is awaited before it is stopped. A
#: terminal takes less at once than a pipe.
_MAX_FILL_NS, _MAX_FILL_CONSOLE_NS = 40 * US, 150 * US
#: How often a process that woke before it could be examined is suspected to have slept in a write.
_MAX_SUSPICIONS = 3
#: Wait reasons that rule out a wait for room, if the process has a single thread.
_NO_ROOM = frozenset((
    "sleep", "wait for child", "read console", "read pipe", "recv", "accept", "connect", "poll", "signal", "timer",
    "eventfd", "futex", "lock", "mutex", "condition", "semaphore", "lock or semaphore", "barrier", "join",
))  # fmt: skip
#: Processes with more threads are not searched for one that writes.
_MAX_THREADS = 32


class Cut(NamedTuple):
    """A write that was cut short by a stop: how many bytes were to be written, and how many were."""

    bytes: int
    taken: int


class WriteGuard:
    """Knows which processes are in the middle of a write. ``dedicated``: whether processes run while we busy-wait."""

    def __init__(self, dedicated: bool, reports: Reports) -> None:
        self._dedicated = dedicated
        self._reports = reports

    def note(self, child: Child, on: Clause) -> None:
        """Note whether a process that has just blocked waits for room."""
        state, threads = read_state(child.stat_fd)
        if state == "R":  # it is awake again already, so its call cannot be seen
            child.writing = self._may_have_slept_in_write(child)
        elif threads <= 1:
            child.writing = on.rule not in _NO_ROOM and _waits_for_room(child)
        else:
            child.writing = child.writes and threads <= _MAX_THREADS and _waits_for_room(child)
        if state == "S" and child.writing:
            child.writes = True
        if child.writes:
            self._note_sleep(child)
        if child.writing:
            self._begin(child)

    @staticmethod
    def _may_have_slept_in_write(child: Child) -> bool:
        """Whether to suspect a process that woke early, which is only done a few times if it was never seen in a
        write."""
        if not child.writes:
            child.suspicions += 1
        return child.suspicions <= _MAX_SUSPICIONS

    @staticmethod
    def _begin(child: Child) -> None:
        """Note what a process that writes has written so far."""
        child.written = procfs_counts.writes_done(child.os_pid)
        child.write_cpu_ns = child.cpu_ns()

    @staticmethod
    def _note_sleep(child: Child) -> None:
        """Note how often a process has gone to sleep so far."""
        switches = procfs_counts.switches(child.os_pid)
        child.slept = switches.slept if switches is not None else 0

    def let_fill(self, running: Iterable[Child]) -> None:
        """Give running processes that write a moment to fill the room: blocking takes precedence over the end of a
        slice, and a process that is about to wait for room is not stopped."""
        writers = [child for child in running if child.may_write]
        if writers:
            self.fills_up(writers)

    def switched(self, stops: Iterable[Child], runs: Iterable[tuple[Child, int]]) -> None:
        """Report the writes that were cut short in these processes, which were just stopped, and begin the turns of
        those that were run."""
        for child in stops:
            if child.may_write and child.stopping_ns is None and (cut := self.cut(child)) is not None:
                self._reports.fault_once(child, "write cut short", bytes=cut.bytes, taken=cut.taken)
        for child, _ in runs:
            if child.may_write:
                self.begin_turn(child)

    def begin_turn(self, child: Child) -> None:
        """Note the state of a process that writes at the start of its turn."""
        child.writing = False
        self._begin(child)
        self._note_sleep(child)

    def goes_on(self, child: Child) -> bool:
        """Whether a process that was found awake is still in the write in which it had blocked, or waits for room
        again."""
        if child.writing and not self._is_in_same_write(child):
            child.writing = self.spares(child)
            if child.writing:
                self._begin(child)
        return child.writing

    def again(self, child: Child) -> None:
        """Note that a process has woken in a write and has blocked again."""
        self._begin(child)

    def spares(self, child: Child) -> bool:
        """Whether a process must not be stopped now, because it waits for room, is about to, or was given room that it
        has not used yet."""
        if not child.may_write:
            return False
        if child.writing and self._is_in_same_write(child):
            return True
        if self.fills_up((child,)):
            return _waits_for_room(child)
        switches = procfs_counts.switches(child.os_pid)
        return switches is not None and switches.is_off and switches.slept > child.slept

    @staticmethod
    def _is_in_same_write(child: Child) -> bool:
        """Whether a process has finished no other write since, and has not run for longer than it takes to use some
        room."""
        if (
            procfs_counts.writes_done(child.os_pid) != child.written
            or child.cpu_ns() - child.write_cpu_ns > _MAX_COPY_NS
        ):
            return False
        switches, now_ns = procfs_counts.switches(child.os_pid), time.monotonic_ns()
        if switches is None or switches.is_off:
            return True
        if switches.came != child.came:
            child.came, child.came_ns = switches.came, now_ns
        return now_ns - child.came_ns < _MAX_RUN_NS

    @staticmethod
    def sleeps(child: Child) -> bool:
        """Whether a process that writes and has just been run waits for room already."""
        return child.writes and read_state(child.stat_fd)[0] == "S"

    def fills_up(self, children: Collection[Child]) -> bool:
        """Whether one of these processes falls asleep within a moment."""
        patience_ns = max(_MAX_FILL_NS if child.writes else _MAX_FILL_CONSOLE_NS for child in children)
        give_up_ns = time.monotonic_ns() + patience_ns
        while all(read_state(child.stat_fd)[0] != "S" for child in children):
            if time.monotonic_ns() > give_up_ns:
                return False
            if not self._dedicated:
                time.sleep(patience_ns / 1e9)
        return True

    @staticmethod
    def cut(child: Child) -> Cut | None:
        """Return the write that was cut short by the stop of this process; None if none was."""
        call = procfs.system_call(child.os_pid)
        if not isinstance(call, SystemCall) or child.written is None:
            return None
        descriptor, length = _WRITES.get(call.number, (0, None))
        done = procfs_counts.writes_done(child.os_pid)
        if length is None or done is None or done.calls != child.written.calls + 1:
            return None
        wanted, taken = call.arguments[length], done.bytes - child.written.bytes
        if not 0 < taken < wanted or not procfs_files.waits_for_room(child.os_pid, call.arguments[descriptor]):
            return None
        return Cut(wanted, taken)


def _waits_for_room(child: Child) -> bool:
    """Whether a thread of the process sleeps in a write."""
    return any(call.number in _WRITES for call in procfs.sleeping_calls(child.os_pid))
