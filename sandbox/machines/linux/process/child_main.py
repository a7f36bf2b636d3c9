"""What runs in a child after the fork: it makes itself a process that can be scheduled, stops, and once it is
dispatched does what its scenario says.

The order matters. It is bound to end with us before its first stop, because a stopped process in a session of its own
would otherwise outlive us for ever; and it stops itself, so that seeing it stopped is the proof that all of this has
been done.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import gc
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn, Protocol

from sandbox.machines.linux.process.console import take_console
from sandbox.machines.linux.process.limits import descriptor_limit
from sandbox.machines.linux.process.session import begin_session
from sandbox.machines.linux.procfs import changed_signals
from sandbox.model.spec import SERVERS, ProcessSpec
from sandbox.programs import client, forking_server, iterative_server, nonblocking_server
from sandbox.programs import function as function_program
from sandbox.programs.conversation import Conduct
from sandbox.programs.work import work
from sandbox.util import interpreter, libc
from sandbox.util.addresses import Address
from sandbox.util.refusals import refused
from sandbox.util.units import S

#: Where a server finds the socket at which it listens.
_LISTENER = 3
_SERVE = {
    "forking-server": forking_server.serve,
    "iterative-server": iterative_server.serve,
    "nonblocking-server": nonblocking_server.serve,
}
#: The signals with a meaning have smaller numbers. The first ones of the others are the C library's own.
_REALTIME = 32
#: Exit statuses of a shell.
_CANNOT_RUN, _NOT_FOUND = 126, 127


class Note(Protocol):
    """A line for our parent."""

    def __call__(self, *words: str) -> object: ...


class Program(NamedTuple):
    """What a process does: ``main`` returns an exit status, or becomes another program. ``executes``: it does the
    latter. ``stops``: it stops by itself before its first own instruction, because it gets ready only then."""

    main: Callable[[], int]
    executes: bool = False
    stops: bool = False


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
        _prepare_own_code(spec.name)


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
        os.dup2(listener.detach(), _LISTENER)
    os.closerange(_LISTENER + (listener is not None), descriptor_limit())


def _become_schedulable(settings: ChildSettings, spec: ProcessSpec, program: Program, note: Note) -> None:
    if spec.address_space is not None:
        _limit_address_space(spec.address_space)
    for rule, wish, *arguments in _wishes(settings, program.executes):
        try:
            wish(*arguments)
        except OSError as error:
            note(rule, f"{wish.__name__}: {error.strerror}")
    os.environ.pop("PYTHONUNBUFFERED", None)  # unbuffered output is cut short by a stop
    os.environ["TERM"] = "xterm-256color"
    for size in ("COLUMNS", "LINES"):  # of another terminal than its own
        os.environ.pop(size, None)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


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


def _prepare_own_code(name: str) -> None:
    """This copy of the kernel process goes on as a program of ours."""
    libc.set_name(name)
    output: Any = sys.stdout
    output.reconfigure(line_buffering=True)
    interpreter.forget_exit_functions()
    gc.enable()


# What it does once it is dispatched: these are called before the fork, and refuse nothing


def synthetic_work(spec: ProcessSpec, overhead_ns: int, zero: Sequence[int]) -> Program:
    """Use the CPU and wait as declared. ``overhead_ns``: the CPU time that a process costs beyond that; ``zero``:
    where the machine's clock began."""
    since_ns = {"cpu": 0, "io": 0, "until": spec.arrive_ns}
    segments = [(segment.kind, segment.ns + since_ns[segment.kind]) for segment in spec.segments]

    def program() -> NoReturn:
        work(segments, overhead_ns, zero)
        os._exit(0)

    return Program(program)


def client_of(spec: ProcessSpec, address: Address) -> Program:
    """Talk to the server that listens there."""
    return Program(lambda: client.talk((address.host, address.port), spec.say, spec.every_ns / S, spec.times))


def other_program(spec: ProcessSpec, folder: str, notes: str = "") -> Program:
    """A server, a command, a Python function or a whole Python file; files lie in ``folder``. ``notes``: where a Python
    process notes its locks ("": nowhere)."""
    if spec.program in SERVERS:
        serve, conduct = _SERVE[spec.program], Conduct(spec.name, spec.idle_ns / S, spec.clients)
        return Program(lambda: serve(socket.socket(fileno=_LISTENER), conduct))
    if spec.command is not None:
        command = spec.command
        return Program(lambda: _execute(command, folder), executes=True)
    # The Python that we are: whatever else is called python3 here may be a shell script in front of it.
    python = sys.executable
    file, colon, function = (spec.python or "").partition(":")
    if not colon and not (notes and spec.hook):
        return Program(lambda: _execute([python, file, *map(str, spec.args)], folder), executes=True)
    told = [spec.name, str(int(signal.SIGSTOP)), file, function, ascii(spec.args), notes if spec.hook else ""]
    call = [python, function_program.__file__, *told]
    return Program(lambda: _execute(call, folder), executes=True, stops=bool(colon))


def _execute(command: list[str], folder: str) -> int:
    """Become another program; where that fails, a shell's exit status."""
    try:
        os.chdir(folder)
    except OSError as error:
        print(f"{folder}: {error.strerror}", file=sys.stderr)
        return _CANNOT_RUN
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


# How it ends


def print_exception() -> None:
    """The traceback of the exception in hand, on standard error."""
    import traceback  # in the child only: the kernel process, of which it is a copy, stays small

    traceback.print_exc()


def finish(status: int) -> NoReturn:
    """End this forked process as the interpreter would end: threads joined, exit functions run, output out."""
    try:
        interpreter.run_exit_functions()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        status = status or 1
    os._exit(status & 0xFF)
