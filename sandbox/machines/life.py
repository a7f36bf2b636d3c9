"""What a forked process runs once it is dispatched, and how it ends, on all systems with ``fork``."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import gc
import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from sandbox.model.clause import Clause
from sandbox.model.spec import SERVERS, ProcessSpec
from sandbox.programs import client, forking_server, iterative_server, nonblocking_server
from sandbox.programs import function as function_program
from sandbox.programs.conversation import Conduct
from sandbox.programs.work import work
from sandbox.util import interpreter
from sandbox.util.addresses import Address
from sandbox.util.text import clean_line
from sandbox.util.units import S

#: The descriptor of a server's listening socket.
LISTENER = 3
_SERVE = {
    "forking-server": forking_server.serve,
    "iterative-server": iterative_server.serve,
    "nonblocking-server": nonblocking_server.serve,
}
#: Exit statuses of a shell.
_CANNOT_RUN, _NOT_FOUND = 126, 127


#: How long after SIGTERM a process is killed, whether the operator has ended it or the run is over.
GRACE_NS = 2 * S


class SpawnFailed(Exception):
    """A process could not be started. ``what``: the reason, with its name."""

    def __init__(self, what: Clause) -> None:
        super().__init__(what.rule)
        self.what = what

    @classmethod
    def why(cls, name: str, reason: str) -> SpawnFailed:
        """Return the exception for this reason."""
        return cls(Clause("could not be started", {"name": name, "reason": clean_line(reason)}))


class Program(NamedTuple):
    """What a process runs. ``main``: returns an exit status, or executes another program, which ``executes`` tells.
    ``stops``: the program stops itself before its first own instruction, after its preparations."""

    main: Callable[[], int]
    executes: bool = False
    stops: bool = False


# Programs. These functions are called before the fork, and raise no exceptions


def synthetic_work(spec: ProcessSpec, overhead_ns: int, zero: Sequence[int]) -> Program:
    """Return a program that uses the CPU and waits as declared. ``overhead_ns``: the CPU time that a process needs in
    addition; ``zero``: the CLOCK_MONOTONIC time at which the machine's time is 0."""
    since_ns = {"cpu": 0, "io": 0, "until": spec.arrive_ns}
    segments = [(segment.kind, segment.ns + since_ns[segment.kind]) for segment in spec.segments]

    def program() -> NoReturn:
        work(segments, overhead_ns, zero)
        os._exit(0)

    return Program(program)


def client_of(spec: ProcessSpec, address: Address) -> Program:
    """Return a program that talks to the server at this address."""
    return Program(lambda: client.talk((address.host, address.port), spec.say, spec.every_ns / S, spec.times))


def other_program(spec: ProcessSpec, folder: str, notes: str = "") -> Program:
    """Return a program that is a server, a command, a Python function or a Python file. ``folder``: the folder of
    files; ``notes``: the path where a Python process announces its locks ("": none)."""
    if spec.program in SERVERS:
        serve, conduct = _SERVE[spec.program], Conduct(spec.name, spec.idle_ns / S, spec.clients)
        return Program(lambda: serve(socket.socket(fileno=LISTENER), conduct))
    if spec.command is not None:
        command = spec.command
        return Program(lambda: _execute(command, folder), executes=True)
    # Our own interpreter, because python3 may be a shell script that starts it.
    python = sys.executable
    file, colon, function = (spec.python or "").partition(":")
    if not colon and not (notes and spec.hook):
        return Program(lambda: _execute([python, file, *map(str, spec.args)], folder), executes=True)
    told = [spec.name, str(int(signal.SIGSTOP)), file, function, ascii(spec.args), notes if spec.hook else ""]
    call = [python, function_program.__file__, *told]
    return Program(lambda: _execute(call, folder), executes=True, stops=bool(colon))


def _execute(command: list[str], folder: str) -> int:
    """Execute another program. If that fails, return the exit status that a shell would."""
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


def operators_program(argv: list[str]) -> ProcessSpec:
    """Return the specification of a program that the operator starts. It is named after the first word of the command,
    also if a shell runs it."""
    line = argv[2] if argv[:2] == ["sh", "-c"] and len(argv) == 3 else argv[0]
    first = line.split(maxsplit=1)[:1]
    return ProcessSpec(clean_line(os.path.basename(*first) if first else "", 20) or "program", command=argv)


# How it begins, and how it ends


def set_surroundings() -> None:
    """The environment of a process at a console of its own, and no signal held back."""
    os.environ.pop("PYTHONUNBUFFERED", None)  # unbuffered output is cut short by a stop
    os.environ["TERM"] = "xterm-256color"
    for size in ("COLUMNS", "LINES"):  # of another terminal than its own
        os.environ.pop(size, None)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def begin_own_code() -> None:
    """Prepare this copy of the kernel process to run one of our programs."""
    output: Any = sys.stdout
    output.reconfigure(line_buffering=True)
    interpreter.forget_exit_functions()
    gc.enable()


def print_exception() -> None:
    """Print the traceback of the current exception on standard error."""
    import traceback  # imported in the child only, to keep the kernel process small

    traceback.print_exc()


def finish(status: int) -> NoReturn:
    """Exit this forked process as the interpreter would: join threads, run exit functions, flush output."""
    try:
        interpreter.run_exit_functions()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        status = status or 1
    os._exit(status & 0xFF)
