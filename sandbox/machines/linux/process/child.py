"""The machine's record of one real process."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal
import time
from array import array
from bisect import bisect_left
from enum import Enum
from itertools import accumulate
from typing import NamedTuple

from sandbox.machines.console import Console
from sandbox.machines.linux import procfs
from sandbox.machines.linux.cgroup import Group, Leaf
from sandbox.machines.linux.process.open_file import OpenFile
from sandbox.machines.linux.procfs import HALTED, is_dying, open_stat, pending_signals, read_state
from sandbox.machines.linux.procfs_counts import WritesDone
from sandbox.model.events import Clause
from sandbox.model.spec import ProcessSpec

#: The signals that stop a process; of these only SIGSTOP asks nobody.
STOPS = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_CPUCLOCK_SCHED = 2
#: The resolution of this clock is the system's timer tick: by so much the CPU time of a running process may lag.
_CLOCK_MONOTONIC_COARSE = 6
_TICK_NS = round(time.clock_getres(_CLOCK_MONOTONIC_COARSE) * 1e9) if sys.platform == "linux" else 0


def cpu_clock(os_pid: int) -> int:
    """The clock id of a process's CPU clock (what ``clock_getcpuclockid(3)`` gives).

    It counts what all threads have used, in ns. ``/proc/PID/schedstat`` would leave out those that have ended, and
    subtracting wall clocks would count what others did meanwhile. It is exact while the process is off the CPU, and
    up to one tick behind while it runs: totals are read once a stop is confirmed.
    """
    return (~os_pid << 3) | _CPUCLOCK_SCHED


def cpu_time_ns(os_pid: int) -> int:
    """What its CPU clock shows; 0 when it is gone."""
    try:
        return time.clock_gettime_ns(cpu_clock(os_pid))
    except OSError:
        return 0


class Mode(Enum):
    """What the machine makes of a process right now."""

    STOPPED = "stopped"  # by us, and it stays so
    RUNNING = "running"  # dispatched to a mini CPU
    BLOCKED = "blocked"  # left alone until it wakes
    ENDED = "ended"


class Child:
    """A process that we ``forked``, or a descendant of such a one that was found, which shares its console.

    Signals go through a pidfd, which never hits a stranger that got the same number. Raises OSError when there is no
    such process.
    """

    #: Its place in the scenario; None: the operator asked for it, or it was found.
    order: int | None = None
    #: The process that forked it, if that was not us; None also for an orphan that was found too late.
    parent: Relative | None = None
    #: The os_pid of the process that leads the session that was begun for it, or is its own: 0 for one that was found.
    session = 0

    # From its admission on.
    pid = 0
    mode = Mode.STOPPED
    #: The system's name for it, where that is what it is called on the board.
    comm = ""
    #: When we heard of its end (CLOCK_MONOTONIC).
    ended_ns = 0
    #: Whether its status came to us.
    reaped_by_us = False
    #: The CPU time of those whose status it has taken, as far as is known, with what they had taken themselves.
    reaped_ns = 0

    # Turns. Times are the machine's, unless it says CLOCK_MONOTONIC.
    #: The mini CPU that it has or had last.
    cpu: int | None = None
    #: Whether it has asked the system for other real CPUs.
    strays = False
    #: When it was dispatched last, and the CPU time that it had used by then.
    started_ns = 0
    started_cpu_ns = 0
    #: When the turn began that is to be accounted for (None: it has none), and the CPU time that it had used by then.
    turn_ns: int | None = None
    turn_cpu_ns = 0
    #: How much of its turns it did not use, since it was asked last whether it waited for the CPU; for how long it had
    #: done that in all by then, by the system's account.
    missing_ns = 0
    queued_ns = 0
    #: How often it was stopped while signals were what stopped it.
    stops = 0
    #: How many threads it had when it was last seen asleep; whether the first one has ended before others.
    threads = 1
    first_thread_ended = False
    #: Since when (CLOCK_MONOTONIC) a stop that was sent has not been confirmed; None: there is none. When the last one
    #: was sent.
    stopping_ns: int | None = None
    stopped_ns = 0
    #: The control group in which it is frozen; None: it is stopped by signals.
    leaf: Leaf | None = None
    #: The control group whose limits hold for it and its descendants.
    limits: Group | None = None
    #: Whether somebody else than us has stopped it, itself perhaps: only a SIGCONT of theirs continues it.
    held = False
    #: Whether the operator has sent it a SIGSTOP, which may have become one with ours while it waited.
    stop_sent = False
    #: Stop signals of others that it has not heard: SIGCONT takes them away, so they are sent again.
    _unheard: frozenset[int] = frozenset()
    #: Whether our SIGSTOP was sent more than once: one that is pending may be ours.
    _sent_again = False

    # Waits.
    #: What it waits for; None until that has been found out.
    blocked_on: Clause | None = None
    #: When it was seen to be blocked.
    blocked_ns = 0
    #: How long it had the CPU before it blocked last, and how often it had been as long before.
    usual_turn_ns = regular = 0
    #: The number and the arguments of the system call in which it was seen last.
    last_call: tuple[int, list[int]] | None = None
    #: The ordinal of this wait, so that a note of an earlier one can be told from it.
    wait_number = 0
    #: The CPU time that it had used when the wait began.
    wait_cpu_ns = 0
    #: When it was last reported to wait for something else without having been dispatched.
    wait_reported_ns = 0

    # Writes that wait for room, which a stop would cut short.
    #: Whether it has been seen in one, or somebody else reads its output.
    writes = False
    #: Whether it had blocked in one when it was last looked at; what it had written and used by then.
    writing = False
    written: WritesDone | None = None
    write_cpu_ns = 0
    #: How often it had gone to sleep by itself when its turn began, or when it was last seen asleep.
    slept = 0
    #: When (CLOCK_MONOTONIC) it was first seen on the CPU since it last came there, and how often it had come.
    came = came_ns = 0
    #: How often it was suspected to be in one.
    suspicions = 0
    #: Whether a stop is put off until its write is done.
    spared = False

    def __init__(self, os_pid: int, spec: ProcessSpec, console: Console | None = None, forked: bool = True) -> None:
        self.os_pid = os_pid
        self.spec = spec
        self.console = console
        self.forked = forked
        #: Children of its that have ended, and whose status it had not taken yet when we last looked.
        self.standing: list[Relative] = []
        #: Whether it is to stand still: stopped by us (after its fork by itself), and not continued by us since.
        self.stop_wanted = forked
        #: Whether a signal of ours holds it (after its fork its own).
        self._signalled = forked
        #: The CPU time by which each of its declared bursts is over.
        self._burst_ends_ns = array("q", accumulate(segment.ns for segment in spec.segments if segment.kind == "cpu"))
        #: By descriptor, where the streams lead for which it has waited.
        self.streams: dict[int, OpenFile] = {}
        self._cpu_clock = cpu_clock(os_pid)
        self._cpu_ns = self._start_cpu_ns = 0
        if forked:  # what it used before its first own instruction is our cost, not its own
            self._start_cpu_ns, self._cpu_ns = self.cpu_ns(), 0
        self.pidfd = os.pidfd_open(os_pid)
        try:
            self.stat_fd = open_stat(os_pid)
        except OSError:
            os.close(self.pidfd)
            raise

    def __repr__(self) -> str:
        return f"<{self.pid} {self.spec.name} os_pid {self.os_pid} {self.mode.value}>"

    def fileno(self) -> int:
        """The newest of its descriptors."""
        return self.stat_fd

    # CPU time

    def cpu_ns(self) -> int:
        """CPU time used since its first own instruction; the last known figure once it is reaped."""
        try:
            self._cpu_ns = time.clock_gettime_ns(self._cpu_clock) - self._start_cpu_ns
        except OSError:
            pass
        return self._cpu_ns

    def final_cpu_ns(self, recorded_ns: int) -> int:
        """The same of one that has ended, of which records say so much in case it is reaped."""
        if self.exists():
            return self.cpu_ns()
        self._cpu_ns = max(self._cpu_ns, recorded_ns)
        return self._cpu_ns

    @property
    def total_cpu_ns(self) -> int:
        """What it had used when it was last asked for, with its start."""
        return self._cpu_ns + self._start_cpu_ns

    def estimated_cpu_ns(self, now_ns: int) -> int:
        """About the CPU time of a running process: it has had the CPU since its dispatch, unless the system's books,
        which are one tick behind at most, know of less."""
        used_ns = self.started_cpu_ns + max(now_ns - self.started_ns, 0)
        return max(min(used_ns, self.cpu_ns() + _TICK_NS), self.started_cpu_ns)

    @property
    def may_write(self) -> bool:
        """Whether it may be in the middle of a write that waits for room."""
        return self.writes or (self.console is not None and self.console.floods)

    def burst_ends(self, now_ns: int, within_ns: int) -> bool:
        """Whether this running process comes to the end of a declared CPU burst within so long; our estimate of what
        it has used may be half of that too high."""
        ends_ns = self._burst_ends_ns
        index = bisect_left(ends_ns, self.started_cpu_ns - within_ns // 2)
        most_ns = self.started_cpu_ns + max(now_ns - self.started_ns, 0)
        if index == len(ends_ns) or ends_ns[index] > most_ns + within_ns:
            return False  # whatever it has used of its turn
        used_ns = self.estimated_cpu_ns(now_ns)
        index = bisect_left(ends_ns, used_ns - within_ns // 2)
        return index < len(ends_ns) and ends_ns[index] - used_ns <= within_ns

    def blocked_since_ns(self) -> int:
        """When a blocked process left its CPU: as long after its dispatch as it used the CPU."""
        return self.started_ns + self.cpu_ns() - self.started_cpu_ns

    # Signals

    def send(self, number: int) -> bool:
        """Send a signal (0: none); False if the process is no more."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def exists(self) -> bool:
        """Whether its number is still its own: it lives, or nobody has taken its status yet."""
        return self.send(0)

    # Standing still

    def stop(self) -> None:
        """Have it stand still, which it does once the system has seen to it; one that is held does so already."""
        self.stop_wanted, self.spared = True, False
        if self.leaf is None and self.held:
            return
        self.stopping_ns = self.stopped_ns = time.monotonic_ns()
        if self.leaf is not None:
            self.leaf.freeze()
        elif self.send(signal.SIGSTOP):
            self._signalled = True
        else:
            self.stopping_ns = None

    def stop_again(self) -> None:
        """The stop may have got lost on its way: a signal that still waits has not, and a second one would be taken
        for somebody else's."""
        if self.leaf is not None:
            self.leaf.freeze()
        elif signal.SIGSTOP not in pending_signals(self.os_pid):
            self._sent_again = self._signalled = True
            self.send(signal.SIGSTOP)

    def stands_still(self) -> bool:
        """Whether it does, for whatever reason; a zombie does."""
        return (self.leaf is not None and self.leaf.frozen) or self.state()[0] in HALTED

    def state(self) -> tuple[str, int]:
        """Its state letter and, of one that sleeps, the number of its threads. When only the first thread has ended,
        the others decide."""
        state, threads = read_state(self.stat_fd)
        if state in "SDIt":
            self.threads = threads
        if state != "Z" or threads == 1:
            return state, threads
        self.first_thread_ended = True
        states = {thread.state for thread in procfs.threads(self.os_pid)} - {"Z", "X"}
        return "R" if "R" in states else "Z" if not states else "T" if states <= {"T", "t"} else "S", threads

    def spare(self) -> None:
        """Have it stop later: to do so now would cut its write short. Until then the stop counts as unconfirmed."""
        self.stop_wanted = self.spared = True
        self.stopping_ns = time.monotonic_ns()

    @property
    def moved(self) -> bool:
        """Whether somebody has moved it out of its leaf. One that ends leaves it a moment before it is a zombie."""
        if self.leaf is None or not self.leaf.vacant:
            return False
        return read_state(self.stat_fd)[0] not in HALTED and not is_dying(self.os_pid, self.stat_fd)

    def resume(self) -> None:
        """Undo our stop, but none of somebody else's: one that goes on without having been stopped is sent nothing.

        The CPU may be without work until it goes on, so that comes first, and the notes of it afterwards.
        """
        if self.spared:
            self.spared = False
        elif self.leaf is not None:
            self.leaf.thaw()
        elif self._signalled and not self.held:
            self._continue()
        self.stop_wanted = self._sent_again = False
        self.stopping_ns = None

    def release(self) -> None:
        """Undo everybody's stop."""
        self.held, self.stop_sent, self._unheard = False, False, frozenset()
        self.resume()
        self.send(signal.SIGCONT)

    def hear_stops(self) -> None:
        """While it is stopped by our signal: has somebody else stopped it as well? Their SIGSTOP waits beside ours, and
        holds on when ours ends. One that has woken by itself has heard whatever was sent."""
        if self.stop_sent and self.leaf is None:
            self.held = True
        if self.leaf is not None or not self._signalled or not (pending := STOPS & pending_signals(self.os_pid)):
            return
        self._unheard = pending - {signal.SIGSTOP}
        ours = self._sent_again or self.stopping_ns is not None
        if signal.SIGSTOP in pending and not (ours or self.held):
            self.held = self.state()[0] == "T"  # t: the tracer decides

    def forget_stops(self) -> None:
        """Somebody continues it, which takes away what it has not heard yet."""
        self._unheard = frozenset()

    def enter(self, leaf: Leaf) -> None:
        """It lives in this leaf by now: if it stands still, that is because the leaf is frozen."""
        if self._signalled and not self.held:
            pending = STOPS & pending_signals(self.os_pid)
            ours = self._sent_again or self.stopping_ns is not None
            self._unheard = pending - {signal.SIGSTOP} if ours else pending  # it hears them when it is thawed
            self._continue()
        self.leaf = leaf
        if self.stop_wanted:
            self.stopping_ns = time.monotonic_ns()

    def _continue(self) -> None:
        self.send(signal.SIGCONT)
        self._signalled = False
        if self._unheard:
            for number in self._unheard:
                self.send(number)
            self._unheard = frozenset()

    def close(self) -> None:
        """Give back the descriptors; the console may have other users and is closed by itself."""
        os.close(self.pidfd)
        os.close(self.stat_fd)


class Gone:
    """A descendant that was over before anybody could take hold of it: what is known of it."""

    pid = 0
    mode = Mode.ENDED
    comm = ""
    forked = False
    ended_ns = 0
    reaped_by_us = False
    reaped_ns = 0

    def __init__(self, os_pid: int, spec: ProcessSpec, parent: Relative | None, death: Death) -> None:
        self.os_pid = os_pid
        self.spec = spec
        self.parent = parent
        self.console: Console | None = parent.console if parent is not None else None
        self.limits: Group | None = parent.limits if parent is not None else None
        self.death = death
        self.standing: list[Relative] = []

    @property
    def total_cpu_ns(self) -> int:
        return self.death.cpu_ns


class Death(NamedTuple):
    """The end of one that is gone. Times are the machine's; ``code`` and ``signal`` both None: nobody knows."""

    born_ns: int
    ended_ns: int
    cpu_ns: int
    code: int | None
    signal: int | None


Relative = Child | Gone
