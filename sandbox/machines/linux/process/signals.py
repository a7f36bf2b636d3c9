"""Signals that the operator sends. Most processes stand still by our own SIGSTOP most of the time, which none of these
may end; and a SIGCONT for one that somebody else has stopped must not let it run before its turn."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import signal
import time
from collections.abc import Callable

from sandbox.machines.linux.process.child import STOPS, Child, Mode
from sandbox.machines.linux.procfs import withstands
from sandbox.util.units import MS, S

#: What nobody notices who has no handler for it.
_PASS_BY = frozenset({signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH})
#: So long one that waits may take to stop, or to go on waiting; how often it is looked.
_MAX_WAIT_NS, _AGAIN_NS = 2 * S, 2 * MS
_NEVER_NS = 1 << 62


class SentSignals:
    """``stopping``: is told of one that has to be stopped anew by us; ``changed``: of a blocked one that has stopped or
    waits on, and says whether it has taken notice. ``next_ns``: when to look for that (CLOCK_MONOTONIC)."""

    def __init__(self, stopping: Callable[[Child], None], changed: Callable[[Child], bool]) -> None:
        self._stopping, self._changed = stopping, changed
        self.next_ns = _NEVER_NS
        #: Blocked ones that were sent something, whether that stops them, and until when it is waited for.
        self._awaited: list[tuple[Child, bool, int]] = []

    def send(self, child: Child, name: str) -> None:
        """Send a signal, by its name without SIG."""
        number = signal.Signals[f"SIG{name}"]
        if number == signal.SIGCONT:
            self._continue(child)
            return
        child.send(number)
        child.stop_sent |= number == signal.SIGSTOP
        if number == signal.SIGKILL:
            child.stop_wanted = False  # on its way out it runs, and nothing stops it
        elif number in STOPS:
            self._await(child, stops=True)
        elif number not in _PASS_BY and not (child.held or child.stop_sent) and not withstands(child.os_pid, number):
            child.resume()  # it ends at once, stopped by us or not; else it hears it when somebody continues it

    def _continue(self, child: Child) -> None:
        """It is stopped by nobody but us from now on. One that only we have stopped goes on at its turn, and has heard
        of the signal by then, because it is continued with the same one."""
        held = child.held or child.stop_sent
        child.held = child.stop_sent = False
        child.forget_stops()
        if held and child.send(signal.SIGCONT):
            if child.mode is Mode.STOPPED:
                child.stop()
                self._stopping(child)
            self._await(child, stops=False)

    def _await(self, child: Child, stops: bool) -> None:
        if child.mode is Mode.BLOCKED:
            now_ns = time.monotonic_ns()
            self._awaited.append((child, stops, now_ns + _MAX_WAIT_NS))
            self.next_ns = min(self.next_ns, now_ns + _AGAIN_NS)

    def look(self) -> None:
        """See whether those have stopped, or gone on, that were to."""
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
