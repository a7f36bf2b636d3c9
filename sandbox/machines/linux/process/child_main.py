"""What runs in a child after the fork: it makes itself schedulable, stops, and runs its program when it is dispatched.

The order matters. Before its first stop the child is bound to die with us, because a stopped process in its own session
would otherwise outlive us. And since it stops itself, seeing it stopped proves that all of the preparation is done.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import resource
import signal
import socket
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn, Protocol

from sandbox.machines.console import take_console
from sandbox.machines.life import LISTENER, Program, begin_own_code, finish, print_exception, set_surroundings
from sandbox.machines.linux.process.limits import descriptor_limit
from sandbox.machines.linux.process.session import begin_session
from sandbox.machines.linux.procfs import changed_signals
from sandbox.model.spec import ProcessSpec
from sandbox.util import libc
from sandbox.util.refusals import refused

#: The first realtime signal number. All standard signals are below; the first realtime ones belong to the C library.
_REALTIME = 32


class Note(Protocol):
    """Reports a line of words to our parent."""

    def __call__(self, *words: str) -> object: ...


class ChildSettings(NamedTuple):
    """What is the same for all children.

    ``parent``: the process that forks them; ``cpu``: the real CPU on which they start; ``nice``, ``descriptors``,
    ``timer_slack_ns``: the nice value, the limit of descriptors and the timer slack that we had before we raised our
    own; ``batch``: whether to use SCHED_BATCH, so that a woken process does not preempt another; ``setuid``: whether
    programs may gain privileges.
    """

    parent: int
    cpu: int
    nice: int
    descriptors: tuple[int, int]
    timer_slack_ns: int
    batch: bool = True
    setuid: bool = False


def child_main(
    settings: ChildSettings,
    spec: ProcessSpec,
    terminal: int,
    listener: socket.socket | None,
    program: Program,
    note: Note,
    news: int = -1,
) -> NoReturn:
    """Run the whole life of a child.

    ``terminal``: its side of its pseudo-terminal; ``note``: reports to our parent why the child could not start (one
    word), or what it does without (a rule and the reason); ``news``: a pipe to which the os_pid of an executed program
    is written.
    """
    status = 1
    try:
        try:
            _get_ready(settings, spec, terminal, listener, program, note, news)
        except OSError as error:
            note(refused(error))
            os._exit(1)
        if not program.stops:
            os.kill(os.getpid(), signal.SIGSTOP)
        if not program.executes:  # from here on a traceback is about the program
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = program.main()
    except BaseException:
        print_exception()
    finally:
        finish(status)


def _get_ready(
    settings: ChildSettings,
    spec: ProcessSpec,
    terminal: int,
    listener: socket.socket | None,
    program: Program,
    note: Note,
    news: int,
) -> None:
    """Make the child schedulable. Raises OSError."""
    if not libc.end_with_parent(settings.parent):
        os._exit(1)
    _reset_signals()
    if program.executes:
        begin_session(terminal, settings.parent, news)
    else:
        _lead_session(terminal)
    _close_all_but(listener)
    _become_schedulable(settings, spec, program, note)
    if not program.executes:
        libc.set_name(spec.name)
        begin_own_code()


def _reset_signals() -> None:
    """Set all signals to their defaults, as a login shell has them. Signals that are ignored where we were started
    (because of ``nohup``, or for a background job) were meant for that terminal; the child has another one."""
    for number in changed_signals(os.getpid()):  # resetting all of them would take a tenth of a birth
        if number < _REALTIME or number >= signal.SIGRTMIN:
            signal.signal(number, signal.SIG_DFL)


def _lead_session(terminal: int) -> None:
    os.setsid()
    take_console(terminal)
    # Otherwise its exit would hang up on the children that it leaves behind.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _close_all_but(listener: socket.socket | None) -> None:
    """Close all descriptors except the console and, for a server, the listening socket."""
    if listener is not None:
        os.dup2(listener.detach(), LISTENER)
    os.closerange(LISTENER + (listener is not None), descriptor_limit())


def _become_schedulable(settings: ChildSettings, spec: ProcessSpec, program: Program, note: Note) -> None:
    if spec.address_space is not None:
        _limit_address_space(spec.address_space)
    for rule, wish, *arguments in _wishes(settings, program.executes):
        try:
            wish(*arguments)
        except OSError as error:
            note(rule, f"{wish.__name__}: {error.strerror}")
    set_surroundings()


def _wishes(settings: ChildSettings, executes: bool) -> Iterator[tuple[Any, ...]]:
    """Return what a process should have if that is permitted, each with the rule of the fault that tells of its
    lack."""
    # Waits of our own programs should end on time, not some 50 µs later.
    yield "waits late", libc.prctl, libc.PR_SET_TIMERSLACK, settings.timer_slack_ns if executes else 1
    yield "keeps our descriptors", resource.setrlimit, resource.RLIMIT_NOFILE, settings.descriptors
    yield "keeps our priority", os.setpriority, os.PRIO_PROCESS, 0, settings.nice
    if not settings.setuid:
        yield "not confined", libc.prctl, libc.PR_SET_NO_NEW_PRIVS, 1
    yield "not pinned", os.sched_setaffinity, 0, {settings.cpu}
    if settings.batch:  # a woken batch task does not preempt one that is about to be stopped: switches can overlap
        yield "not a batch task", os.sched_setscheduler, 0, os.SCHED_BATCH, os.sched_param(0)


def _limit_address_space(limit: int) -> None:
    """Limit the address space to ``limit`` bytes, or to our own hard limit if that is lower."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
