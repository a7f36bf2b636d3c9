"""What a process does once it is dispatched for the first time: synthetic work, a program, or a function of ours."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from sandbox.model.spec import SERVERS, ProcessSpec
from sandbox.programs import client, forking_server, iterative_server, nonblocking_server
from sandbox.programs.conversation import Conduct
from sandbox.programs.function import call
from sandbox.programs.work import work
from sandbox.util.addresses import Address
from sandbox.util.units import S

#: It returns an exit status, or becomes another program.
Body = Callable[[], int]

#: Where a server finds the socket at which it listens.
LISTENER = 3
_SERVE = {
    "forking-server": forking_server.serve,
    "iterative-server": iterative_server.serve,
    "nonblocking-server": nonblocking_server.serve,
}


def synthetic(spec: ProcessSpec, overhead_ns: int, zero: Sequence[int]) -> Body:
    """Its work. ``overhead_ns``: the CPU time that a process costs beyond that; ``zero``: where the machine's clock
    began."""
    since_ns = {"cpu": 0, "io": 0, "until": spec.arrive_ns}
    segments = [(segment.kind, segment.ns + since_ns[segment.kind]) for segment in spec.segments]

    def body() -> NoReturn:
        work(segments, overhead_ns, zero)
        os._exit(0)

    return body


def talking(spec: ProcessSpec, address: Address) -> Body:
    """A client of whoever listens there."""
    return lambda: client.talk((address.host, address.port), spec.say, spec.every_ns / S, spec.times)


def running(spec: ProcessSpec, folder: str) -> Body:
    """A server, a command, a Python function or a whole Python file; files lie in ``folder``."""
    if spec.program in SERVERS:
        serve, conduct = _SERVE[spec.program], Conduct(spec.name, spec.idle_ns / S, spec.clients)
        return lambda: serve(socket.socket(fileno=LISTENER), conduct)
    if spec.command is not None:
        command = spec.command
        return lambda: _execute(command, folder)
    file, colon, function = (spec.python or "").partition(":")
    if not colon:  # the Python that we are: whatever else is called python3 here may be a shell script in front of it
        return lambda: _execute([sys.executable, file, *map(str, spec.args)], folder)
    return lambda: call(os.path.join(folder, file), function, spec.args)


def _execute(command: list[str], folder: str) -> int:
    """Become another program; the shell's exit status where that fails."""
    try:
        os.chdir(folder)
    except OSError as error:
        print(f"{folder}: {error.strerror}", file=sys.stderr)
        return 126
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except FileNotFoundError:
        print(f"{command[0]}: not found", file=sys.stderr)
        return 127
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 126
    except ValueError as error:  # an empty name, a NUL byte
        print(f"{command[0]!r}: {error}", file=sys.stderr)
        return 126
