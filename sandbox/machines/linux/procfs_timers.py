"""Tells from /proc whether a process may be woken by a timer: ``timers``, the signals that it handles, and, for root,
``/proc/timer_list``."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import re
import signal
from pathlib import Path

from sandbox.machines.linux.procfs import read_small, signal_masks

#: Signals that nobody handles together except whoever handles all that would end the process, in order to tidy up
#: before (sort, bash) or to pass them on (Go). That says nothing about an alarm.
_FATAL = {signal.SIGALRM, signal.SIGVTALRM, signal.SIGXCPU}
#: A timer of alarm(2) or setitimer(2) in the list of all timers of the system: its address, which the system disguises,
#: and when it expires.
_ALARM = re.compile(r"<([0-9a-f]+)>, it_real_fn,.*\n # expires at (\d+)")
_ALL_TIMERS = Path("/proc/timer_list")


def has_timers(os_pid: int) -> bool:
    """Whether a process has timers of timer_create(2). Those of setitimer(2) and alarm(2) are not visible there."""
    return bool(read_small(f"/proc/{os_pid}/timers"))


def alarms() -> set[tuple[str, str]] | None:
    """Return the timers of alarm(2) and setitimer(2) of all processes of the system, each with when it expires; None if
    the system does not tell. To whom they belong is not visible."""
    try:
        text = _ALL_TIMERS.read_text()
    except OSError:
        return None  # only root may read it
    return {*_ALARM.findall(text)} if text else None  # it is empty in many containers


def may_have_alarm(os_pid: int, reads: bool = True) -> bool:
    """Whether a process may have set an alarm, as far as its handlers tell. ``reads``: whether it may be reading: bash,
    which handles all but SIGPROF, has used an alarm for the time limit of its ``read``."""
    handled = signal_masks(os_pid)["handled"]
    return signal.SIGALRM in handled and not (handled >= _FATAL and (signal.SIGPROF in handled or not reads))


def limits_input(os_pid: int) -> bool:
    """Whether a process that reads a terminal has probably set a timer for that. Line editors and shells handle
    SIGALRM as well, but SIGWINCH, too."""
    handled = signal_masks(os_pid)["handled"]
    return has_timers(os_pid) or (signal.SIGWINCH not in handled and may_have_alarm(os_pid, reads=False))
