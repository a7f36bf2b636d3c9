"""The keeper as the terminal's process sees it: starting it, having it end everything."""

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

#: So long the keeper may take to say who the kernel process is: it is an interpreter that starts.
_MAX_START_S = 10.0
#: So long it is waited for while it ends what is left; then it goes on alone.
_MAX_SWEEP_S = 10.0

_ROOT = str(Path(__file__).parents[2])
#: What the keeper runs. It has the standard library and this package, and nothing else to load.
PROGRAM = "import sys; sys.path.append({root!r}); from sandbox.machines.linux import keeper; keeper.main({arguments})"


class Keeper:
    """The keeper, from its parent's side. It starts the kernel process, and leaves nothing when that or we have ended.

    ``kernel``: the command of the kernel process; ``link``, ``errors``: the descriptors that are to be its end of the
    link and its standard error; ``talks``: whether the keeper may write to our standard error while we live.
    """

    def __init__(self, kernel: list[str], link: int, errors: int, talks: bool) -> None:
        self._control, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        sentence = _("{number} processes have been killed and are still there; they are waited for")
        self._control.send("\0".join([sentence, *kernel]).encode(errors="surrogateescape"))
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
        """Whether it has said who the kernel process is."""
        return self._kernel is not None or bool(select([self._control], [], [], 0)[0])

    @property
    def kernel(self) -> int:
        """The os_pid of the kernel process, or of what stands between it and the keeper; 0: there is none."""
        if self._kernel is None:
            self._control.settimeout(_MAX_START_S)
            try:
                self._kernel = int(self._control.recv(64) or 0)
            except OSError:
                self._kernel = 0
        return self._kernel

    def continue_kernel(self) -> None:
        """Have a kernel process that was stopped go on; the keeper, too."""
        if sys.platform == "win32":
            raise NotImplementedError
        self._process.send_signal(signal.SIGCONT)
        try:
            self._control.send(b"c")
        except OSError:  # it is on its way out
            pass

    def end(self, patience_s: float) -> bool:
        """Have it end everything, the kernel process too if that has not ended by itself after so long. False: it has
        failed, and what is left is ours to end."""
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
        except subprocess.TimeoutExpired:  # something does not even die of SIGKILL: the keeper stays with it
            return True


def _armed() -> Callable[[], None]:
    """What is done in the keeper's process before its exec: it becomes a subreaper, and it goes on if it was stopped
    and we die. Nothing of ours runs before."""
    if sys.platform == "win32":
        raise NotImplementedError
    from sandbox.util import libc

    def arm() -> None:
        with suppress(OSError):  # then no process can be born, and the first one that is wanted tells of it
            libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
            libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGCONT)
            os.setsid()

    return arm
