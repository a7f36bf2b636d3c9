"""Control groups of our own: how processes are frozen, limited in memory, and ended together.

Every file of a control group is read and written here. The formats are those of the kernel's cgroup-v2 document; the
limit of memory is also to be had from version 1, which some systems keep for that.

Each run has a group below the one in which it was started (``RunGroup``), named after its user and its kernel process
and locked for as long as that lives: a group that nobody locks was left by a run that was killed, and the next one
removes it.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import errno
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sandbox.machines.linux.procfs import cgroup_folder
from sandbox.util.units import MS, S

#: How the name of every run's group begins.
_PREFIX = "ossandbox-"
#: So long somebody else may take to make or to remove a group beside ours.
_MAX_LOCK_NS = 500 * MS
#: So long the processes of a group may take to be gone after they were killed.
_MAX_KILL_NS = 3 * S
_PAUSE_S = 0.001


class Group:
    """One control group, by its folder. Everything that is done with one raises OSError where it cannot be done."""

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def make(cls, path: str) -> Group:
        """A new one."""
        os.mkdir(path)
        return cls(path)

    def add(self, os_pid: int) -> None:
        """Move a process here, with all of its threads; what it forks from now on begins its life here."""
        self.write("cgroup.procs", str(os_pid))

    @property
    def populated(self) -> bool:
        """Whether a process lives here, or in a group below."""
        return "populated 1" in self.read("cgroup.events")

    def kill(self) -> None:
        """Kill every process here and in groups below at once, forks included (Linux 5.14)."""
        self.write("cgroup.kill", "1")

    def remove(self) -> None:
        """Remove it and all groups below; no process lives there any more."""
        for folder, _, _ in os.walk(self.path, topdown=False):
            os.rmdir(folder)

    def read(self, name: str) -> str:
        """The text of one of its files."""
        with open(f"{self.path}/{name}") as file:
            return file.read()

    def write(self, name: str, text: str) -> None:
        """Have one of its files take a text."""
        descriptor = os.open(f"{self.path}/{name}", os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


class Leaf(Group):
    """A group for one process, which can be frozen: it then runs as little as one that was stopped, and nobody is told.

    A frozen process that was killed dies. Signals wait for it to be thawed; that it is frozen shows in no state letter.
    The files for a switch are kept open.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._freeze = os.open(path + "/cgroup.freeze", os.O_RDWR)
        try:
            self._events = os.open(path + "/cgroup.events", os.O_RDONLY)
        except OSError:
            os.close(self._freeze)
            raise

    def fileno(self) -> int:
        """The newest of its descriptors."""
        return self._events

    def freeze(self) -> None:
        """Have it stand still, which it does in a moment."""
        os.pwrite(self._freeze, b"1", 0)

    def thaw(self) -> None:
        os.pwrite(self._freeze, b"0", 0)

    @property
    def frozen(self) -> bool:
        """Whether somebody lives here, and all stand still: an empty group would say that it is frozen, too."""
        events = os.pread(self._events, 64, 0)
        return b"frozen 1" in events and b"populated 1" in events

    @property
    def holds(self) -> bool:
        """Whether somebody lives here who is to stand still, and who does so as soon as there is a CPU for that."""
        return os.pread(self._freeze, 4, 0).startswith(b"1") and not self.vacant

    @property
    def vacant(self) -> bool:
        """Whether no process lives here."""
        return b"populated 0" in os.pread(self._events, 64, 0)

    def close(self) -> None:
        """Give the descriptors back; the group stays."""
        os.close(self._freeze)
        os.close(self._events)


class RunGroup(Group):
    """The group of one run, below the one in which this process is, with groups in it by number. Making one removes
    what dead runs have left there. Raises OSError where none can be had.

    ``controller``: of version 1 with that controller, instead of version 2.
    """

    def __init__(self, controller: str = "") -> None:
        self._home = cgroup_folder(controller)
        super().__init__(f"{self._home}/{_PREFIX}{os.geteuid()}-{os.getpid()}-{time.monotonic_ns():x}")
        self._number = 0
        with _alone_in(self._home):
            _end_dead(self._home)
            os.mkdir(self.path)
            self._lock = os.open(self.path, os.O_RDONLY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def next_path(self, within: Group | None = None) -> str:
        """The folder for another group in it, or in one of those."""
        self._number += 1
        return f"{(within or self).path}/{self._number}"

    def enter(self) -> None:
        """Move this process into it: whatever it forks from now on is born there, and can be ended by ``sweep``."""
        Group.make(self.path + "/kernel").add(os.getpid())

    def limit(self, memory: int) -> Group:
        """A new group in it, whose processes together may have so much memory resident, in bytes. It is to be had in a
        group of version 1 with the controller "memory", or in one of version 2 where that controller is there."""
        old = os.path.exists(self.path + "/memory.limit_in_bytes")
        for folder in () if old else (self._home, self.path):
            if "memory" not in Group(folder).read("cgroup.subtree_control").split():
                Group(folder).write("cgroup.subtree_control", "+memory")
        group = Group.make(self.next_path())
        try:
            group.write("memory.limit_in_bytes" if old else "memory.max", str(memory))
            with suppress(OSError):  # where there is swapping at all
                group.write(*("memory.memsw.limit_in_bytes", str(memory)) if old else ("memory.swap.max", "0"))
        except OSError:
            group.remove()
            raise
        return group

    def end(self) -> None:
        """Kill all that lives in it but this process, and remove it."""
        with suppress(OSError):
            if os.path.exists(self.path + "/kernel"):
                Group(self._home).add(os.getpid())
        with suppress(OSError):
            _end(self)
        os.close(self._lock)


def entered_group() -> tuple[RunGroup | None, str]:
    """A new group of a run, which this process has entered; or why there is none."""
    try:
        group = RunGroup()
    except OSError as error:
        return None, error.strerror or str(error)
    try:
        group.enter()
    except OSError as error:
        group.end()
        return None, error.strerror or str(error)
    return group, ""


def can_limit_memory() -> bool:
    """Whether memory can be limited here, in a group of either version."""
    for controller in ("", "memory"):
        with suppress(OSError):
            run = RunGroup(controller)
            try:
                run.limit(1 << 30)
                return True
            except OSError:
                continue
            finally:
                run.end()
    return False


def oom_kills(group: Group) -> int:
    """How many processes the system has ended for want of memory under the limit of a group."""
    for name in ("memory.events", "memory.oom_control"):
        with suppress(OSError):
            return sum(int(line.split()[1]) for line in group.read(name).splitlines() if line.startswith("oom_kill "))
    return 0


def sweep() -> None:
    """End what dead runs have left below the group in which this process is."""
    for controller in ("", "memory"):
        with suppress(OSError):
            home = cgroup_folder(controller)
            with _alone_in(home):
                _end_dead(home)


@contextmanager
def _alone_in(home: str) -> Iterator[None]:
    """Nobody else makes or removes a run's group in this folder meanwhile: one that is new is not locked yet. Raises
    OSError if that takes too long."""
    descriptor = os.open(home, os.O_RDONLY)
    try:
        give_up_ns = time.monotonic_ns() + _MAX_LOCK_NS
        while not _lock(descriptor):
            if time.monotonic_ns() > give_up_ns:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Whether it could be locked, now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_dead(home: str) -> None:
    """End the groups of this user's dead runs in this folder."""
    mine = f"{_PREFIX}{os.geteuid()}-"
    for name in os.listdir(home):
        if not name.startswith(mine):
            continue
        with suppress(OSError):  # somebody has removed it
            descriptor = os.open(f"{home}/{name}", os.O_RDONLY)
            try:
                if _lock(descriptor):
                    _end(Group(f"{home}/{name}"))
            finally:
                os.close(descriptor)


def _end(group: Group) -> None:
    """Kill all that lives in it, and remove it; raises OSError if that takes too long. In version 1 nothing is killed:
    whatever lives there lives in a group of version 2, too."""
    give_up_ns = time.monotonic_ns() + _MAX_KILL_NS
    while True:
        with suppress(FileNotFoundError):  # of version 1
            _kill(group)
        try:
            group.remove()
            return
        except OSError:  # somebody is on the way out, or moves one of those to another group
            if time.monotonic_ns() > give_up_ns:
                raise
        time.sleep(_PAUSE_S)


def _kill(group: Group) -> None:
    try:
        group.kill()
    except FileNotFoundError:  # Linux before 5.14: nothing forks and nothing ends while it is frozen, so pids are sure
        group.write("cgroup.freeze", "1")
        for folder, _, _ in os.walk(group.path):
            for os_pid in Group(folder).read("cgroup.procs").split():
                with suppress(ProcessLookupError):
                    os.kill(int(os_pid), signal.SIGKILL)
