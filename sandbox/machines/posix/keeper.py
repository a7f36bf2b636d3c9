"""Ends what is left when the kernel process dies: it holds the other end of a pipe, and no system has to tell it.

A line ``+N`` says that the process N leads a session of ours, ``-N`` that it has ended and its number is free. When
nobody can write any more, all that are left are killed, each with its process group.
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
    """Its parent's side: start it before the first process is born."""

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
        """This one is to be ended with us."""
        os.write(self._pipe, b"+%d\n" % leader)

    def gone(self, leader: int) -> None:
        """This one has ended."""
        with suppress(BrokenPipeError):  # somebody killed the keeper: nothing depends on that
            os.write(self._pipe, b"-%d\n" % leader)

    def end(self) -> None:
        """Nothing is left to keep."""
        os.close(self._pipe)
        self._process.wait()


def main(pipe: int) -> None:
    """The whole life of the keeper."""
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
