"""What runs in a child after the fork: it makes itself a process that can be scheduled, stops, and once it is
dispatched does what its scenario says.

The order matters. It is bound to end with us before its first stop, because a stopped process in a session of its own
would otherwise outlive us for ever; and it stops itself, so that seeing it stopped is the proof that all of this has
been done.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from sandbox.machines.linux.process.console import take_console
from sandbox.machines.linux.process.limits import descriptor_limit
from sandbox.model.spec import SERVERS, ProcessSpec
from sandbox.programs import client, forking_server, iterative_server, nonblocking_server
from sandbox.programs.conversation import Conduct
from sandbox.programs.function import call, finish, print_exception
from sandbox.programs.work import work
from sandbox.util import interpreter, libc
from sandbox.util.addresses import Address
from sandbox.util.units import S

#: What a process does once it is dispatched: it returns an exit status, or becomes another program.
Program = Callable[[], int]

#: Where a server finds the socket at which it listens.
_LISTENER = 3
_SERVE = {
    "forking-server": forking_server.serve,
    "iterative-server": iterative_server.serve,
    "nonblocking-server": nonblocking_server.serve,
}
#: Exit statuses of a shell.
_CANNOT_RUN, _NOT_FOUND = 126, 127


class ChildSettings(NamedTuple):
    """What is the same for all children: the process that forks them, the real CPU on which they start, and the nice
    value and the limit of descriptors that we had before we took more for ourselves."""

    parent: int
    cpu: int
    nice: int
    descriptors: tuple[int, int]


def child_main(
    settings: ChildSettings, spec: ProcessSpec, terminal: int, listener: socket.socket | None, program: Program
) -> NoReturn:
    """The whole life of a child. ``terminal``: its end of its pseudo-terminal."""
    status = 1
    try:
        _become_schedulable(settings, spec, terminal, listener)
        os.kill(os.getpid(), signal.SIGSTOP)
        status = program()
    except BaseException:
        print_exception()
    finally:
        finish(status)


def _become_schedulable(
    settings: ChildSettings, spec: ProcessSpec, terminal: int, listener: socket.socket | None
) -> None:
    if not libc.end_with_parent(settings.parent):
        os._exit(1)
    os.setsid()
    take_console(terminal)
    if listener is not None:
        os.dup2(listener.detach(), _LISTENER)
    os.closerange(_LISTENER + (listener is not None), descriptor_limit())
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    resource.setrlimit(resource.RLIMIT_NOFILE, settings.descriptors)
    if spec.memory is not None:
        _limit_memory(spec.memory)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    libc.prctl(libc.PR_SET_TIMERSLACK, 1)  # a wait ends when it says, not some 50 µs later
    libc.set_name(spec.name)
    os.sched_setaffinity(0, {settings.cpu})
    os.setpriority(os.PRIO_PROCESS, 0, settings.nice)
    # A woken batch task does not preempt the one that is about to stop: switches can overlap.
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.environ.pop("PYTHONUNBUFFERED", None)  # unbuffered output is cut short by a stop
    os.environ["TERM"] = "xterm-256color"
    for size in ("COLUMNS", "LINES"):  # of another terminal than its own
        os.environ.pop(size, None)
    interpreter.forget_exit_functions()
    _reset_signals()
    gc.enable()


def _limit_memory(limit: int) -> None:
    """No more than that, and no more than we were allowed."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _reset_signals() -> None:
    """As a program finds them that a shell has started."""
    for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD, signal.SIGALRM, signal.SIGPROF):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # It leads a session with a terminal: its end would hang up on the children that it leaves behind.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


# What it does once it is dispatched: these are called before the fork, and refuse nothing


def synthetic_work(spec: ProcessSpec, overhead_ns: int, zero: Sequence[int]) -> Program:
    """Use the CPU and wait as declared. ``overhead_ns``: the CPU time that a process costs beyond that; ``zero``:
    where the machine's clock began."""
    since_ns = {"cpu": 0, "io": 0, "until": spec.arrive_ns}
    segments = [(segment.kind, segment.ns + since_ns[segment.kind]) for segment in spec.segments]

    def program() -> NoReturn:
        work(segments, overhead_ns, zero)
        os._exit(0)

    return program


def client_of(spec: ProcessSpec, address: Address) -> Program:
    """Talk to the server that listens there."""
    return lambda: client.talk((address.host, address.port), spec.say, spec.every_ns / S, spec.times)


def other_program(spec: ProcessSpec, folder: str) -> Program:
    """A server, a command, a Python function or a whole Python file; files lie in ``folder``."""
    if spec.program in SERVERS:
        serve, conduct = _SERVE[spec.program], Conduct(spec.name, spec.idle_ns / S, spec.clients)
        return lambda: serve(socket.socket(fileno=_LISTENER), conduct)
    if spec.command is not None:
        command = spec.command
        return lambda: _execute(command, folder)
    file, colon, function = (spec.python or "").partition(":")
    if not colon:  # the Python that we are: whatever else is called python3 here may be a shell script in front of it
        return lambda: _execute([sys.executable, file, *map(str, spec.args)], folder)
    return lambda: call(os.path.join(folder, file), function, spec.args)


def _execute(command: list[str], folder: str) -> int:
    """Become another program; where that fails, a shell's exit status."""
    try:
        os.chdir(folder)
    except OSError as error:
        print(f"{folder}: {error.strerror}", file=sys.stderr)
        return _CANNOT_RUN
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except FileNotFoundError:
        print(f"{command[0]}: not found", file=sys.stderr)
        return _NOT_FOUND
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return _CANNOT_RUN
    except ValueError as error:  # an empty name, a NUL byte
        print(f"{command[0]!r}: {error}", file=sys.stderr)
        return _CANNOT_RUN
