"""The keeper, a process that ends the remaining processes when the kernel process dies. It notices that by a pipe,
which works on every system.

A line ``+N`` says that the process N leads a session of ours, ``-N`` that it has ended. When the other end of the pipe
is closed, the remaining process groups are killed.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

_ROOT = str(Path(__file__).parents[3])
_PROGRAM = "import sys; sys.path.append({root!r}); from sandbox.machines.posix import keeper; keeper.main({pipe})"


class Keeper:
    """The parent's side. The keeper is to be started before the first process."""

    def __init__(self) -> None:
        ours, self._pipe = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM.format(root=_ROOT, pipe=ours)],
            pass_fds=[ours],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        os.close(ours)

    @property
    def os_pid(self) -> int:
        return self._process.pid

    def born(self, leader: int) -> None:
        """Add a session leader, whose process group is to be killed when we die."""
        os.write(self._pipe, b"+%d\n" % leader)

    def gone(self, leader: int) -> None:
        """Remove a session leader that has ended."""
        with suppress(BrokenPipeError):  # the keeper was killed, which the run does not depend on
            os.write(self._pipe, b"-%d\n" % leader)

    def end(self) -> None:
        """End the keeper."""
        os.close(self._pipe)
        self._process.wait()


def main(pipe: int) -> None:
    """Run the keeper."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        os.setsid()
    living: set[int] = set()
    with open(pipe, "rb") as lines:
        for line in lines:
            leader = int(line[1:])
            living.add(leader) if line.startswith(b"+") else living.discard(leader)
    for leader in living:
        with suppress(OSError):
            os.killpg(leader, signal.SIGKILL)
