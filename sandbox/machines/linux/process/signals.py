"""Signals that the operator sends. Most processes stand still by our own SIGSTOP most of the time, which none of these
may end; and a SIGCONT for one that somebody else has stopped must not let it run before its turn."""

from __future__ import annotations

import signal
import time

from sandbox.machines.linux.process.child import STOPS, Child, Mode
from sandbox.machines.linux.procfs import withstands
from sandbox.util.units import MS

#: What nobody notices who has no handler for it.
_PASS_BY = frozenset({signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH})
#: So long one is waited for that stops, or goes on.
_MAX_WAIT_NS, _LOOK_S = 3 * MS, 100e-6


def send(child: Child, name: str) -> bool:
    """Send a signal, by its name without SIG. Returns whether the process has to be stopped anew by us."""
    number = signal.Signals[f"SIG{name}"]
    if number == signal.SIGCONT:
        return _continue(child)
    child.send(number)
    if number == signal.SIGKILL:
        child.stop_wanted = False  # on its way out it runs, and nothing stops it
    elif number in STOPS:
        if child.mode is Mode.BLOCKED:
            _wait_for(child, stopped=True)
    elif number not in _PASS_BY and not child.held and not withstands(child.os_pid, number):
        child.resume()  # it ends at once, stopped by us or not; one that others have stopped hears it when it goes on
    return False


def _continue(child: Child) -> bool:
    """It is stopped by nobody but us from now on. One that only we have stopped goes on at its turn, and has heard of
    the signal by then, because it is continued with the same one."""
    held, child.held = child.held, False
    child.forget_stops()
    if not held or not child.send(signal.SIGCONT):
        return False
    if child.mode is Mode.BLOCKED:
        _wait_for(child, stopped=False)
        return False
    child.stop()
    return child.stopping_ns is not None


def _wait_for(child: Child, stopped: bool) -> None:
    give_up_ns = time.monotonic_ns() + _MAX_WAIT_NS
    while (child.state()[0] == "T") is not stopped and time.monotonic_ns() < give_up_ns:
        time.sleep(_LOOK_S)
