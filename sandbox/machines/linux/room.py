"""A room for code that nobody has read: a process of its own, with limits, that leaves nothing behind.

```
whoever asks
   └─ porter      waits, ends it all, sweeps; the subreaper of whatever escapes
        └─ init        the first process of a pid namespace, where there is one: with it ends everything in it
             └─ resident    the only one that comes back from ``enclose``; runs the foreign code
```

Where the system has namespaces, the resident sees no process but its own kin, no network, and no file but what it was
given. Where it has not, Landlock does the same for files, if the system has that. Everywhere a filter of system calls
keeps it from starting processes and from touching others, and where nothing else does, from changing files; the limits
and the sweep stand behind that.
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
#: How long the porter sleeps before it looks again whether the room has ended by itself.
_LOOK_S = 0.02
_PROBE_S = 10.0
#: What is harmless of the devices.
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_Wait = Callable[[int], NoReturn]


class Limits(NamedTuple):
    """``memory``: bytes of address space of a process; ``cpu_s``: seconds of CPU time of one; ``processes``: threads
    count, too; ``descriptors``: of a process; ``file``: bytes of a file that it writes."""

    memory: int = 1024 * _MB
    cpu_s: int = 30
    processes: int = 16
    descriptors: int = 64
    file: int = 4 * _MB


class Fences(NamedTuple):
    """What keeps the resident in, besides the limits: ``apart``: namespaces of its own; ``files``: it sees only what it
    was given; ``calls``: it cannot start processes, nor touch others."""

    apart: bool
    files: bool
    calls: bool


class Probe:
    """What fences there are on this system, tried in a room. It is an interpreter that starts when this is made; what
    it finds is asked for later. Raises OSError."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", "-m", __name__]
        self._room = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def fences(self) -> Fences:
        """What it has found. To be asked for once. Raises OSError, TypeError and SubprocessError."""
        with self._room:
            try:
                found, _ = self._room.communicate(timeout=_PROBE_S)
            except BaseException:
                self._room.kill()
                raise
        return Fences(*(word == b"True" for word in found.split()))


def probe() -> Fences:
    """The same, waited for. Raises OSError, TypeError and SubprocessError."""
    return Probe().fences()


def enclose(limits: Limits, files: Mapping[str, bytes]) -> Fences:
    """Come back in a room of one's own: as another process, whose end is the end of the room. ``files``: what can be
    read there besides the interpreter and its packages, by path. To be called by a process that has one thread, and
    that nobody else needs."""
    _end_with_parent(os.getppid())
    libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
    apart = namespaces.enter()
    _divide(_wait_as_porter)
    closed = False
    if apart:
        with suppress(OSError):  # it may be forbidden: what there is must do
            namespaces.close_off(_needed(), files)
            closed = True
        _divide(_wait_as_init)
    _confine(limits, apart, closed)
    if not closed:
        closed = only_read([*_needed(), *files, *_DEVICES])
    return Fences(apart, closed, forbid_others(writing=not closed))


def _divide(wait: _Wait) -> None:
    """Go on as a child. The parent does nothing but ``wait`` for it any more."""
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
    """Die when the parent does; in a new pid namespace it has no number."""
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() not in (parent, 0):
        os._exit(1)


def _forget_streams() -> None:
    """Whoever listens to the resident shall hear its end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)


def _wait_as_porter(child: int) -> NoReturn:
    """Until the room has ended, or somebody asks for its end. Then nothing of it is left."""
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
    """Until the resident has ended; orphans are buried meanwhile. With this process everything else ends."""
    while True:
        os_pid, status = os.wait()
        if os_pid == child:
            _exit_like(status)


def _exit_like(status: int) -> NoReturn:
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _needed() -> list[str]:
    """The folders of the interpreter, of its packages and of the system's libraries."""
    package = os.path.dirname(os.path.realpath(sandbox.__path__[0]))
    ways = [path for path in sys.path if path and os.path.realpath(path) != package]
    own = os.path.realpath(sandbox.__path__[0])
    return [sys.prefix, sys.base_prefix, sys.exec_prefix, own, *ways, "/usr", "/lib", "/lib64"]


def _confine(limits: Limits, apart: bool, closed: bool) -> None:
    """Take the limits upon us; none of them can be undone."""
    others = 0 if apart else threads_of(os.getuid())
    if apart:
        namespaces.give_up_rights(readable=closed)
    else:
        namespaces.only_read_files()
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)  # another user's process forgets it
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
