"""Watching over stops: those that are not confirmed yet, and those that somebody else undoes."""

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

#: A stop that takes longer is told; the loop never waits for it. One in the middle of a vfork may take for ever.
_MAX_CONFIRM_NS = 200 * MS
#: So soon it is looked again at stops that are not confirmed, and at processes that seem to run; and so late at most.
_RETRY_NS, _MAX_RETRY_NS = 1 * MS, 8 * MS
#: So often it is looked at those whose stop is put off.
_SPARED_NS = 5 * MS
#: So often a share of all processes is looked at in turn, and how many that are.
_ROUND_NS = 50 * MS
_SHARE = 24
#: To stop and continue a process the system wakes each of its threads, which takes each some microseconds of the
#: process's own CPU time. With more threads than these that is told.
_MANY_THREADS = 100


class StopMonitor:
    """Knows every stop that was sent and not seen, and looks in turn at those that are stopped: nobody tells us when
    one of them runs away. Times are of CLOCK_MONOTONIC, because stops have to be kept in a pause, too. ``recipe`` is
    told of those that run away from a signal because somebody traces them, and of those that somebody has moved."""

    def __init__(self, dispatcher: Dispatcher, guard: WriteGuard, reports: Reports, recipe: RecipeInForce) -> None:
        self._dispatcher = dispatcher
        self._guard = guard
        self._reports = reports
        self._recipe = recipe
        # By the system's number: those whose stop is not confirmed, those of which that was told, and those that were
        # seen running once though they should not: dying ones do that, for a moment.
        self._unconfirmed: dict[int, Child] = {}
        self._told: set[int] = set()
        #: When the stop of one of them was sent, and when to send it again.
        self._again: dict[int, tuple[int, int]] = {}
        self._suspects: dict[int, Child] = {}
        #: Of the unconfirmed ones those whose stop is put off, and when to look at them again.
        self._spared: set[int] = set()
        self._next_spared_ns = 0
        self._everybody: deque[Child] = deque()
        self._next_round_ns = 0
        self._retry_ns: int | None = None
        #: When to look again.
        self.next_ns = 0

    def add(self, child: Child) -> None:
        """Look at this one, too."""
        self._everybody.append(child)

    def remove(self, child: Child) -> None:
        """It has ended."""
        self._unconfirmed.pop(child.os_pid, None)
        self._again.pop(child.os_pid, None)
        self._suspects.pop(child.os_pid, None)
        self._told.discard(child.os_pid)
        self._spared.discard(child.os_pid)
        self._everybody.remove(child)
        self.next_ns = self._due_ns

    def expect(self, children: Iterable[Child]) -> None:
        """These were told to stop; note those that have not been seen stopped."""
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
        """Whether a stop is put off."""
        return bool(self._spared)

    def suspect(self, child: Child) -> None:
        """This one seems to run though it was stopped."""
        self._suspects[child.os_pid] = child
        self._retry_soon()

    def _retry_soon(self) -> None:
        if self._suspects or len(self._unconfirmed) > len(self._told | self._spared):
            self._retry_by(time.monotonic_ns() + _RETRY_NS)
        self.next_ns = self._due_ns

    def _retry_later(self) -> None:
        """Nobody new is there to look at: the longer the last stop is on its way, the later it is looked again."""
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

    def check(self) -> None:
        """Tell of stops that take too long; stop those again that run though nobody here let them."""
        if self._spared:
            self._stop_spared()
        for child in self._overdue():
            self._reports.fault_again(child, "stop not confirmed")
        for child in self._runaways():
            self._tell_who_continued(child)
            child.held = False
            child.stop()
            self.expect([child])
        self.next_ns = self._due_ns

    def _stop_spared(self) -> None:
        """Stop those whose write is done."""
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
        """A stranger's doing is a fault; the doing of a process that was scheduled meanwhile is that program's own
        business, and it waits for its turn."""
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
        """Whether it has had the CPU since then."""
        began_ns = self._reports.now_ns() - (time.monotonic_ns() - since_ns)
        return process.mode is Mode.RUNNING or (isinstance(process, Child) and process.started_ns > began_ns)

    def _overdue(self) -> Iterator[Child]:
        """Stops that take too long, each told once; those that have come true are forgotten. All others are sent
        again, after twice the time each time: somebody's SIGCONT takes a stop away that is still on its way."""
        now_ns = time.monotonic_ns()
        for os_pid, child in [*self._unconfirmed.items()]:
            if child.spared:  # even if it stands still for now: somebody traces it, and nothing holds it yet
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

    def _runaways(self) -> list[Child]:
        """Processes that should be stopped and have been seen running twice; a share of all is looked at in each
        round."""
        now_ns = time.monotonic_ns()
        if now_ns < self._due_ns:
            return []
        self._retry_ns = None
        suspects, self._suspects = self._suspects, {}
        found = [child for child in suspects.values() if _runs_away(child)]
        if now_ns >= self._next_round_ns:
            self._next_round_ns = now_ns + _ROUND_NS
            for _ in range(min(len(self._everybody), _SHARE)):
                self._everybody.rotate(-1)
                child = self._everybody[0]
                if child.stopping_ns is not None:  # one that was moved into a leaf needs a moment to stand still there
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
    """Whether it runs though it was stopped and nobody here continued it; one that dies may do so. A signal, or a
    tracer, wakes a frozen one, but its leaf lets it get no further."""
    return (
        child.stop_wanted
        and child.stopping_ns is None
        and not child.stands_still()
        and not (child.leaf is not None and child.leaf.holds)
        and (child.first_thread_ended or not is_dying(child.os_pid, child.stat_fd))
    )
