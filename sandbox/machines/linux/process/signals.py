"""Sends the signals that the operator asks for.

Most processes are stopped by our own SIGSTOP most of the time, which must not be undone by them. And a SIGCONT for a
process that is stopped by another process must not make it run before its turn.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import signal
import time
from collections.abc import Callable, Collection

from sandbox.machines.linux.process.child import STOPS, Child, Mode
from sandbox.machines.linux.process.suspension import CTRL_Z, is_not_suspended, not_suspended, suspended
from sandbox.machines.linux.procfs import withstands
from sandbox.machines.reports import Reports
from sandbox.util.units import MS, S

#: Signals that have no effect on a process without a handler for them.
_PASS_BY = frozenset({signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH})
#: How long a blocked process may take to stop, or to resume its wait, and how often that is checked.
_MAX_WAIT_NS, _AGAIN_NS = 2 * S, 2 * MS
_NEVER_NS = 1 << 62


class SentSignals:
    """Sends signals and follows up on those that stop or continue a blocked process. Reports stop signals without
    effect.

    ``children``: all processes; ``stopping``: called with those that we had to stop again; ``changed``: called with a
    blocked process that has stopped or resumed its wait, returns whether that was handled. ``next_ns``: when to check
    for that (CLOCK_MONOTONIC).
    """

    def __init__(
        self,
        children: Collection[Child],
        reports: Reports,
        stopping: Callable[[Collection[Child]], None],
        changed: Callable[[Child], bool],
    ) -> None:
        self._children, self._reports = children, reports
        self._stopping, self._changed = stopping, changed
        self.next_ns = _NEVER_NS
        #: Blocked processes that were sent a signal: whether it stops them, and until when (CLOCK_MONOTONIC) that is
        #: awaited.
        self._awaited: list[tuple[Child, bool, int]] = []

    def send(self, child: Child, name: str) -> None:
        """Send a signal, given by its name without SIG."""
        number = signal.Signals[f"SIG{name}"]
        if number == signal.SIGCONT:
            self._continue(child)
            return
        if is_not_suspended(child, number, self._children):
            self._reports.fault_once(child, "not suspended", by=name)
        child.send(number)
        child.stop_sent |= number == signal.SIGSTOP
        if number == signal.SIGKILL:
            child.stop_wanted = False  # it needs the CPU to exit, and cannot be stopped
        elif number in STOPS:
            child.stop_expected = number
            self._await(child, stops=True)
        elif number not in _PASS_BY and not (child.held or child.stop_sent) and not withstands(child.os_pid, number):
            child.resume()  # it ends at once, stopped by us or not; otherwise the signal waits until it is continued

    def by_keys(self, keys: str, child: Child) -> None:
        """Look at keys that will be typed into the console of a process: the terminal will turn ctrl+z into a
        signal."""
        if CTRL_Z in keys and child.console is not None:
            unmoved = not_suspended(child.console, self._children)
            if unmoved is not None:
                self._reports.fault_once(unmoved, "not suspended", by="ctrl+z")
            for other in suspended(child.console, self._children):
                other.stop_expected = signal.SIGTSTP

    def _continue(self, child: Child) -> None:
        """Undo all stops other than our own. A process that only we have stopped goes on at its turn, and then receives
        the signal that it was sent, because we continue it with SIGCONT as well."""
        held = child.held or child.stop_sent
        child.held, child.stop_sent, child.stop_expected = False, False, 0
        child.forget_stops()
        if held and child.send(signal.SIGCONT):
            if child.mode is Mode.STOPPED:
                child.stop()
                self._stopping((child,))
            self._await(child, stops=False)

    def _await(self, child: Child, stops: bool) -> None:
        if child.mode is Mode.BLOCKED:
            now_ns = time.monotonic_ns()
            self._awaited.append((child, stops, now_ns + _MAX_WAIT_NS))
            self.next_ns = min(self.next_ns, now_ns + _AGAIN_NS)

    def look(self) -> None:
        """Check whether the awaited processes have stopped or resumed their waits."""
        now_ns = time.monotonic_ns()
        if now_ns < self.next_ns:
            return
        left = []
        for child, stops, until_ns in self._awaited:
            if child.mode is not Mode.BLOCKED:
                continue
            done = (child.state()[0] == "T") is stops and self._changed(child)
            if not done and now_ns < until_ns:
                left.append((child, stops, until_ns))
        self._awaited = left
        self.next_ns = now_ns + _AGAIN_NS if left else _NEVER_NS
