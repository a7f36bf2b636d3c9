"""Recognizes programs that notice when others are stopped, and so would notice our signals."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
from collections.abc import Sequence
from typing import Literal

from sandbox.machines.linux import procfs

#: What a program watches: its jobs (it waits for stopped children, too), or every step of others, as a tracer.
Watches = Literal["watches its jobs", "traces others"]

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh", "fish", "tcsh", "csh", "yash"})
_TRACERS = frozenset({"gdb", "lldb", "strace", "ltrace", "rr"})
#: Programs that stop themselves when their child is stopped, and continue it when they are continued.
_ECHOES = frozenset({"script", "su", "sudo", "runuser", "doas"})
_WRAPPERS = _ECHOES | {"expect", "parallel", "mpirun", "mpiexec", "tmux", "screen"}

# System calls that wait for a child, by number: which of their arguments has the options. The bit in these that asks
# for stopped children (WUNTRACED, WSTOPPED) follows.
_OPTIONS = {"x86_64": {61: 2, 247: 3}, "aarch64": {260: 2, 95: 3}}.get(os.uname().machine, {})
_WUNTRACED = 2


def watches(command: Sequence[str]) -> Watches | None:
    """Return what a program is known to watch, by its command line; None if it is not known to watch anything."""
    name, arguments = os.path.basename(command[0]), command[1:]
    if name in _TRACERS:
        return "traces others"
    if name in _WRAPPERS or (name in _SHELLS and _controls_jobs(arguments)):
        return "watches its jobs"
    return None


def _controls_jobs(arguments: Sequence[str]) -> bool:
    """Whether a shell with these arguments has job control: it is interactive, or was told so."""
    for argument in arguments:
        if argument.startswith("-") and not argument.startswith("--"):
            if set(argument) & {"i", "m"}:
                return True
        elif not argument.startswith("-"):
            return "set -m" in argument or "set -o monitor" in argument
    return True


def waits_for_stops(os_pid: int) -> bool:
    """Whether a process is in a call that waits for stopped children."""
    call = procfs.system_call(os_pid)
    if call is None or call == "running" or call.number not in _OPTIONS:
        return False
    return bool(call.arguments[_OPTIONS[call.number]] & _WUNTRACED)


def echoes_stops(os_pid: int) -> bool:
    """Whether a process that has stopped itself did so because we have stopped its child."""
    try:
        return procfs.Stat(os_pid).name in _ECHOES
    except OSError:
        return False
