"""What runs in a child after the fork: it makes itself a process that can be scheduled, stops, and once it is
dispatched does what its scenario says.

The order matters. It is bound to end with us before its first stop, because a stopped process in a session of its own
would otherwise outlive us for ever; and it stops itself, so that seeing it stopped is the proof that all of this has
been done.
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

#: The signals with a meaning have smaller numbers. The first ones of the others are the C library's own.
_REALTIME = 32


class Note(Protocol):
    """A line for our parent."""

    def __call__(self, *words: str) -> object: ...


class ChildSettings(NamedTuple):
    """What is the same for all children: the process that forks them, the real CPU on which they start, and the nice
    value, the limit of descriptors and the timer slack that we had before we took more for ourselves. ``batch``: a
    woken one does not preempt another. ``setuid``: programs may gain privileges."""

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
    """The whole life of a child. ``terminal``: its end of its pseudo-terminal; ``note``: tells our parent what was
    refused to it, or by which rule it does without and why; ``news``: where a program's os_pid is told."""
    status = 1
    try:
        try:
            _get_ready(settings, spec, terminal, listener, program, note, news)
        except OSError as error:
            note(refused(error))
            os._exit(1)
        if not program.stops:
            os.kill(os.getpid(), signal.SIGSTOP)
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
    """Raises OSError."""
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
    """As a login shell has them: all at their defaults, whatever we were started with. What somebody chose to ignore
    (``nohup``, a background job's ctrl+c) was meant for the terminal in which we were started; a child has another."""
    for number in changed_signals(os.getpid()):  # to set all of them takes a tenth of a birth
        if number < _REALTIME or number >= signal.SIGRTMIN:
            signal.signal(number, signal.SIG_DFL)


def _lead_session(terminal: int) -> None:
    os.setsid()
    take_console(terminal)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Its end would hang up on the children that it leaves behind.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _close_all_but(listener: socket.socket | None) -> None:
    """It has its console, and a server its socket."""
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
    """What a process has where it may, each with the rule of the fault that says what it does without."""
    # A wait of our own programs ends when it says, not some 50 µs later.
    yield "waits late", libc.prctl, libc.PR_SET_TIMERSLACK, settings.timer_slack_ns if executes else 1
    yield "keeps our descriptors", resource.setrlimit, resource.RLIMIT_NOFILE, settings.descriptors
    yield "keeps our priority", os.setpriority, os.PRIO_PROCESS, 0, settings.nice
    if not settings.setuid:
        yield "not confined", libc.prctl, libc.PR_SET_NO_NEW_PRIVS, 1
    yield "not pinned", os.sched_setaffinity, 0, {settings.cpu}
    if settings.batch:  # a woken batch task does not preempt the one that is about to stop: switches can overlap
        yield "not a batch task", os.sched_setscheduler, 0, os.SCHED_BATCH, os.sched_param(0)


def _limit_address_space(limit: int) -> None:
    """No more than that, and no more than we were allowed."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
