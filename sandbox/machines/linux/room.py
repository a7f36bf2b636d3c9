"""A room for untrusted code: a process of its own, with limits, of which nothing is left after its end.

```
caller
   └─ porter      waits, ends the room, sweeps; the subreaper of all processes that escape
        └─ init        the first process of a pid namespace, if there is one: when it exits, all others in it are killed
             └─ resident    the only one that returns from ``enclose``; runs the untrusted code
```

If the system has namespaces, the resident sees no processes but its descendants, no network, and no files but those
that it was given. Otherwise Landlock does the same for files, if available. In any case a filter of system calls keeps
it from starting processes, from affecting others, and, if nothing else does, from changing files. The limits and the
sweep are the last line of defence.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import NamedTuple, NoReturn

import sandbox
from sandbox.machines.linux import namespaces
from sandbox.machines.linux.landlock import only_read
from sandbox.machines.linux.process.sweep import end_descendants
from sandbox.machines.linux.procfs_counts import threads_of
from sandbox.machines.linux.seccomp import forbid_others
from sandbox.util import libc

_MB = 1 << 20
#: The interval at which the porter checks whether the room has ended.
_LOOK_S = 0.02
_PROBE_S = 10.0
#: Devices that are harmless.
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_Wait = Callable[[int], NoReturn]


class Limits(NamedTuple):
    """Limits of a room.

    ``memory``: bytes of address space per process; ``cpu_s``: seconds of CPU time per process; ``processes``: including
    threads; ``descriptors``: per process; ``file``: bytes per written file.
    """

    memory: int = 1024 * _MB
    cpu_s: int = 30
    processes: int = 16
    descriptors: int = 64
    file: int = 4 * _MB


class Fences(NamedTuple):
    """What confines the resident, in addition to the limits.

    ``apart``: namespaces of its own; ``files``: it sees only the files that it was given; ``calls``: it can neither
    start processes nor affect others.
    """

    apart: bool
    files: bool
    calls: bool


class Probe:
    """Finds out in a room which fences this system supports. The constructor starts an interpreter, whose result is
    read later. Raises OSError."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", "-m", __name__]
        self._room = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def fences(self) -> Fences:
        """Return the result; to be called once. Raises OSError, TypeError and SubprocessError."""
        with self._room:
            try:
                found, _ = self._room.communicate(timeout=_PROBE_S)
            except BaseException:
                self._room.kill()
                raise
        return Fences(*(word == b"True" for word in found.split()))


def probe() -> Fences:
    """Start a probe and wait for its result. Raises OSError, TypeError and SubprocessError."""
    return Probe().fences()


def enclose(limits: Limits, files: Mapping[str, bytes]) -> Fences:
    """Enclose the caller in a room: return as another process, with whose end the room ends.

    ``files``: what can be read there in addition to the interpreter and its packages, by path. The calling process must
    have a single thread, and becomes the porter.
    """
    _end_with_parent(os.getppid())
    libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
    apart = namespaces.enter()
    _divide(_wait_as_porter)
    closed = False
    if apart:
        with suppress(OSError):  # if it is forbidden, the other fences must do
            namespaces.close_off(_needed(), files)
            closed = True
        _divide(_wait_as_init)
    _confine(limits, apart, closed)
    if not closed:
        closed = only_read([*_needed(), *files, *_DEVICES])
    return Fences(apart, closed, forbid_others(writing=not closed))


def _divide(wait: _Wait) -> None:
    """Continue as a child. The parent only does ``wait`` for it from now on."""
    parent = os.getpid()
    child = os.fork()
    if child:
        libc.let_nobody_in()
        _forget_streams()
        try:
            wait(child)
        finally:
            os._exit(1)
    _end_with_parent(parent)


def _end_with_parent(parent: int) -> None:
    """Have this process killed when its parent dies. (In a new pid namespace the parent has the number 0.)"""
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() not in (parent, 0):
        os._exit(1)


def _forget_streams() -> None:
    """Replace our standard input and output, so that the reader of the resident's output sees the end of it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)


def _wait_as_porter(child: int) -> NoReturn:
    """Wait until the room has ended, or its end is asked for by SIGTERM. Then kill all that is left of it."""
    asked = []

    def ask(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    signal.signal(signal.SIGTERM, ask)
    status = 0
    while not asked:
        os_pid, status = os.waitpid(child, os.WNOHANG)
        if os_pid:
            break
        time.sleep(_LOOK_S)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_descendants()
    _exit_like(status)


def _wait_as_init(child: int) -> NoReturn:
    """Wait until the resident has ended, and reap orphans meanwhile. All other processes are killed when this one
    exits."""
    while True:
        os_pid, status = os.wait()
        if os_pid == child:
            _exit_like(status)


def _exit_like(status: int) -> NoReturn:
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _needed() -> list[str]:
    """Return the folders of the interpreter, of its packages and of the system's libraries."""
    package = os.path.dirname(os.path.realpath(sandbox.__path__[0]))
    ways = [path for path in sys.path if path and os.path.realpath(path) != package]
    own = os.path.realpath(sandbox.__path__[0])
    return [sys.prefix, sys.base_prefix, sys.exec_prefix, own, *ways, "/usr", "/lib", "/lib64"]


def _confine(limits: Limits, apart: bool, closed: bool) -> None:
    """Impose the limits on this process, for good."""
    others = 0 if apart else threads_of(os.getuid())
    if apart:
        namespaces.give_up_rights(readable=closed)
    else:
        namespaces.only_read_files()
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of the user resets it
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_NPROC, others + limits.processes),
        (resource.RLIMIT_NOFILE, limits.descriptors),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        low = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (low, low))


if __name__ == "__main__":
    print(*enclose(Limits(), {}), flush=True)
    os._exit(0)
