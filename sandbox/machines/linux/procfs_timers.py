"""Tells from /proc whether a process may be woken by a timer: ``timers``, and the signals that it handles."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import signal

from sandbox.machines.linux.procfs import read_small, signal_masks

#: Signals that nobody handles together except whoever handles all that would end the process, in order to tidy up
#: before (sort, bash) or to pass them on (Go). That says nothing about an alarm.
_FATAL = {signal.SIGALRM, signal.SIGVTALRM, signal.SIGXCPU}


def has_timers(os_pid: int) -> bool:
    """Whether a process has timers of timer_create(2). Those of setitimer(2) and alarm(2) are not visible."""
    return bool(read_small(f"/proc/{os_pid}/timers"))


def may_have_alarm(os_pid: int, reads: bool = True) -> bool:
    """Whether a process may have set an alarm, as far as its handlers tell. ``reads``: whether it may be reading: bash,
    which handles all but SIGPROF, has used an alarm for the time limit of its ``read``."""
    handled = signal_masks(os_pid)["handled"]
    return signal.SIGALRM in handled and not (handled >= _FATAL and (signal.SIGPROF in handled or not reads))
