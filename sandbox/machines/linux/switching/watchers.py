"""Recognizes programs that notice when others are stopped, and so would notice our signals."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import signal
from collections.abc import Sequence
from typing import Literal

from sandbox.machines.linux import procfs

#: What a program watches: its jobs (it waits for stopped children, too), or every step of others, as a tracer.
Watches = Literal["watches its jobs", "traces others"]

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh", "fish", "tcsh", "csh", "yash"})
#: Those that take a stopped child for one that has ended, or continue it, even in a script without job control.
_WATCHFUL = frozenset({"zsh", "fish", "tcsh", "csh", "bsd-csh"})
_TRACERS = frozenset({"gdb", "lldb", "strace", "ltrace", "rr"})
#: Programs that stop themselves when their child is stopped, and continue it when they are continued.
_ECHOES = frozenset({"script", "su", "sudo", "runuser", "doas"})
#: Options of shells that take the next word, words that turn on job control, and commands of scripts that do.
_WITH_ARGUMENT = frozenset({"-o", "+o", "-O", "+O", "--rcfile", "--init-file", "--profile"})
_OPTIONS_OF_JOBS = frozenset({"monitor", "interactive"})
_TURNS_ON = ("set -m", "set -o monitor", "setopt monitor", "setopt MONITOR")
_WRAPPERS = _ECHOES | {"expect", "parallel", "mpirun", "mpiexec", "tmux", "screen"}

#: Programs that handle SIGCHLD only to look which children have ended, and so are not misled by children that stop.
_LOOK_AFTER = _SHELLS | {"make", "gmake", "ninja", "node", "timeout"}

# System calls that wait for a child, by number: which of their arguments has the options. The bit in these that asks
# for stopped children (WUNTRACED, WSTOPPED) follows.
_OPTIONS = {"x86_64": {61: 2, 247: 3}, "aarch64": {260: 2, 95: 3}}.get(os.uname().machine, {})
_WUNTRACED = 2


def watches(command: Sequence[str]) -> Watches | None:
    """Return what a program is known to watch, by its command line; None if it is not known to watch anything."""
    name, arguments = os.path.basename(command[0]).lstrip("-"), command[1:]  # -bash: a login shell
    if name in _TRACERS:
        return "traces others"
    if name in _WRAPPERS or (name in _SHELLS and _controls_jobs(arguments)):
        return "watches its jobs"
    return None


def _controls_jobs(arguments: Sequence[str]) -> bool:
    """Whether a shell with these arguments has job control: it is interactive, or was told so."""
    words = iter(arguments)
    for word in words:
        if word in _WITH_ARGUMENT:
            if next(words, "") in _OPTIONS_OF_JOBS and word == "-o":
                return True
        elif word[:1] in ("-", "+") and len(word) > 1:
            if word[0] == "-" and word[1] != "-" and set(word) & {"i", "m"}:
                return True
        else:  # a script, or after -c a command
            said = " ".join((word, *words))
            return any(text in said for text in _TURNS_ON)
    return True


def is_watched(os_pid: int, parent: int) -> bool:
    """Return whether the parent of a process is a shell that will notice its stops: one that always does, or one with
    job control, which then makes each job lead a process group of its own."""
    try:
        shell, job = procfs.Stat(parent), procfs.Stat(os_pid)
    except OSError:
        return False  # one of them has ended
    names = _names(shell)
    if names & _WATCHFUL:
        return True
    return bool(names & _SHELLS) and job.group == os_pid and shell.session == job.session


def _names(stat: procfs.Stat) -> set[str]:
    """Return the name of a process and that of its program, which differ for a script that is executed."""
    return {stat.name, os.path.basename(procfs.executable(stat.os_pid))}


def takes_for_end(os_pid: int) -> tuple[bool, bool]:
    """Return whether a process handles SIGCHLD, and whether it blocks it, and so might take a child that stops for one
    that has ended. Whether its handler is spared that (SA_NOCLDSTOP) cannot be seen from outside."""
    handles, blocks = procfs.hears(os_pid, signal.SIGCHLD)
    if (handles or blocks) and _names(procfs.Stat(os_pid)) & _LOOK_AFTER:
        return False, False
    return handles, blocks


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
