"""The machine's record of one real process."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterator
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

#: The signals that stop a process. Only SIGSTOP cannot be handled or ignored.
STOPS = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_CPUCLOCK_SCHED = 2
#: The resolution of this clock is the timer tick: the CPU time of a running process may lag by as much.
_CLOCK_MONOTONIC_COARSE = 6
_TICK_NS = round(time.clock_getres(_CLOCK_MONOTONIC_COARSE) * 1e9) if sys.platform == "linux" else 0


def cpu_clock(os_pid: int) -> int:
    """Return the clock id of a process's CPU clock, as ``clock_getcpuclockid(3)`` does.

    The clock counts the CPU time of all threads, in ns. ``/proc/PID/schedstat`` would leave out threads that have
    ended, and differences of wall clocks would include the CPU time of other processes. The clock is exact while the
    process is off the CPU, and up to one tick behind while it runs. So totals are read after a stop is confirmed.
    """
    return (~os_pid << 3) | _CPUCLOCK_SCHED


def cpu_time_ns(os_pid: int) -> int:
    """Return the CPU time that a process has used, in ns; 0 if it does not exist."""
    try:
        return time.clock_gettime_ns(cpu_clock(os_pid))
    except OSError:
        return 0


class Mode(Enum):
    """The state of a process as seen by the machine."""

    STOPPED = "stopped"  # by us, and it stays so
    RUNNING = "running"  # dispatched to a mini CPU
    BLOCKED = "blocked"  # left alone until it wakes
    ENDED = "ended"


class Child:
    """A process that we ``forked``, or a descendant of one that was found, which shares the console of its parent.

    Signals are sent through a pidfd, so that they cannot reach an unrelated process with the same number. The
    constructor raises OSError if there is no such process.
    """

    #: Its position in the scenario; None if the operator asked for it, or if it was found.
    order: int | None = None
    #: The process that forked it, if that was not us. None also for an orphan that was found too late.
    parent: Relative | None = None
    #: The os_pid of the leader of the session that was begun for it (perhaps itself); 0 for one that was found.
    session = 0

    # Set from its admission on.
    pid = 0
    mode = Mode.STOPPED
    #: The system's name of the process, if that is what it is called on the board.
    comm = ""
    #: When its end was noticed (CLOCK_MONOTONIC).
    ended_ns = 0
    #: Whether we have reaped it.
    reaped_by_us = False
    #: The CPU time of the children that it has reaped, as far as is known, including what those had reaped.
    reaped_ns = 0

    # Turns. Times are machine times, unless CLOCK_MONOTONIC is named.
    #: The mini CPU that it has or had last.
    cpu: int | None = None
    #: Whether it has changed its CPU affinity.
    strays = False
    #: Its class and slice in the system's scheduler before it was favoured there (None: it is not favoured).
    usual_class: tuple[int, ...] | None = None
    #: When it was dispatched last, and the CPU time that it had used by then.
    started_ns = 0
    started_cpu_ns = 0
    #: The start of the turn that is to be accounted for (None: there is none), and the CPU time used by then.
    turn_ns: int | None = None
    turn_cpu_ns = 0
    #: The part of its turns that it has not used since its run queue wait was last read, and that wait, in total, at
    #: the last reading, by the system's account.
    missing_ns = 0
    queued_ns = 0
    #: How often it was stopped while the recipe was to stop by signals.
    stops = 0
    #: The number of its threads when it was last seen asleep; whether its first thread has ended before others.
    threads = 1
    first_thread_ended = False
    #: When a stop was sent that is not confirmed yet (CLOCK_MONOTONIC; None: there is none), and when the last one was.
    stopping_ns: int | None = None
    stopped_ns = 0
    #: The control group in which it is frozen; None if it is stopped by signals.
    leaf: Leaf | None = None
    #: The control group whose limits hold for it and its descendants.
    limits: Group | None = None
    #: Whether it was also stopped by another process than us, or by itself. Then only a SIGCONT from there continues
    #: it.
    held = False
    #: Whether the operator has sent it a SIGSTOP, which may have merged with ours while it was pending.
    stop_sent = False
    #: The signal that has stopped it, once that has been found out; and one that the operator has sent it, which may.
    stopped_by = stop_expected = 0
    #: Stop signals from other processes that are still pending: SIGCONT discards them, so they are sent again.
    _unheard: frozenset[int] = frozenset()
    #: Whether our SIGSTOP was sent more than once, so that a pending one may be ours.
    _sent_again = False

    # Waits.
    #: What it waits for; None until that has been found out.
    blocked_on: Clause | None = None
    #: When it was seen to be blocked.
    blocked_ns = 0
    #: How long it had the CPU before it last blocked, and a score of how regular that was (``BlockForecast``).
    usual_turn_ns = regular = 0
    #: The number and the arguments of the system call in which it was seen last.
    last_call: tuple[int, list[int]] | None = None
    #: The ordinal number of this wait, which distinguishes a note of this wait from one of an earlier wait.
    wait_number = 0
    #: The number of the wait in which another look at it was ordered for later.
    looked_later = -1
    #: The CPU time that it had used when the wait began.
    wait_cpu_ns = 0
    #: When it was last reported to wait for something else without having been dispatched in between.
    wait_reported_ns = 0

    # Writes that wait for room, which a stop would cut short.
    #: Whether it has been seen in such a write, or another process reads its output.
    writes = False
    #: Whether it was blocked in a write at the last look, and what it had written and used by then.
    writing = False
    written: WritesDone | None = None
    write_cpu_ns = 0
    #: How many voluntary switches it had made when its turn began, or when it was last seen asleep.
    slept = 0
    #: When (CLOCK_MONOTONIC) it was first seen on the CPU since it last came there, and how often it had come there.
    came = came_ns = 0
    #: How often it was suspected to be in such a write.
    suspicions = 0
    #: Whether a stop is put off until its write is done.
    spared = False

    def __init__(self, os_pid: int, spec: ProcessSpec, console: Console | None = None, forked: bool = True) -> None:
        self.os_pid = os_pid
        self.spec = spec
        self.console = console
        self.forked = forked
        #: Ended children of this process that it had not reaped when we last looked.
        self.standing: list[Relative] = []
        #: Whether it should be stopped: we have stopped it (or it has stopped itself after its fork) and not continued
        #: it.
        self.stop_wanted = forked
        #: Whether it is stopped by a signal of ours, or, after its fork, by its own.
        self._signalled = forked
        #: The CPU times at which its declared bursts end.
        self._burst_ends_ns = array("q", accumulate(segment.ns for segment in spec.segments if segment.kind == "cpu"))
        #: Where the streams lead for which it has waited, by descriptor.
        self.streams: dict[int, OpenFile] = {}
        self._cpu_clock = cpu_clock(os_pid)
        self._cpu_ns = self._start_cpu_ns = 0
        if forked:  # what it used before its first own instruction is our overhead
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
        """Return the newest of its descriptors."""
        return self.stat_fd

    # CPU time

    def cpu_ns(self) -> int:
        """Return the CPU time used since its first own instruction, in ns; the last known figure once it has been
        reaped."""
        try:
            self._cpu_ns = time.clock_gettime_ns(self._cpu_clock) - self._start_cpu_ns
        except OSError:
            pass
        return self._cpu_ns

    def final_cpu_ns(self, recorded_ns: int) -> int:
        """Return the CPU time of a process that has ended. ``recorded_ns``: its CPU time by records, in case it was
        reaped."""
        if self.exists():
            return self.cpu_ns()
        self._cpu_ns = max(self._cpu_ns, recorded_ns)
        return self._cpu_ns

    @property
    def total_cpu_ns(self) -> int:
        """The CPU time used until it was last read, including its start."""
        return self._cpu_ns + self._start_cpu_ns

    def estimated_cpu_ns(self, now_ns: int) -> int:
        """Estimate the CPU time of a running process: all time since its dispatch, unless the system's account, which
        is at most one tick behind, shows less."""
        used_ns = self.started_cpu_ns + max(now_ns - self.started_ns, 0)
        return max(min(used_ns, self.cpu_ns() + _TICK_NS), self.started_cpu_ns)

    @property
    def may_write(self) -> bool:
        """Whether the process may be in the middle of a write that waits for room."""
        return self.writes or (self.console is not None and self.console.floods)

    def burst_ends(self, now_ns: int, within_ns: int) -> bool:
        """Whether this running process reaches the end of a declared CPU burst within ``within_ns``. The estimate of
        its CPU time may be too high by half of that."""
        ends_ns = self._burst_ends_ns
        index = bisect_left(ends_ns, self.started_cpu_ns - within_ns // 2)
        most_ns = self.started_cpu_ns + max(now_ns - self.started_ns, 0)
        if index == len(ends_ns) or ends_ns[index] > most_ns + within_ns:
            return False  # not even if it has used all of its turn
        used_ns = self.estimated_cpu_ns(now_ns)
        index = bisect_left(ends_ns, used_ns - within_ns // 2)
        return index < len(ends_ns) and ends_ns[index] - used_ns <= within_ns

    def blocked_since_ns(self) -> int:
        """Return when a blocked process left its CPU: its dispatch time plus the CPU time that it used since."""
        return self.started_ns + self.cpu_ns() - self.started_cpu_ns

    # Signals

    def send(self, number: int) -> bool:
        """Send a signal (0 only checks). Return False if the process does not exist or must not be signalled."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def exists(self) -> bool:
        """Whether its number is still its own: it lives, or has not been reaped yet."""
        return self.send(0)

    # Standing still

    def stop(self) -> None:
        """Stop the process, which takes effect with a delay. A process that is ``held`` is stopped already."""
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
        """Send the stop again, because a SIGCONT may have discarded it. A signal that is still pending was not
        discarded, and a second one would be mistaken for another process's."""
        if self.leaf is not None:
            self.leaf.freeze()
        elif signal.SIGSTOP not in pending_signals(self.os_pid):
            self._sent_again = self._signalled = True
            self.send(signal.SIGSTOP)

    def stands_still(self) -> bool:
        """Whether the process is stopped, frozen or a zombie."""
        return (self.leaf is not None and self.leaf.frozen) or self.state()[0] in HALTED

    def state(self) -> tuple[str, int]:
        """Return its state letter and, if it sleeps, the number of its threads. If only the first thread has ended, the
        states of the others decide."""
        state, threads = read_state(self.stat_fd)
        if state in "SDIt":
            self.threads = threads
        if state != "Z" or threads == 1:
            return state, threads
        self.first_thread_ended = True
        states = {thread.state for thread in procfs.threads(self.os_pid)} - {"Z", "X"}
        return "R" if "R" in states else "Z" if not states else "T" if states <= {"T", "t"} else "S", threads

    def spare(self) -> None:
        """Put off the stop of the process, because it would cut a write short. Until then the stop counts as
        unconfirmed."""
        self.stop_wanted = self.spared = True
        self.stopping_ns = time.monotonic_ns()

    @property
    def moved(self) -> bool:
        """Whether another process has moved it out of its leaf. A process that exits leaves it shortly before it is a
        zombie."""
        if self.leaf is None or not self.leaf.vacant:
            return False
        return read_state(self.stat_fd)[0] not in HALTED and not is_dying(self.os_pid, self.stat_fd)

    def resume(self) -> None:
        """Undo our stop, but not that of another process. A process that was not stopped yet is sent nothing.

        The CPU may be idle until the process continues, so that comes first, and the bookkeeping afterwards.
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
        """Undo the stops of all processes."""
        self.held, self.stop_sent, self._unheard = False, False, frozenset()
        self.resume()
        self.send(signal.SIGCONT)

    def hear_stops(self) -> None:
        """Find out whether a process that is stopped by our signal was also stopped by another process, whose SIGSTOP
        is pending then and takes effect when ours ends. A process that has woken by itself has already handled all
        signals."""
        if self.leaf is not None:  # it may have been stopped at the very end of its turn, and then not run any more
            self.held |= self.state()[0] == "T"
            return
        self.held |= self.stop_sent
        if not self._signalled or not (pending := STOPS & pending_signals(self.os_pid)):
            return
        self._unheard = pending - {signal.SIGSTOP}
        ours = self._sent_again or self.stopping_ns is not None
        if signal.SIGSTOP in pending and not (ours or self.held):
            self.held = self.state()[0] == "T"  # t: its tracer decides

    def forget_stops(self) -> None:
        """Forget pending stop signals, because the process is being continued by someone else, which discards them."""
        self._unheard = frozenset()

    def enter(self, leaf: Leaf) -> None:
        """Note that the process was moved to this leaf. If it is to stand still, that is by freezing from now on."""
        if self._signalled and not self.held:
            pending = STOPS & pending_signals(self.os_pid)
            ours = self._sent_again or self.stopping_ns is not None
            self._unheard = pending - {signal.SIGSTOP} if ours else pending  # it handles them after the thaw
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
        """Close the descriptors. The console may have other users and is closed separately."""
        os.close(self.pidfd)
        os.close(self.stat_fd)


class Gone:
    """A descendant that ended before it could be opened, with what is known of it."""

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
    """The end of a process that is gone. Times are machine times, in ns; ``code`` and ``signal`` are both None if
    unknown."""

    born_ns: int
    ended_ns: int
    cpu_ns: int
    code: int | None
    signal: int | None


Relative = Child | Gone


def lineage(relative: Relative | None) -> Iterator[Relative]:
    """Yield a process, its parent, the parent of that, and so on, as far as they are known."""
    while relative is not None:
        yield relative
        relative = relative.parent
