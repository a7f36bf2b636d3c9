"""The machine's record of one real process."""

from __future__ import annotations

import os
import signal
import time
from bisect import bisect_left
from enum import Enum
from itertools import accumulate

from sandbox.machines.linux.process.accounting import TICK_NS, cpu_clock, cpu_time_ns
from sandbox.machines.linux.process.console import Console
from sandbox.machines.linux.procfs import is_pending, open_stat
from sandbox.model.events import Clause
from sandbox.model.spec import ProcessSpec


class Mode(Enum):
    """What the machine makes of a process right now."""

    STOPPED = "stopped"  # by us, and it stays so
    RUNNING = "running"  # dispatched to a mini CPU
    WAITING = "waiting"  # blocked: left alone until it wakes
    ENDED = "ended"


class Child:
    """A process of ours: ``direct`` if we forked it, else found in a child's family, whose console it shares.

    Signals go through a pidfd, which never hits a stranger that got the same number.
    """

    def __init__(
        self,
        os_pid: int,
        spec: ProcessSpec,
        order: int | None = None,
        parent: Child | None = None,
        console: Console | None = None,
        direct: bool = True,
    ) -> None:
        self.os_pid = os_pid
        self.spec = spec
        self.order = order
        self.parent = parent
        self.direct = direct
        self.console = console
        self.pid = 0  # given when it is let in
        #: Its name in the system, where that is how it is called.
        self.comm = ""
        self.pidfd = os.pidfd_open(os_pid)
        self.mode = Mode.STOPPED
        self.cpu: int | None = None
        #: Whether it is to stand still: stopped by us (at its birth by itself), and not continued by us since.
        self.held = direct
        #: Sent SIGSTOP and not yet seen stopped: since when (CLOCK_MONOTONIC).
        self.stopping_ns: int | None = None
        #: Somebody has pressed ctrl+z for it, and it has not been let go since.
        self.suspended = False
        #: Dispatched: when, and the CPU time it had used by then.
        self.started_ns = 0
        self.started_cpu_ns = 0
        #: What it waits for, while it does, and the how manieth wait of its life that is.
        self.on: Clause | None = None
        self.waits = 0
        #: The CPU time that it had used when the wait began.
        self.wait_cpu_ns = 0
        #: When it was last told that it waits for something else.
        self.told_ns = 0
        #: The CPU time by which each of its declared bursts is over.
        self._bursts_ns = [*accumulate(segment.ns for segment in spec.segments if segment.kind == "cpu")]
        self._clock = cpu_clock(os_pid)
        # What a forked child used before its first own instruction is our cost, not its own.
        self._birth_ns = (cpu_time_ns(self._clock) or 0) if self.direct else 0
        self._last_ns = 0
        try:
            self.stat_fd = open_stat(os_pid)
        except OSError:
            os.close(self.pidfd)
            raise

    def __repr__(self) -> str:
        return f"<{self.pid} {self.spec.name} os_pid {self.os_pid} {self.mode.value}>"

    def cpu_ns(self) -> int:
        """CPU time used since its first own instruction; the last known figure once it is reaped."""
        used_ns = cpu_time_ns(self._clock)
        if used_ns is not None:
            self._last_ns = used_ns - self._birth_ns
        return self._last_ns

    def used_by(self, now_ns: int) -> int:
        """About the CPU time of a running process at the machine's time: it has had the CPU since its dispatch, unless
        the system's books, which are one tick behind at most, know of less."""
        used_ns = self.started_cpu_ns + max(now_ns - self.started_ns, 0)
        return max(min(used_ns, self.cpu_ns() + TICK_NS), self.started_cpu_ns)

    def burst_ends(self, now_ns: int, within_ns: int) -> bool:
        """Whether this running process comes to the end of a declared CPU burst within so long; our estimate of what
        it has used may be that much too high."""
        used_ns = self.used_by(now_ns)
        index = bisect_left(self._bursts_ns, used_ns - within_ns // 2)
        return index < len(self._bursts_ns) and self._bursts_ns[index] - used_ns <= within_ns

    def left_cpu_ns(self) -> int:
        """When a process that waits began to, by the machine's time: as long after its dispatch as it used the CPU."""
        return self.started_ns + self.cpu_ns() - self.started_cpu_ns

    def send(self, number: int) -> bool:
        """Send a signal (0: none); False if the process is no more."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def hold(self) -> None:
        """Tell it to stop, which it has done once the system has delivered the signal."""
        self.held = True
        if self.send(signal.SIGSTOP):
            self.stopping_ns = time.monotonic_ns()

    def let_go(self) -> None:
        """Undo a stop of ours, but not one from its console that it could not hear: SIGCONT takes that away, too."""
        unheard = self.suspended and is_pending(self.os_pid, signal.SIGTSTP)
        self.held = self.suspended = False
        self.stopping_ns = None
        self.send(signal.SIGCONT)
        if unheard:
            self.send(signal.SIGTSTP)

    def exists(self) -> bool:
        """Whether its number is still its own: it lives, or nobody has taken its status yet."""
        return self.send(0)

    def close(self) -> None:
        """Give back the descriptors; the console may have other users and is closed by itself."""
        os.close(self.pidfd)
        os.close(self.stat_fd)
