"""The terminal's process's side of the keeper: start it, and have it end all processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from select import select

from sandbox.i18n import _

#: How long the keeper may take to tell the pid of the kernel process; it has to start an interpreter.
_MAX_START_S = 10.0
#: How long to wait for it while it ends the remaining processes; it continues alone afterwards.
_MAX_SWEEP_S = 10.0

_ROOT = str(Path(__file__).parents[2])
#: The program of the keeper. It imports nothing but the standard library and this package.
PROGRAM = "import sys; sys.path.append({root!r}); from sandbox.machines.linux import keeper; keeper.main({arguments})"


class Keeper:
    """The keeper, a process that starts the kernel process and kills what is left once that or this process has ended.

    ``kernel``: the command of the kernel process; ``link``, ``errors``: the descriptors that are to be its end of the
    link and its standard error; ``talks``: whether the keeper may write to our standard error while we live.
    """

    def __init__(self, kernel: list[str], link: int, errors: int, talks: bool) -> None:
        self._control, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        remain = _("{number} processes have been killed and are still there; they are waited for")
        self._control.send("\0".join([remain, *kernel]).encode(errors="surrogateescape"))
        arguments = f"{theirs.fileno()}, {link}, {errors}, {os.getpid()}, {talks}"
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", PROGRAM.format(root=_ROOT, arguments=arguments)],
            pass_fds=[theirs.fileno(), link, errors],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=_armed(),  # noqa: PLW1509 - it makes two system calls
        )
        theirs.close()
        self._kernel: int | None = None

    @property
    def os_pid(self) -> int:
        return self._process.pid

    @property
    def has_told(self) -> bool:
        """Whether it has told the pid of the kernel process."""
        return self._kernel is not None or bool(select([self._control], [], [], 0)[0])

    @property
    def kernel(self) -> int:
        """The os_pid of the kernel process, or of the process between it and the keeper; 0 if there is none."""
        if self._kernel is None:
            self._control.settimeout(_MAX_START_S)
            try:
                self._kernel = int(self._control.recv(64) or 0)
            except OSError:
                self._kernel = 0
        return self._kernel

    def continue_kernel(self) -> None:
        """Continue the keeper and the kernel process, in case they were stopped."""
        if sys.platform == "win32":
            raise NotImplementedError
        self._process.send_signal(signal.SIGCONT)
        try:
            self._control.send(b"c")
        except OSError:  # it is about to exit
            pass

    def end(self, patience_s: float) -> bool:
        """Have it end all processes, including the kernel process if that has not exited after this time. Returns False
        if the keeper has failed, so that the remaining processes have to be ended here."""
        if sys.platform == "win32":
            raise NotImplementedError
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            pass
        self._control.close()
        try:
            return self._process.wait(_MAX_SWEEP_S) == 0
        except subprocess.TimeoutExpired:  # a process survives even SIGKILL for now; the keeper keeps waiting for it
            return True


def _armed() -> Callable[[], None]:
    """Return what the keeper's process does before exec: it becomes a subreaper, and is continued when this process
    dies, in case it is stopped."""
    if sys.platform == "win32":
        raise NotImplementedError
    from sandbox.util import libc

    def arm() -> None:
        with suppress(OSError):  # the first birth reports it
            libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
            libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGCONT)
            os.setsid()

    return arm
