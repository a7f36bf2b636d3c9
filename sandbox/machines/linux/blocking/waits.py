"""Finds for whom blocked processes wait, and deadlocks among them, by repeated rounds of bounded cost.

While no process waits for another one, no rounds are done.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from sandbox.kernel import deadlock
from sandbox.kernel.machine import Report, Told
from sandbox.machines.linux import procfs
from sandbox.machines.linux.blocking.blocked import WAITS_FOR_OTHERS
from sandbox.machines.linux.blocking.census import Census, Held, Says, Thread
from sandbox.machines.linux.blocking.holders import DOOR, MAX_PROCESSES, MAX_THREADS, wait_of
from sandbox.machines.linux.blocking.pollers import Pollers
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.model.events import Deadlocked, Edge, Resolved, Waits
from sandbox.util.units import MS, US

#: A wait is examined after this time. Most are over by then.
_MIN_WAIT_NS = 15 * MS
#: The interval of rounds while a deadlock is to be confirmed, and while a process waits for others.
_CONFIRM_NS, _AGAIN_NS = 20 * MS, 120 * MS
#: The interval of checking whether running processes have several threads; and of rounds if they do, because some of
#: their threads may wait for each other.
_COUNT_NS, _BESIDE_NS = 45 * MS, 90 * MS
#: When a process has ended, or has blocked on something else, that may be what others waited for. The delay of the next
#: round in that case, and in case that some threads of a process may wait for others.
_MIN_CHANGE_NS = 40 * MS
#: The CPU time of a piece of a round, and how many times as long the pause after it is, unless that delays the report
#: of a deadlock; how many times as long as the round the pause after it is, unless a new wait begins.
_PIECE_NS, _PAUSE_FACTOR, _REST_FACTOR = 300 * US, 3, 30
#: After this time a round has no pauses any more, so that it is also completed soon on a busy machine.
_MAX_PAUSES_NS = 40 * MS
_NEVER_NS = 1 << 62
#: State letters of a thread that sleeps in a call.
_ASLEEP = ("S", "D")
#: The state letters of a thread that may be on its way back into its wait after a stop, and the maximal number of
#: consecutive rounds in which it may be.
_UNDER_WAY, _MAX_DOUBTS = ("R", "T"), 8


class _Look(NamedTuple):
    """The result of one round.

    ``held``: what each blocked thread waits for; ``wait_numbers``: in which wait its process was; ``marks``: state and
    number of switches of threads whose processes have run recently, before it was found out what they wait for.
    """

    held: dict[Thread, Held]
    wait_numbers: dict[int, int]
    marks: dict[Thread, tuple[str, int]]
    #: Threads of managers' processes that wake again and again, apparently to check whether they were told to stop.
    pollers: frozenset[Thread] = frozenset()

    @property
    def by_turns(self) -> set[int]:
        return {os_pid for (os_pid, _), held in self.held.items() if held.by_turns}


class _Knot(NamedTuple):
    """A deadlock.

    ``stuck``, ``core``: the threads that are in it, and in its core; ``wait_numbers``: the waits of which it consists,
    by os_pid; ``lively``: processes in the core of which another thread goes on, so that their wait numbers say
    nothing; ``marks``: state and number of switches of their threads, unless they are known to have stood still for a
    round.
    """

    stuck: frozenset[Thread]
    core: frozenset[Thread]
    wait_numbers: dict[int, int]
    may_end: bool
    lively: frozenset[int]
    marks: dict[Thread, tuple[str, int]]


class Waiters(Protocol):
    """The blocked processes, by pid.

    ``for_others``: whether a process has begun to wait for others; ``for_threads``: whether a process has blocked of
    which only some threads may wait for others; ``changed``: whether any process has blocked or ended.
    """

    by_pid: dict[int, Child]
    for_others: bool
    for_threads: bool
    changed: bool


class Reporter(Protocol):
    """Takes reports, and knows the machine time."""

    def add(self, *reports: Report) -> None: ...
    def now_ns(self) -> int: ...


class WaitMonitor:
    """Reports for whom the ``blocked`` processes wait, and deadlocks.

    ``known``: all processes, by the system's number; ``says``: asks the programs; ``busy``: returns the processes that
    have a CPU; ``next_ns``: when to look again (CLOCK_MONOTONIC).
    """

    def __init__(
        self,
        known: Mapping[int, Child],
        blocked: Waiters,
        says: Says,
        reports: Reporter,
        busy: Callable[[], Iterable[Child]] = tuple,
    ) -> None:
        self._known = known
        self._blocked = blocked
        self._says = says
        self._reports = reports
        self._busy = busy
        self.next_ns, self._next_count_ns = _NEVER_NS, 0
        #: Processes that have had a CPU while they had several threads, by os_pid.
        self._beside: dict[int, Child] = {}
        self._pollers = Pollers()
        self._round: Iterator[None] | None = None
        self._began_ns = 0
        #: The CPU time of this round, or of the last one, in ns.
        self._used_ns = 0
        self._census: Census | None = None
        self._queue_users: dict[int, set[int]] = {}
        #: What was last reported of each process, and in which wait.
        self._told: dict[int, tuple[int, Waits]] = {}
        #: A deadlock that was found once and is to be confirmed.
        self._suspected: _Knot | None = None
        #: The deadlock that was reported.
        self._deadlock: _Knot | None = None
        self._members: list[int] = []
        #: In how many consecutive rounds it has not been found.
        self._doubts = 0
        #: The pids of processes that wait for ever: in a deadlock, or for a process that has ended; those among them
        #: that wake again and again nevertheless.
        self.hopeless: frozenset[int] = frozenset()
        self.restless: frozenset[int] = frozenset()

    @property
    def deadlocked_names(self) -> list[str]:
        """The names of the processes in the core of the present deadlock."""
        if self._deadlock is None:
            return []
        children = [self._known.get(os_pid) for os_pid in sorted(_processes(self._deadlock.core))]
        names = [child.spec.name for child in children if child is not None]
        pids = [child.pid for child in children if child is not None]
        return [name if names.count(name) == 1 else f"{name} ({pid})" for name, pid in zip(names, pids, strict=True)]

    @property
    def is_certain(self) -> bool:
        """Whether there is a deadlock that no time-out can end."""
        return self._deadlock is not None and not self._deadlock.may_end

    def look(self, frozen: bool) -> None:
        """Do a piece of a round, if it is time. ``frozen``: whether there is a pause, in which nothing is done."""
        if self._round is None:
            self._note_news()
        if self._deadlock is not None and not self._lasts(self._deadlock):
            self._resolve()
        if self.next_ns == _NEVER_NS:
            return
        now_ns = time.monotonic_ns()
        if frozen or now_ns < self.next_ns:
            if frozen:
                self.next_ns = max(self.next_ns, now_ns + _MIN_WAIT_NS)
            return
        if self._round is None:
            self._round, self._began_ns, self._used_ns = self._look(), now_ns, 0
        if self._do_piece():
            self._round = None
            self.next_ns = self._next_round_ns()

    def _note_news(self) -> None:
        """Schedule a round if processes have blocked or ended since the last one."""
        self._count_threads()
        blocked, pause_ns = self._blocked, _NEVER_NS
        if blocked.for_others:
            pause_ns = _MIN_WAIT_NS
        elif blocked.for_threads or (blocked.changed and self._told):
            pause_ns = max(_MIN_CHANGE_NS, self._used_ns * _REST_FACTOR // 2)
        elif self.next_ns == _NEVER_NS and any(map(self._goes_on, self._beside.values())):
            pause_ns = _BESIDE_NS
        if pause_ns != _NEVER_NS:
            self.next_ns = min(self.next_ns, time.monotonic_ns() + pause_ns)
        blocked.for_others = blocked.for_threads = blocked.changed = False

    def _count_threads(self) -> None:
        """Update which processes have threads that may wait for each other while the process goes on."""
        now_ns = time.monotonic_ns()
        if now_ns < self._next_count_ns:
            return
        self._next_count_ns = now_ns + _COUNT_NS
        for child in self._busy():
            if procfs.number_of_threads(child.stat_fd) > 1:
                self._beside[child.os_pid] = child
            else:
                self._beside.pop(child.os_pid, None)
        for os_pid in [os_pid for os_pid, child in self._beside.items() if child.mode is Mode.ENDED]:
            del self._beside[os_pid]

    def _do_piece(self) -> bool:
        """Continue the round. Return True if it is complete. A piece ends by our CPU time, which does not include waits
        for a CPU."""
        assert self._round is not None
        began_ns = time.thread_time_ns()
        for _ in self._round:
            took_ns = time.thread_time_ns() - began_ns
            if took_ns > _PIECE_NS:
                self._used_ns += took_ns
                self.next_ns = time.monotonic_ns() + self._pause_ns(took_ns)
                return False
        self._used_ns += time.thread_time_ns() - began_ns
        return True

    def _pause_ns(self, took_ns: int) -> int:
        """Return the pause after a piece that took ``took_ns``."""
        if self._suspected is not None or self._blocked.for_others:
            return 0
        left_ns = self._began_ns + _MAX_PAUSES_NS - time.monotonic_ns()
        return max(min(took_ns * _PAUSE_FACTOR, left_ns), 0)

    @property
    def has_told(self) -> bool:
        """Whether waits that still exist have been reported."""
        return bool(self._told) or self._deadlock is not None

    def look_now(self) -> None:
        """Do whole rounds at once, until the result is certain. To be called when all processes are at rest."""
        if self._deadlock is not None and not self._lasts(self._deadlock):
            self._resolve()
        for _ in range(2):
            for _ in self._look():
                pass
            if self._suspected is None:
                break

    def _next_round_ns(self) -> int:
        now_ns = time.monotonic_ns()
        if self._suspected is not None:
            return now_ns + _CONFIRM_NS
        beside = any(map(self._goes_on, self._beside.values()))
        if not self._told and not beside:
            return _NEVER_NS
        return now_ns + max(_BESIDE_NS if beside else _AGAIN_NS, self._used_ns * _REST_FACTOR)

    # One round

    def _look(self) -> Iterator[None]:
        waiters = [child for child in self._blocked.by_pid.values() if not child.held]
        rules = {child.blocked_on.rule for child in waiters if child.blocked_on is not None}
        beside = [child for child in self._beside.values() if self._goes_on(child)]
        for_others = rules & WAITS_FOR_OTHERS or beside or any(child.threads > 1 for child in waiters)
        if len(self._known) > MAX_PROCESSES or not for_others:
            self._told, self._suspected, self.hopeless, self._census = {}, None, frozenset(), None
            self._pollers.forget()
            return
        waiters += beside
        numbers = {child.os_pid: child.wait_number for child in waiters}
        marks: dict[Thread, tuple[str, int]] = {}
        self._census = census = Census(self._known, self._says, self._census, self._queue_users)
        yield from census.prepare(rules)
        held: dict[Thread, Held] = {}
        doubtful = bool(self._told) and not self.is_certain
        pollers: set[Thread] = set()
        for child in waiters:
            tids = procfs.thread_ids(child.os_pid)
            for tid in tids if len(tids) <= MAX_THREADS else ():
                found = wait_of(census, child, tid)
                if found is not None and child.os_pid in self._beside:  # again, so that it has stood still between both
                    marks[child.os_pid, tid] = procfs.mark(child.os_pid, tid)
                    found = wait_of(census, child, tid)
                if found is not None:
                    held[child.os_pid, tid] = found
                yield
            if doubtful and any((found := held.get((child.os_pid, tid))) and found.resource == DOOR for tid in tids):
                idle = (tid for tid in tids if (child.os_pid, tid) not in held)
                pollers.update((child.os_pid, tid) for tid in idle if self._pollers.polls(child, tid))
        look = _Look(held, numbers, marks, frozenset(pollers))
        self._tell(look)
        self._judge(look)

    def _goes_on(self, child: Child) -> bool:
        """Whether a process is on the board and not blocked."""
        return bool(child.pid) and child.mode in (Mode.RUNNING, Mode.STOPPED) and not child.held

    def _is_still(self, os_pid: int, number: int) -> bool:
        """Whether a process is still in this wait."""
        child = self._known.get(os_pid)
        return (
            child is not None
            and child.pid in self._blocked.by_pid
            and child.wait_number == number
            and child.state()[0] in _ASLEEP
        )

    def _tell(self, look: _Look) -> None:
        """Report for whom each process waits: the wait of its first thread, or else of the next that waits for
        others."""
        told: dict[int, tuple[int, Waits]] = {}
        now_ns, by_turns = self._reports.now_ns(), look.by_turns
        for (os_pid, _), held in sorted(look.held.items()):
            child, number = self._known.get(os_pid), look.wait_numbers[os_pid]
            if os_pid in told or os_pid in by_turns or child is None or not self._is_still(os_pid, number):
                continue
            if child.blocked_on is not None and child.blocked_on.rule not in WAITS_FOR_OTHERS:
                continue  # another thread waits, but the process goes on
            holders = sorted(self._pids(held.holders))
            event = Waits(now_ns, child.pid, held.resource, holders, held.by, held.any)
            before = self._told.get(os_pid)
            if before is not None and before[0] == number and _same(before[1], event):
                event = before[1]
            else:
                self._reports.add(Told(event))
            told[os_pid] = number, event
        self._told = told

    def _pids(self, os_pids: Iterable[int]) -> list[int]:
        """Return the pids of those that are on the board."""
        return [child.pid for os_pid in os_pids if (child := self._known.get(os_pid)) is not None and child.pid]

    # Deadlocks

    def _judge(self, look: _Look) -> None:
        """Look for a deadlock. If it is found twice, in the same waits, it is one, since none of its processes did
        anything in between."""
        found = self._find(look, certain=True) or self._find(look, certain=False)
        before, self._suspected = self._suspected, found
        if self._deadlock is not None and found is None:
            self._doubt(self._deadlock, look)
        else:
            self._doubts = 0
        if found is None or not self._holds(found):
            self._suspected = None
        elif (known := self._deadlock) and known[:2] == found[:2] and known.may_end <= found.may_end:
            self._suspected = None  # nothing new
        elif before is not None and before == found:
            self._suspected = None
            self._announce(found, look)

    def _doubt(self, knot: _Knot, look: _Look) -> None:
        """Count that the present deadlock was not found in this round, and resolve it if that happens too often."""
        if not knot.lively <= look.wait_numbers.keys():
            return  # its threads cannot be examined now
        self._doubts += 1
        moves = any(procfs.mark(*thread)[0] in _UNDER_WAY for thread in knot.core)
        if self._doubts > (_MAX_DOUBTS if moves else 1):
            self._resolve()

    def _find(self, look: _Look, certain: bool) -> _Knot | None:
        """Return a deadlock, or None. ``certain``: whether waits that a time-out may end are ignored."""
        found = deadlock.find(dict(_groups(look, certain)))
        if certain:
            self._note_hopeless(look, found.stuck | found.abandoned)
        if not found.core:
            return None
        within, by_turns = _processes(found.core), look.by_turns
        lively = frozenset(os_pid for os_pid in within if os_pid in by_turns or not self._is_lost(os_pid, found.stuck))
        numbers = {os_pid: look.wait_numbers[os_pid] for os_pid in _processes(found.stuck) - lively - by_turns}
        marks = {thread: procfs.mark(*thread) for thread in found.core if thread[0] in lively}
        if any(marks.get(thread, mark) != mark for thread, mark in look.marks.items()):
            return None  # one of them has had a CPU in between
        marks = {thread: mark for thread, mark in marks.items() if thread not in look.marks}
        return _Knot(found.stuck, found.core, numbers, not certain, lively, marks)

    def _note_hopeless(self, look: _Look, lost: frozenset[Thread]) -> None:
        """Note the processes of which no thread goes on any more."""
        self.hopeless = frozenset(self._pids(os_pid for os_pid in _processes(lost) if self._is_lost(os_pid, lost)))
        self.restless = self.hopeless & {*self._pids(look.by_turns)}

    def _is_lost(self, os_pid: int, lost: frozenset[Thread]) -> bool:
        """Whether all threads of a process are among the lost."""
        child = self._known.get(os_pid)
        tids = {*procfs.thread_ids(os_pid)} - ({os_pid} if child is not None and child.first_thread_ended else set())
        return child is not None and all((os_pid, tid) in lost for tid in tids)

    def _is_blocked(self, os_pid: int) -> bool:
        child = self._known.get(os_pid)
        return child is not None and child.pid in self._blocked.by_pid

    def _holds(self, knot: _Knot) -> bool:
        """Whether all processes in the core are still in the same waits."""
        within = _processes(knot.core) - knot.lively
        return all(self._is_still(os_pid, knot.wait_numbers[os_pid]) for os_pid in within)

    def _lasts(self, knot: _Knot) -> bool:
        """Whether no process in the core is known to have woken or ended. After a pause a wait has a new number;
        whether it is for the same resource is found out in the next round."""
        for os_pid in _processes(knot.core):
            child = self._known.get(os_pid)
            if child is None or child.mode is Mode.ENDED or not (os_pid in knot.lively or self._is_blocked(os_pid)):
                return False
        return True

    def _announce(self, knot: _Knot, look: _Look) -> None:
        self._deadlock = knot
        edges: dict[tuple[int, int, str, str], None] = {}
        for thread in sorted(knot.stuck):
            if (held := look.held[thread]).by_turns:
                continue
            whole = deadlock.whole_groups(held.freed_by(not knot.may_end), knot.stuck)
            members = {os_pid for group in whole for os_pid, _ in group}
            others = held.holders or sorted(members - {thread[0]}) or [thread[0]]
            for pid in self._pids([thread[0]]):
                edges |= {(pid, holder, held.resource, held.taken): None for holder in self._pids(others)}
        now_ns, self._members = self._reports.now_ns(), sorted(self._pids(_processes(knot.stuck)))
        core, links = sorted(self._pids(_processes(knot.core))), [Edge(*edge) for edge in edges]
        lively = sorted(self._pids(knot.lively))
        self._reports.add(Told(Deadlocked(now_ns, self._members, core, links, knot.may_end, lively)))

    def _resolve(self) -> None:
        """Report that a process of the deadlock can go on, or has ended. Whether others still cannot is found out in
        the next round."""
        self._deadlock, self._doubts = None, 0
        self.hopeless = self.restless = frozenset()
        self._reports.add(Told(Resolved(self._reports.now_ns(), self._members)))
        self.next_ns = min(self.next_ns, time.monotonic_ns() + _MIN_WAIT_NS)


def _groups(look: _Look, certain: bool) -> Iterator[tuple[Thread, tuple[frozenset[Thread], ...]]]:
    """Yield for each thread the groups that can free it. Unless ``certain``, threads of managers that poll are removed
    from groups of which it is only known that they share the resource, because they will hardly release it; and of
    things of System V, which anybody could release, only those are asked who are known to have used it."""
    for thread, held in look.held.items():
        if certain:
            if not held.may_end:
                yield thread, held.groups
        else:
            pollers = look.pollers if held.by == "unknown" else frozenset()
            yield thread, tuple(group - pollers or group for group in held.freed_by(certain))


def _processes(threads: Iterable[Thread]) -> set[int]:
    """Return the processes of these threads, by os_pid."""
    return {os_pid for os_pid, _ in threads}


def _same(one: Waits, other: Waits) -> bool:
    return (one.resource, one.holders, one.by, one.any) == (other.resource, other.holders, other.by, other.any)
