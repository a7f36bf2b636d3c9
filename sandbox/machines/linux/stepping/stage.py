"""What all runs of a scenario share: the room, the zygote that forks the processes, and the socket to which those
connect."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import secrets
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sandbox.machines.linux.stepping import rooms
from sandbox.machines.linux.stepping.room import Room
from sandbox.model.spec import ProcessSpec, Scenario

_ROOT = str(Path(__file__).parents[4])
_PROGRAM = (
    "import sys; sys.path.insert(0, {root!r}); from sandbox.programs.stepping import zygote; "
    "sys.path.remove({root!r}); zygote.main({control}, {room!r})"
)
_SEPARATOR = "\x1f"
_CREDENTIALS = struct.Struct("iII")
#: The backlog of connections that were not accepted yet.
_BACKLOG = 256
#: How long the zygote may take to start and to answer.
_PATIENCE_S = 20.0


class Stage:
    """Starts the processes of runs.

    ``cpu``: the real CPU for all of them; ``tells_states``: whether programs report their whole state at each line.
    Raises OSError.
    """

    def __init__(self, scenario: Scenario, cpu: int, tells_states: bool = False) -> None:
        self._scenario, self._tells_states = scenario, tells_states
        rooms.sweep()
        self._used = False
        place = rooms.new_place()
        self._address = f"\0ossandbox-steps-{os.getpid()}-{secrets.token_hex(6)}"
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self._address)
        self.listener.listen(_BACKLOG)
        self.listener.setblocking(False)
        self._control, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        self._control.settimeout(_PATIENCE_S)
        program = _PROGRAM.format(root=_ROOT, control=theirs.fileno(), room=place)
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_THEIRS}
        self._zygote = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-c", program],
            cwd="/",
            env={**environment, "PYTHONHASHSEED": "0", "TERM": "xterm-256color"},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        with suppress(OSError):
            os.sched_setaffinity(self._zygote.pid, {cpu})
        try:  # only now that the zygote is there, which removes it whichever process is killed
            self.room = Room(scenario.folder, place)
        except OSError:
            self._control.close()
            self.listener.close()
            self._zygote.wait()
            raise

    @property
    def os_pid(self) -> int:
        """The os_pid of the zygote, from which all processes descend."""
        return self._zygote.pid

    def begin(self) -> None:
        """Begin a run: restore the room, if it was used."""
        if self._used:
            self.room.renew()
        self._used = True

    def bear(self, spec: ProcessSpec, terminal: int, connection: int, notes: str) -> int:
        """Start a process of the scenario, which waits in its hook, and return its os_pid. Raises OSError.

        ``terminal``: the descriptor of its terminal; ``connection``: its end of a connection to us; ``notes``: where it
        notes its locks.
        """
        file, _, function = (spec.python or "").partition(":")
        machine = self._scenario.machine
        fields = (
            *("fork", spec.name, file, function, ascii(spec.args), self._address, self.room.folder),
            *(machine.slice, str(machine.seed), str(int(self._tells_states)), notes),
        )
        data = _SEPARATOR.join(fields).encode(errors="surrogateescape")
        socket.send_fds(self._control, [data], [terminal, connection])
        return int(self._answer())

    def accept(self) -> Iterator[socket.socket]:
        """Yield new connections, from processes of this user only."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except BlockingIOError:
                return
            facts = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            if _CREDENTIALS.unpack(facts)[1] == os.getuid():
                yield connection
            else:
                connection.close()

    def end_run(self, grace_s: float) -> None:
        """End all processes of the run. Those that end by themselves may take ``grace_s`` seconds."""
        self._control.send(f"end{_SEPARATOR}{int(grace_s * 1_000)}".encode())
        self._answer()

    def _answer(self) -> bytes:
        answer = self._control.recv(256)
        if not answer:
            raise OSError(0, "the process that starts the others has ended")
        return answer

    def close(self) -> None:
        """End the zygote and remove the room."""
        self._control.close()
        self.listener.close()
        try:
            self._zygote.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._zygote.kill()
            self._zygote.wait()
        self.room.close()


#: Variables of our environment that are not meant for programs.
_NOT_THEIRS = frozenset({"PYTHONUNBUFFERED", "COLUMNS", "LINES", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE"})
