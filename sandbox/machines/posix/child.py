"""The machine's record of one real process, which leads its own session and process group.

Signals are sent to the group, so that descendants run and stop together with it as long as they stay in the group.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import os
import resource
import signal
import time
from enum import Enum

import psutil

from sandbox.machines.console import Console
from sandbox.machines.posix.accounts import cpu_time_ns
from sandbox.model.spec import ProcessSpec
from sandbox.util.units import MS, S

#: How long to wait for the confirmation of a stop.
_MAX_STOP_NS = 20 * MS
_LOOK_S = 50e-6


class Mode(Enum):
    """What the machine does with a process."""

    STOPPED = "stopped"  # by us
    RUNNING = "running"
    BLOCKED = "blocked"  # not stopped, until it wakes up


class Child:
    """A process that we have forked, and that has stopped itself. ``start_cpu_ns``: the CPU time that it had used by
    then, which does not count as its own. Times are those of the machine. Raises psutil.Error if there is no such
    process."""

    forked = True
    pid = 0
    mode = Mode.STOPPED
    #: Whether it is known to be stopped; whether it was stopped by others than us.
    standing = True
    held = False
    #: Its exit code and signal; None while it is alive.
    ended: tuple[int | None, int | None] | None = None
    #: When it was last dispatched, and its CPU time then.
    started_ns = 0
    started_cpu_ns = 0
    #: Its CPU time when that had last increased, and when that was.
    seen_cpu_ns = 0
    seen_ns = 0

    def __init__(
        self, os_pid: int, spec: ProcessSpec, order: int | None, console: Console, start_cpu_ns: int | None
    ) -> None:
        self.os_pid, self.spec, self.order = os_pid, spec, order
        self.console: Console | None = console
        self.process = psutil.Process(os_pid)
        self._start_cpu_ns = cpu_time_ns(self.process) if start_cpu_ns is None else start_cpu_ns
        self._cpu_ns = 0

    def cpu_ns(self) -> int:
        """Return the CPU time that it has used since its first own instruction, according to the system."""
        if self.ended is None:
            try:
                self._cpu_ns = max(self._cpu_ns, cpu_time_ns(self.process) - self._start_cpu_ns)
            except psutil.Error:
                pass
        return self._cpu_ns

    def estimated_cpu_ns(self, now_ns: int, tick_ns: int) -> int:
        """Estimate the CPU time of a running process: it increases since the dispatch, but exceeds the system's value
        by at most one tick."""
        most_ns = self.started_cpu_ns + max(now_ns - self.started_ns, 0)
        return max(min(most_ns, self.cpu_ns() + tick_ns), self.started_cpu_ns)

    # Signals

    def send(self, number: int, alone: bool = False) -> None:
        """Send a signal to its group, or only to it (``alone``). Ignored if no process is left."""
        if self.ended is None:
            try:
                (os.kill if alone else os.killpg)(self.os_pid, number)
            except (ProcessLookupError, PermissionError):
                pass

    def stop(self) -> bool:
        """Stop it. Returns False if that was not confirmed in time."""
        if self.standing or self.ended is not None:
            return True
        self.send(signal.SIGSTOP)
        give_up_ns = time.monotonic_ns() + _MAX_STOP_NS
        while not (self.look() or self.standing):
            if time.monotonic_ns() > give_up_ns:
                return False
            time.sleep(_LOOK_S)
        return True

    def resume(self) -> None:
        """Continue it, unless it was stopped by others than us."""
        if not self.held:
            self.standing = False
            self.send(signal.SIGCONT)

    def release(self) -> None:
        """Continue it in any case."""
        self.held = False
        self.resume()

    def look(self) -> bool:
        """Take in what the system reports about it. Returns whether it has ended."""
        while self.ended is None:
            try:
                os_pid, status, used = os.wait4(self.os_pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            except ChildProcessError:
                self.ended = (None, None)
                break
            if not os_pid:
                return False
            if os.WIFSTOPPED(status):
                self.standing = True
            elif os.WIFCONTINUED(status):
                self.standing = False
            else:
                self._end(status, used)
        return True

    def _end(self, status: int, used: resource.struct_rusage) -> None:
        self._cpu_ns = max(self._cpu_ns, round((used.ru_utime + used.ru_stime) * S) - self._start_cpu_ns)
        if os.WIFSIGNALED(status):
            self.ended = (None, os.WTERMSIG(status))
        else:
            self.ended = (os.WEXITSTATUS(status), None)
        try:  # kill what is left of its group
            os.killpg(self.os_pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
