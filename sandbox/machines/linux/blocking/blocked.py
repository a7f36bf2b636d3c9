"""Which processes are blocked, on what, and until when: from a block to the wake."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import signal
import time
from collections.abc import Iterator, Mapping

from sandbox.kernel.machine import Waits, Woke
from sandbox.machines.linux.blocking.block_reason import block_reason
from sandbox.machines.linux.process.child import STOPS, Child, Mode
from sandbox.machines.linux.procfs import read_exit_status
from sandbox.machines.linux.switching.watchers import echoes_stops
from sandbox.machines.linux.switching.writes import WriteGuard
from sandbox.machines.reports import Reports
from sandbox.model.events import Clause, Figure
from sandbox.model.rules import FOR_OTHERS, POLL
from sandbox.util.units import MS, US

#: It waits for somebody to continue it. A process that others on the board may have stopped is said to be "stopped".
_STOPPED_ITSELF, _STOPPED = "stopped itself", "stopped"
#: Waits that another process may end.
WAITS_FOR_OTHERS = {*FOR_OTHERS, POLL}
#: Figures of a reason that are os_pids.
_RELATIVES = {"child", "peer"}
#: How long processes may take to go back into their calls after a pause: all together, and each; how often we look.
_MAX_RETURN_NS, _MAX_RETURN_EACH_NS, _RETURN_LOOK_S = 3 * MS, 50 * US, 50e-6
#: A process that wakes and blocks by turns, faster than anybody could stop it, is reported this far apart at least.
_MIN_REPORT_NS = 20 * MS


class BlockedProcesses:
    """``known``: all processes by the system's number, so that a reason can name one; ``guard`` knows whom a stop would
    do harm."""

    def __init__(self, known: Mapping[int, Child], guard: WriteGuard, reports: Reports) -> None:
        self._known = known
        self._guard = guard
        self._reports = reports
        self.by_pid: dict[int, Child] = {}
        #: Have blocked, and on what is still to be found out.
        self._unexplained: list[Child] = []
        #: Whether somebody has begun to wait for others since that was last asked.
        self.for_others = False
        #: The same of a process with several threads, whose first one waits for something else.
        self.for_threads = False
        #: Whether any process has blocked, or ended.
        self.changed = False

    def add(self, child: Child, at_ns: int | None) -> None:
        """A process that had the CPU has blocked, at that time if it is known. On what is found out once another one
        has the CPU."""
        child.mode = Mode.BLOCKED
        child.blocked_ns = self._reports.now_ns() if at_ns is None else at_ns
        child.blocked_on = None
        child.wait_number += 1
        self.by_pid[child.pid] = child
        self._unexplained.append(child)
        self._reports.used[child.pid] = child.cpu_ns() if at_ns is None else child.estimated_cpu_ns(at_ns)
        self._reports.add(Waits(child.pid, None))

    def explain(self) -> Iterator[tuple[Child, Clause]]:
        """On what those are blocked that have been added since the last time, and still are."""
        if not self._unexplained:
            return
        unexplained, self._unexplained = self._unexplained, []
        for child in unexplained:
            if child.mode is Mode.BLOCKED:
                child.wait_cpu_ns = child.cpu_ns()
                child.blocked_on = self._reason(child, child.blocked_since_ns())
                self._note_kind(child, child.blocked_on)
                self._guard.note(child, child.blocked_on)
                yield child, child.blocked_on
                self._undo_echo(child)

    def ended(self, child: Child) -> None:
        """A process is no more."""
        self.by_pid.pop(child.pid, None)
        self.changed = True

    def _note_kind(self, child: Child, on: Clause) -> None:
        self.changed = True
        if on.rule in WAITS_FOR_OTHERS:
            self.for_others = True
        elif child.threads > 1:
            self.for_threads = True

    def blocked_again(self, child: Child, now_ns: int) -> bool:
        """A process woke and has blocked again, before anybody could stop it: whether that has been looked into."""
        if now_ns - child.wait_reported_ns < _MIN_REPORT_NS:
            return False
        child.wait_reported_ns = now_ns
        child.wait_cpu_ns = child.cpu_ns()
        before, child.blocked_on = child.blocked_on, self._reason(child, now_ns)
        child.wait_number += 1
        self._note_kind(child, child.blocked_on)
        if before is None or _kind_of_wait(before) != _kind_of_wait(child.blocked_on):
            self._reports.add(Waits(child.pid, child.blocked_on))
        self._undo_echo(child)
        return True

    def add_held(self, child: Child) -> None:
        """It was its turn, but somebody else has stopped it, too."""
        child.mode = Mode.BLOCKED
        child.wait_number += 1
        child.wait_cpu_ns = child.cpu_ns()
        child.blocked_on = self._why_stopped(child)
        self.by_pid[child.pid] = child
        self._reports.add(Waits(child.pid, child.blocked_on))
        self._undo_echo(child)

    def wake(self, child: Child) -> None:
        """A process can run again."""
        if self.by_pid.pop(child.pid, None) is None:
            return  # a moment ago it woke already, and the kernel has not been told yet
        child.held = False
        self._reports.add(Woke(child.pid))

    def _undo_echo(self, child: Child) -> None:
        """A program that stops itself whenever its child is stopped, which was our doing, goes on at its next turn."""
        if child.held and _echoes(child):
            child.send(signal.SIGCONT)  # a stop of ours beside its own would be taken for somebody else's
            self.wake(child)

    def _reason(self, child: Child, since_ns: int) -> Clause:
        """On what it is blocked; a relative in that is named by its pid on the board and its name."""
        child.held = child.state()[0] == "T"
        if child.held:
            return self._why_stopped(child)
        on = block_reason(child, self._reports.now_ns() - since_ns, self._known.values())
        figures = dict(on.figures)
        for key in _RELATIVES & figures.keys():
            os_pid = figures.pop(key)
            relative = self._known.get(os_pid) if isinstance(os_pid, int) else None
            if relative is not None and relative.pid:
                figures["pid"], figures["name"] = relative.pid, relative.spec.name
        return Clause(on.rule, figures)

    def _why_stopped(self, child: Child) -> Clause:
        """One of ours that has nobody above it is said to have stopped itself, once as a fault: perhaps nobody will
        continue it."""
        number = read_exit_status(child.stat_fd)
        by = signal.Signals(number) if number in STOPS else signal.SIGSTOP
        if child.parent is None and by is signal.SIGSTOP and not child.stop_sent and not _echoes(child):
            self._reports.fault_once(child, _STOPPED_ITSELF)
            return Clause(_STOPPED_ITSELF)
        return Clause(_STOPPED, {"signal": by.name})

    # Pauses

    def stop(self) -> None:
        """In a pause they are stopped, too, as soon as that does no harm."""
        for child in self.by_pid.values():
            if child.writing and self._guard.spares(child):
                child.spare()
            else:
                child.stop()

    def resume(self) -> None:
        """The pause is over: they go on waiting.

        One whose call was broken off begins it anew, and needs the CPU for that; it is no wake, and nobody else has
        the CPU yet. One that is still awake after a moment has really woken meanwhile.
        """
        children = [*self.by_pid.values()]
        for child in children:
            child.resume()
        give_up_ns = time.monotonic_ns() + _MAX_RETURN_NS + _MAX_RETURN_EACH_NS * len(children)
        while children and time.monotonic_ns() < give_up_ns:
            time.sleep(_RETURN_LOOK_S)  # where there is a single real CPU, it is theirs as well
            children = [child for child in children if child.state()[0] == "R"]


def _echoes(child: Child) -> bool:
    """Whether it stops itself whenever its child is stopped: which is our doing, if that is done by signals."""
    return child.leaf is None and echoes_stops(child.os_pid)


def _kind_of_wait(on: Clause) -> tuple[str, dict[str, Figure]]:
    """What it is for, however long."""
    return on.rule, {name: figure for name, figure in on.figures.items() if name != "for_ns"}
