"""Keeps track of which processes are blocked, on what, and until when."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import signal
import time
from collections.abc import Iterator, Mapping

from sandbox.kernel.machine import Waits, Woke
from sandbox.machines.linux.blocking.block_reason import block_reason
from sandbox.machines.linux.blocking.stop_signals import stop_signal
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.switching.watchers import echoes_stops
from sandbox.machines.linux.switching.writes import WriteGuard
from sandbox.machines.reports import Reports
from sandbox.model.events import Clause, Figure
from sandbox.model.rules import FOR_OTHERS, POLL
from sandbox.util.units import MS, US

#: The process waits to be continued. If another process of the board may have stopped it, it is said to be "stopped".
_STOPPED_ITSELF, _STOPPED = "stopped itself", "stopped"
#: Waits that another process may end.
WAITS_FOR_OTHERS = {*FOR_OTHERS, POLL}
#: Figures of a reason that are os_pids.
_RELATIVES = {"child", "peer"}
#: How much CPU time processes may take to re-enter their calls after a pause: in total, plus for each of them; how long
#: they may take to get it, on a busy machine; and the interval of checking that.
_MAX_RETURN_NS, _MAX_RETURN_EACH_NS = 3 * MS, 50 * US
_MAX_RETURN_DELAY_NS, _RETURN_LOOK_S = 100 * MS, 50e-6
#: The minimum interval of reports on a process that wakes and blocks in turn too fast to be stopped in between.
MIN_REPORT_NS = 20 * MS


class BlockedProcesses:
    """Keeps track of the blocked processes, and reports their waits.

    ``known``: all processes by the system's number, so that a reason can name one; ``guard`` knows the processes that
    are in the middle of a write.
    """

    def __init__(self, known: Mapping[int, Child], guard: WriteGuard, reports: Reports) -> None:
        self._known = known
        self._guard = guard
        self._reports = reports
        self.by_pid: dict[int, Child] = {}
        #: Processes that have blocked, with the reason still to be found out.
        self._unexplained: list[Child] = []
        #: Whether a process has begun to wait for others since this was last reset.
        self.for_others = False
        #: The same for a process with several threads, whose first thread waits for something else.
        self.for_threads = False
        #: Whether any process has blocked or ended since this was last reset.
        self.changed = False

    def add(self, child: Child, at_ns: int | None) -> None:
        """Note that a running process has blocked, at ``at_ns`` (None: unknown). The reason is found out later, when
        another process has the CPU."""
        child.mode = Mode.BLOCKED
        child.blocked_ns = self._reports.now_ns() if at_ns is None else at_ns
        child.blocked_on = None
        child.wait_number += 1
        self.by_pid[child.pid] = child
        self._unexplained.append(child)
        self._reports.used[child.pid] = child.cpu_ns() if at_ns is None else child.estimated_cpu_ns(at_ns)
        self._reports.add(Waits(child.pid, None))

    def explain(self) -> Iterator[tuple[Child, Clause]]:
        """Yield the processes that were added since the last call and are still blocked, each with the reason."""
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
        """Forget a process that has ended."""
        self.by_pid.pop(child.pid, None)
        self.changed = True

    def _note_kind(self, child: Child, on: Clause) -> None:
        self.changed = True
        if on.rule in WAITS_FOR_OTHERS:
            self.for_others = True
        elif child.threads > 1:
            self.for_threads = True

    def blocked_again(self, child: Child, now_ns: int) -> bool:
        """Report the new wait of a process that woke and blocked again before it could be stopped. Return False if it
        is too soon for another report."""
        if now_ns - child.wait_reported_ns < MIN_REPORT_NS:
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
        """Note that a process is not run at its turn, because it was also stopped by another process."""
        child.mode = Mode.BLOCKED
        child.wait_number += 1
        child.wait_cpu_ns = child.cpu_ns()
        child.blocked_on = self._why_stopped(child)
        self.by_pid[child.pid] = child
        self._reports.add(Waits(child.pid, child.blocked_on))
        self._undo_echo(child)

    def wake(self, child: Child) -> None:
        """Note that a process can run again."""
        if self.by_pid.pop(child.pid, None) is None:
            return  # its wake was already reported, and the kernel has not processed that yet
        child.held, child.stopped_by = False, 0
        self._reports.add(Woke(child.pid))

    def _undo_echo(self, child: Child) -> None:
        """Continue a process that has stopped itself only because we have stopped its child. It goes on at its next
        turn."""
        if child.held and _echoes(child):
            child.send(signal.SIGCONT)  # an additional stop of ours would be mistaken for another process's
            self.wake(child)

    def _reason(self, child: Child, since_ns: int) -> Clause:
        """Return the reason for a block. A relative in it is named by its pid on the board and its name."""
        child.held = child.state()[0] == "T"
        if child.held:
            return self._why_stopped(child)
        child.stopped_by = 0
        on = block_reason(child, self._reports.now_ns() - since_ns, self._known.values())
        figures = dict(on.figures)
        for key in _RELATIVES & figures.keys():
            os_pid = figures.pop(key)
            relative = self._known.get(os_pid) if isinstance(os_pid, int) else None
            if relative is not None and relative.pid:
                figures["pid"], figures["name"] = relative.pid, relative.spec.name
        return Clause(on.rule, figures)

    def _why_stopped(self, child: Child) -> Clause:
        """Return the reason of a stopped process. A process without a parent on the board has stopped itself, which is
        also reported once as a fault, because it may never be continued."""
        by = stop_signal(child)
        if child.parent is None and by is signal.SIGSTOP and not child.stop_sent and not _echoes(child):
            self._reports.fault_once(child, _STOPPED_ITSELF)
            return Clause(_STOPPED_ITSELF)
        return Clause(_STOPPED, {"signal": by.name})

    # Pauses

    def stop(self) -> None:
        """Stop the blocked processes for a pause, as soon as that does no harm."""
        for child in self.by_pid.values():
            if child.writing and self._guard.spares(child):
                child.spare()
            else:
                child.stop()

    def resume(self) -> None:
        """Continue the blocked processes after a pause.

        A process whose call was interrupted re-enters it, and needs the CPU for that, which is not a wake. No other
        process has the CPU yet, and the clock stands. A process that is still awake after some CPU time has really
        woken.
        """
        awake = {child: child.cpu_ns() for child in self.by_pid.values()}
        for child in awake:
            child.resume()
        left_ns = _MAX_RETURN_NS + _MAX_RETURN_EACH_NS * len(awake)
        give_up_ns = time.monotonic_ns() + _MAX_RETURN_DELAY_NS
        while awake and time.monotonic_ns() < give_up_ns:
            time.sleep(_RETURN_LOOK_S)  # on a single real CPU, they need it
            awake = {child: began_ns for child, began_ns in awake.items() if child.state()[0] == "R"}
            if sum(child.cpu_ns() - began_ns for child, began_ns in awake.items()) > left_ns:
                break


def _echoes(child: Child) -> bool:
    """Whether the process stops itself whenever its child is stopped. If that is done by signals, it was our doing."""
    return child.leaf is None and echoes_stops(child.os_pid)


def _kind_of_wait(on: Clause) -> tuple[str, dict[str, Figure]]:
    """Return the kind of the wait, without its length."""
    return on.rule, {name: figure for name, figure in on.figures.items() if name != "for_ns"}
