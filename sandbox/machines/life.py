"""What a forked process does once it is dispatched, and how it ends, on every system that has ``fork``."""

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

#: Where a server finds the socket at which it listens.
LISTENER = 3
_SERVE = {
    "forking-server": forking_server.serve,
    "iterative-server": iterative_server.serve,
    "nonblocking-server": nonblocking_server.serve,
}
#: Exit statuses of a shell.
_CANNOT_RUN, _NOT_FOUND = 126, 127


#: So long after SIGTERM a process is killed that is still there, whether the operator ended it or the run is over.
GRACE_NS = 2 * S


class SpawnFailed(Exception):
    """A process could not be started; the others can. ``what``: why, as data, with its name."""

    def __init__(self, what: Clause) -> None:
        super().__init__(what.rule)
        self.what = what

    @classmethod
    def why(cls, name: str, reason: str) -> SpawnFailed:
        """For this reason."""
        return cls(Clause("could not be started", {"name": name, "reason": clean_line(reason)}))


class Program(NamedTuple):
    """What a process does: ``main`` returns an exit status, or becomes another program. ``executes``: it does the
    latter. ``stops``: it stops by itself before its first own instruction, because it gets ready only then."""

    main: Callable[[], int]
    executes: bool = False
    stops: bool = False


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
        return Program(lambda: serve(socket.socket(fileno=LISTENER), conduct))
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


def operators_program(argv: list[str]) -> ProcessSpec:
    """A program that the operator asks for, named after its first word, also where a shell is to read the line."""
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
    """This copy of the kernel process goes on as a program of ours."""
    output: Any = sys.stdout
    output.reconfigure(line_buffering=True)
    interpreter.forget_exit_functions()
    gc.enable()


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
