"""Watches over stops: those that are not confirmed yet, and those that another process undoes."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time
from collections import deque
from collections.abc import Iterable, Iterator

from sandbox.machines.linux.process.child import Child, Mode, Relative
from sandbox.machines.linux.procfs import is_dying, tracer
from sandbox.machines.linux.switching.dispatch import Dispatcher
from sandbox.machines.linux.switching.recipe import RecipeInForce
from sandbox.machines.linux.switching.writes import WriteGuard
from sandbox.machines.reports import Reports
from sandbox.util.units import MS

#: A stop that takes longer is reported. The loop never waits for it: in the middle of a vfork a stop may take very
#: long.
_MAX_CONFIRM_NS = 200 * MS
#: The shortest and the longest interval of checking unconfirmed stops, and processes that seem to run.
_RETRY_NS, _MAX_RETRY_NS = 1 * MS, 8 * MS
#: The interval of checking processes whose stop is put off.
_SPARED_NS = 5 * MS
#: The interval of checking a share of all processes in turn, and the size of the share.
_ROUND_NS = 50 * MS
_SHARE = 24
#: To stop and continue a process, the system wakes each of its threads, which takes some microseconds of the CPU time
#: of the process. A process with more threads than this is reported.
_MANY_THREADS = 100


class StopMonitor:
    """Keeps track of every stop that is not confirmed, and checks the stopped processes in turn, because no event tells
    that one of them was continued.

    Times are of CLOCK_MONOTONIC, because stops also have to be kept in a pause. ``recipe`` is told of processes that
    were continued because they are traced, and of those that were moved to another control group.
    """

    def __init__(self, dispatcher: Dispatcher, guard: WriteGuard, reports: Reports, recipe: RecipeInForce) -> None:
        self._dispatcher = dispatcher
        self._guard = guard
        self._reports = reports
        self._recipe = recipe
        # By the system's number: processes whose stop is not confirmed, those among them that were reported, and
        # processes that were seen running once although they are stopped, which dying ones also are for a moment.
        self._unconfirmed: dict[int, Child] = {}
        self._told: set[int] = set()
        #: When an unconfirmed stop was first sent, and when to send it again.
        self._again: dict[int, tuple[int, int]] = {}
        self._suspects: dict[int, Child] = {}
        #: The unconfirmed processes whose stop is put off, and when to check them again.
        self._spared: set[int] = set()
        self._next_spared_ns = 0
        self._everybody: deque[Child] = deque()
        self._next_round_ns = 0
        self._retry_ns: int | None = None
        #: When to call ``check``.
        self.next_ns = 0

    def add(self, child: Child) -> None:
        """Watch this process, too."""
        self._everybody.append(child)

    def remove(self, child: Child) -> None:
        """Forget a process that has ended."""
        self._unconfirmed.pop(child.os_pid, None)
        self._again.pop(child.os_pid, None)
        self._suspects.pop(child.os_pid, None)
        self._told.discard(child.os_pid)
        self._spared.discard(child.os_pid)
        self._everybody.remove(child)
        self.next_ns = self._due_ns

    def expect(self, children: Iterable[Child]) -> None:
        """Note those of these processes, which were told to stop, that have not been seen stopped."""
        for child in children:
            if child.stopping_ns is not None:
                self._note(child)
        self._retry_soon()

    def _note(self, child: Child) -> None:
        self._unconfirmed[child.os_pid] = child
        if child.spared:
            self._spared.add(child.os_pid)
            self._next_spared_ns = time.monotonic_ns() + _SPARED_NS

    @property
    def spares(self) -> bool:
        """Whether any stop is put off."""
        return bool(self._spared)

    def suspect(self, child: Child) -> None:
        """Note that this process seems to run although it was stopped."""
        self._suspects[child.os_pid] = child
        self._retry_soon()

    def _retry_soon(self) -> None:
        if self._suspects or len(self._unconfirmed) > len(self._told | self._spared):
            self._retry_by(time.monotonic_ns() + _RETRY_NS)
        self.next_ns = self._due_ns

    def _retry_later(self) -> None:
        """Set the time of the next check if there is no new process to check: the longer the last stop is pending, the
        later."""
        waiting = self._unconfirmed.keys() - self._told - self._spared
        if waiting:
            now_ns = time.monotonic_ns()
            sent_ns = max(self._unconfirmed[os_pid].stopping_ns or now_ns for os_pid in waiting)
            self._retry_by(now_ns + min(max((now_ns - sent_ns) // 4, _RETRY_NS), _MAX_RETRY_NS))

    def _retry_by(self, at_ns: int) -> None:
        if self._retry_ns is None or at_ns < self._retry_ns:
            self._retry_ns = at_ns

    @property
    def _due_ns(self) -> int:
        next_ns = self._next_round_ns if self._retry_ns is None else min(self._retry_ns, self._next_round_ns)
        return min(next_ns, self._next_spared_ns) if self._spared else next_ns

    def check(self, early_ns: int = 0) -> None:
        """Report stops that take too long, and stop processes again that run although we have not continued them. A
        share of the processes is checked up to ``early_ns`` before its time."""
        if self._spared:
            self._stop_spared()
        for child in self._overdue():
            self._reports.fault_again(child, "stop not confirmed")
        for child in self._runaways(early_ns):
            self._tell_who_continued(child)
            child.held = False
            child.stop()
            self.expect([child])
        self.next_ns = self._due_ns

    def _stop_spared(self) -> None:
        """Stop the processes whose write is done."""
        now_ns = time.monotonic_ns()
        if now_ns < self._next_spared_ns:
            return
        self._next_spared_ns = now_ns + _SPARED_NS
        for os_pid in [*self._spared]:
            child = self._unconfirmed[os_pid]
            if child.spared and self._guard.spares(child):
                continue
            self._spared.discard(os_pid)
            if child.spared:
                child.stop()
        self._retry_soon()

    def _tell_who_continued(self, child: Child) -> None:
        """Report that a process was continued by someone else. That is a fault, unless its parent, which is a process
        of the scenario, has run meanwhile: then it is that program's own business, and the process waits for its
        turn."""
        parent = child.parent
        if child.moved:
            self._recipe.moved(child)
            return
        tracing = tracer(child.os_pid) if child.leaf is None else 0
        if tracing:
            self._recipe.traced(child, tracing)
        elif child.leaf is not None or parent is None:
            self._reports.fault_again(child, "continued by somebody else")
        elif parent.mode is Mode.ENDED and child.stopped_ns < parent.ended_ns:
            self._reports.fault(child, "its group was orphaned")
        elif parent.mode is Mode.ENDED or not (
            self._has_run(parent, child.stopped_ns) or self._recipe.is_told_of(child)
        ):
            self._reports.fault_again(child, "continued by somebody else")

    def _has_run(self, process: Relative, since_ns: int) -> bool:
        """Whether the process has had the CPU since then."""
        began_ns = self._reports.now_ns() - (time.monotonic_ns() - since_ns)
        return process.mode is Mode.RUNNING or (isinstance(process, Child) and process.started_ns > began_ns)

    def _overdue(self) -> Iterator[Child]:
        """Yield the processes whose stop takes too long, each once, and forget those that have stopped. All other stops
        are sent again at intervals that double, because a SIGCONT of another process discards a pending stop."""
        now_ns = time.monotonic_ns()
        for os_pid, child in [*self._unconfirmed.items()]:
            if child.spared:  # even if it stands still: it may be a tracing stop, and nothing of ours holds it
                continue
            if child.stopping_ns is None or self._dispatcher.stopped(child):
                child.stopping_ns = None
                del self._unconfirmed[os_pid]
                self._again.pop(os_pid, None)
                self._told.discard(os_pid)
                self._spared.discard(os_pid)
                continue
            sent_ns, again_ns = self._again.get(os_pid, (0, 0))
            if sent_ns != child.stopping_ns or now_ns >= again_ns:
                self._again[os_pid] = child.stopping_ns, 2 * now_ns - child.stopping_ns
                if child.moved:
                    self._recipe.moved(child)
                child.stop_again()
            if now_ns - child.stopping_ns > _MAX_CONFIRM_NS and os_pid not in self._told:
                self._told.add(os_pid)
                yield child

    def _runaways(self, early_ns: int) -> list[Child]:
        """Return the processes that should be stopped and have been seen running twice. In each round a share of all
        processes is checked."""
        now_ns = time.monotonic_ns()
        round_due = now_ns + early_ns >= self._next_round_ns
        if now_ns < self._due_ns and not round_due:
            return []
        found = []
        if self._retry_ns is not None and now_ns >= self._retry_ns:
            self._retry_ns = None
            suspects, self._suspects = self._suspects, {}
            found = [child for child in suspects.values() if _runs_away(child)]
        if round_due:
            self._next_round_ns = now_ns + _ROUND_NS
            for _ in range(min(len(self._everybody), _SHARE)):
                self._everybody.rotate(-1)
                child = self._everybody[0]
                if child.stopping_ns is not None:  # one that was moved to a leaf needs a moment until it is frozen
                    self._note(child)
                if _runs_away(child):
                    self.suspect(child)
                if child.threads > _MANY_THREADS:
                    self._reports.fault_once(child, "many threads", number=child.threads)
        if self._suspects:
            self._retry_soon()
        else:
            self._retry_later()
        return found


def _runs_away(child: Child) -> bool:
    """Whether a process runs although it was stopped and we have not continued it. A dying process may do so. A signal
    or a tracer wakes a frozen process, but the leaf keeps it from running further."""
    return (
        child.stop_wanted
        and child.stopping_ns is None
        and not child.stands_still()
        and not (child.leaf is not None and child.leaf.holds)
        and (child.first_thread_ended or not is_dying(child.os_pid, child.stat_fd))
    )
