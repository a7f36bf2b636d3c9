"""Finds for what and for whom blocked tasks wait, and whether anything can end that."""

from __future__ import annotations

import sys
import time

assert sys.platform == "linux"

from collections.abc import Callable, Collection

from sandbox.kernel.machine import Report, Told
from sandbox.machines.linux import procfs_timers
from sandbox.machines.linux.blocking.block_reason import block_reason
from sandbox.machines.linux.blocking.blocked import WAITS_FOR_OTHERS
from sandbox.machines.linux.blocking.prospects import Prospect, prospect, verdict
from sandbox.machines.linux.blocking.said import SaidLocks
from sandbox.machines.linux.blocking.waits import WaitMonitor
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.stepping.crew import Crew
from sandbox.machines.linux.stepping.tasks import Task
from sandbox.model.events import Clause, Event
from sandbox.util.units import S

#: Figures of a reason that are os_pids.
_RELATIVES = {"child", "peer"}
#: How long to wait for an alarm that may have been set.
_MAX_ALARM_NS = 10 * S


class Waiting:
    """Examines waits. ``crew``: all processes; ``tell``: receives the events; ``now``: returns the machine time."""

    def __init__(self, crew: Crew, said: SaidLocks, tell: Callable[[Event], None], now: Callable[[], int]) -> None:
        self._crew, self._said, self._tell, self.now_ns = crew, said, tell, now
        #: For the monitor: the blocked processes by pid, and all by os_pid.
        self.by_pid: dict[int, Child] = {}
        self.for_others = self.for_threads = self.changed = False
        self._known: dict[int, Child] = {}
        self._monitor = WaitMonitor(self._known, self, said, self)
        self._last: frozenset[tuple[int, int]] = frozenset()
        #: Waits that an alarm may end, and until when (CLOCK_MONOTONIC) that is awaited.
        self._alarmed: frozenset[tuple[int, int]] = frozenset()
        self._give_up_ns = 0

    def add(self, *reports: Report) -> None:
        """Pass on reports of the monitor."""
        for report in reports:
            if isinstance(report, Told):
                self._tell(report.event)

    def reason(self, task: Task) -> Clause:
        """Return what a task waits for. Another process in it is named by its pid on the board and its name."""
        child = task.body.child
        tid = None if len(task.body.tasks) == 1 else task.tid
        on = block_reason(child, 0, [*self._crew.children()], tid)
        figures = dict(on.figures)
        for key in _RELATIVES & figures.keys():
            os_pid = figures.pop(key)
            body = self._crew.by_os_pid.get(os_pid) if isinstance(os_pid, int) else None
            if body is not None and body.tasks[0].pid:
                figures["pid"], figures["name"] = body.tasks[0].pid, body.tasks[0].name
        child.blocked_on = Clause(on.rule, figures)
        child.wait_number += 1
        return child.blocked_on

    def look(self, blocked: Collection[Task]) -> None:
        """Report which process waits for which, given the blocked tasks while all are at rest."""
        present = frozenset((task.pid, task.body.child.wait_number) for task in blocked if not task.spins)
        if present == self._last:
            return
        self._last = present
        self._known.clear()
        for child in self._crew.children():
            child.pid = self._crew.by_os_pid[child.os_pid].tasks[0].pid
            child.mode = Mode.RUNNING
            self._known[child.os_pid] = child
        self.by_pid.clear()
        for task in blocked:
            child = task.body.child
            if not task.spins and child.pid:
                child.mode = Mode.BLOCKED
                self.by_pid[child.pid] = child
        if self._monitor.has_told or any(
            child.blocked_on is not None and child.blocked_on.rule in WAITS_FOR_OTHERS for child in self.by_pid.values()
        ):
            self._monitor.look_now()

    def is_hopeless(self, blocked: Collection[Task]) -> bool:
        """Whether only a person could make anything go on."""
        children = [body.child for body in {task.body for task in blocked if not task.spins}]
        if any(prospect(child) in (Prospect.OPEN, Prospect.ALARM) for child in children):
            return False
        return not self._may_be_alarmed(children)

    def _may_be_alarmed(self, children: list[Child]) -> bool:
        """Whether one of the processes handles SIGALRM, and they have not waited long yet. Whether an alarm was set
        cannot be seen."""
        waits = frozenset((child.os_pid, child.wait_number) for child in children)
        if waits != self._alarmed:
            self._alarmed, self._give_up_ns = waits, time.monotonic_ns() + _MAX_ALARM_NS
        if time.monotonic_ns() >= self._give_up_ns:
            return False
        return any(procfs_timers.may_have_alarm(child.os_pid) for child in children)

    def verdict(self, blocked: Collection[Task]) -> Clause:
        """Return why nothing can happen any more."""
        children = [body.child for body in dict.fromkeys(task.body for task in blocked)]
        return verdict([(child.spec.name, prospect(child)) for child in children], self._monitor.deadlocked_names)

    def close(self) -> None:
        """Close the file in which programs note their locks."""
        self._said.close()
