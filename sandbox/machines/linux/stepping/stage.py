"""What runs of one scenario have in common: the room, the zygote that bears their processes, where those report."""

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
#: Connections that wait to be taken.
_BACKLOG = 256
#: So long the zygote may take to begin and to answer.
_PATIENCE_S = 20.0


class Stage:
    """``cpu``: the real CPU for all of them; ``tells_states``: programs tell their whole state at each line. Raises
    OSError."""

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
        try:  # not before somebody is there who removes it, whoever is killed
            self.room = Room(scenario.folder, place)
        except OSError:
            self._control.close()
            self.listener.close()
            self._zygote.wait()
            raise

    @property
    def os_pid(self) -> int:
        """Of the zygote, from which everything descends."""
        return self._zygote.pid

    def begin(self) -> None:
        """A run begins: the room is as new."""
        if self._used:
            self.room.renew()
        self._used = True

    def bear(self, spec: ProcessSpec, terminal: int, connection: int, notes: str) -> int:
        """A process of the scenario on this terminal, which waits in its hook; returns its os_pid. ``connection``: its
        end of the one to us; ``notes``: where it notes its locks. Raises OSError."""
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
        """The new connections, of this user's processes alone."""
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
        """Nothing of the run is left; who ends by itself may take so long."""
        self._control.send(f"end{_SEPARATOR}{int(grace_s * 1_000)}".encode())
        self._answer()

    def _answer(self) -> bytes:
        answer = self._control.recv(256)
        if not answer:
            raise OSError(0, "the process that starts the others has ended")
        return answer

    def close(self) -> None:
        """Nothing is left."""
        self._control.close()
        self.listener.close()
        try:
            self._zygote.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._zygote.kill()
            self._zygote.wait()
        self.room.close()


#: Of our environment: what is not meant for programs.
_NOT_THEIRS = frozenset({"PYTHONUNBUFFERED", "COLUMNS", "LINES", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE"})
