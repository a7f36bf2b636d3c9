"""The machine's record of one real process, which leads a session and a process group of its own.

Signals go to the whole group: what a process forks runs and stands still with it, as long as it stays in the group.
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

#: So long a stop is waited for.
_MAX_STOP_NS = 20 * MS
_LOOK_S = 50e-6


class Mode(Enum):
    """What the machine makes of a process right now."""

    STOPPED = "stopped"  # by us
    RUNNING = "running"
    BLOCKED = "blocked"  # left alone until it wakes


class Child:
    """A process that we have forked, and that has stopped itself. ``start_cpu_ns``: what it had used by then is not its
    own doing. Times are the machine's. Raises psutil.Error when there is no such process."""

    forked = True
    pid = 0
    mode = Mode.STOPPED
    #: Whether it stands still, as far as we have heard; whether that was somebody else's doing.
    standing = True
    held = False
    #: How it ended: exit code, signal; None while it lives.
    ended: tuple[int | None, int | None] | None = None
    #: When it was dispatched last, and the CPU time that it had used by then.
    started_ns = 0
    started_cpu_ns = 0
    #: The CPU time that it had used when it was last seen to use some, and when that was.
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
        """The CPU time that it has used since its first own instruction, by the system's accounts."""
        if self.ended is None:
            try:
                self._cpu_ns = max(self._cpu_ns, cpu_time_ns(self.process) - self._start_cpu_ns)
            except psutil.Error:
                pass
        return self._cpu_ns

    def estimated_cpu_ns(self, now_ns: int, tick_ns: int) -> int:
        """About the CPU time of a running one: it has had a CPU since its dispatch, unless the accounts, which are one
        tick behind at most, know of less."""
        most_ns = self.started_cpu_ns + max(now_ns - self.started_ns, 0)
        return max(min(most_ns, self.cpu_ns() + tick_ns), self.started_cpu_ns)

    # Signals

    def send(self, number: int, alone: bool = False) -> None:
        """Send a signal to its group, or to it ``alone``; nothing happens where nobody is left."""
        if self.ended is None:
            try:
                (os.kill if alone else os.killpg)(self.os_pid, number)
            except (ProcessLookupError, PermissionError):
                pass

    def stop(self) -> bool:
        """Have it stand still. False: that has not been confirmed in time."""
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
        """Undo our stop, but none of somebody else's."""
        if not self.held:
            self.standing = False
            self.send(signal.SIGCONT)

    def release(self) -> None:
        """Undo everybody's stop."""
        self.held = False
        self.resume()

    def look(self) -> bool:
        """Take what the system has to tell of it. Whether it has ended."""
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
        try:  # what it leaves behind ends with it
            os.killpg(self.os_pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
