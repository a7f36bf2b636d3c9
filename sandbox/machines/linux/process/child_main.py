"""What makes a child, just forked, one that can be scheduled: armed, confined, and stopped before its first own
instruction."""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import sys
from typing import NamedTuple

from sandbox.machines.linux.process.bodies import LISTENER
from sandbox.machines.linux.process.console import take_console
from sandbox.model.spec import ProcessSpec
from sandbox.util import interpreter, libc


class Ways(NamedTuple):
    """What all children have in common: their real CPU, and what we had before we took more for ourselves."""

    cpu: int
    nice: int
    descriptors: tuple[int, int]


def arm(parent: int, ways: Ways, spec: ProcessSpec, slave: int, listener: socket.socket | None) -> None:
    """In the child: comes back when it is dispatched for the first time. ``slave``: its side of its terminal."""
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.setsid()
    take_console(slave)
    if listener is not None:
        os.dup2(listener.detach(), LISTENER)
    os.closerange(LISTENER + (listener is not None), highest_descriptor())
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    resource.setrlimit(resource.RLIMIT_NOFILE, ways.descriptors)
    if spec.memory is not None:
        _limit_memory(spec.memory)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    libc.prctl(libc.PR_SET_TIMERSLACK, 1)  # a wait ends when it says, not some 50 µs later
    libc.set_name(spec.name)
    os.sched_setaffinity(0, {ways.cpu})
    os.setpriority(os.PRIO_PROCESS, 0, ways.nice)
    # A woken batch task does not preempt the one that is about to stop: switches can overlap.
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.environ.pop("PYTHONUNBUFFERED", None)  # unbuffered output is cut short by a stop
    os.environ["TERM"] = "xterm-256color"
    interpreter.forget_exit_functions()
    for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD, signal.SIGALRM, signal.SIGPROF):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # It leads a session with a terminal: its end would hang up on the children that it leaves behind.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    gc.enable()
    os.kill(os.getpid(), signal.SIGSTOP)


def _limit_memory(most: int) -> None:
    """No more than that, and no more than whoever started us may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def highest_descriptor() -> int:
    """One more than the highest number that a descriptor can have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft
