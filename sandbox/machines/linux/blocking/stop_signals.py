"""Finds out which signal has stopped a process.

The system tells it only until the process's parent has asked for it, which a shell with job control does at once.
After that it is inferred: from what the process was about to do, and from the signals that the operator sends.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import signal

from sandbox.machines.linux import procfs_files
from sandbox.machines.linux.blocking.system_calls import TERMINALS, Entered, entered_call, sent_signal
from sandbox.machines.linux.process.child import STOPS, Child
from sandbox.machines.linux.procfs import read_exit_status

#: Calls on a terminal that stop a process of the background.
_IN_BACKGROUND = {"read": signal.SIGTTIN, "write": signal.SIGTTOU, "device": signal.SIGTTOU}


def stop_signal(child: Child) -> signal.Signals:
    """Return the signal that has stopped this process; SIGSTOP if it is unknown. To be remembered in ``stopped_by``
    until the process continues."""
    told = read_exit_status(child.stat_fd)
    if told not in STOPS:
        told = child.stopped_by or _inferred(child)
    child.stopped_by, child.stop_expected = told, 0
    return signal.Signals(told)


def _inferred(child: Child) -> int:
    entered = entered_call(child, child.os_pid)
    if not isinstance(entered, Entered):
        return child.stop_expected or signal.SIGSTOP
    if (own := sent_signal(entered)) in STOPS:
        return own
    if child.stop_expected:
        return child.stop_expected
    at_terminal = procfs_files.descriptor_target(child.os_pid, entered.arguments[0]).startswith(TERMINALS)
    return _IN_BACKGROUND.get(entered.call or "", signal.SIGSTOP) if at_terminal else signal.SIGSTOP
