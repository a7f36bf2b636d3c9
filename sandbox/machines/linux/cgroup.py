"""Our control groups, by which processes are frozen, limited in memory, and killed together.

All files of control groups are read and written here. The formats are those of the kernel's cgroup-v2 document; the
limit of memory is also supported for version 1, which some systems use for it.

Each run has a group below the one in which it was started (``RunGroup``), named after its user and its kernel process,
and locked as long as that is alive. A group without a lock was left by a killed run, and is removed by the next one.
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

#: The prefix of the names of all runs' groups.
_PREFIX = "ossandbox-"
#: How long to wait while another process creates or removes a group.
_MAX_LOCK_NS = 500 * MS
#: How long the processes of a group may take to exit after they were killed.
_MAX_KILL_NS = 3 * S
_PAUSE_S = 0.001


class Group:
    """A control group, given by its folder. All methods raise OSError if they fail."""

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def make(cls, path: str) -> Group:
        """Create a group."""
        os.mkdir(path)
        return cls(path)

    def add(self, os_pid: int) -> None:
        """Move a process with all of its threads here. Its future children start here."""
        self.write("cgroup.procs", str(os_pid))

    @property
    def populated(self) -> bool:
        """Whether there is a process here or in a group below."""
        return "populated 1" in self.read("cgroup.events")

    def kill(self) -> None:
        """Kill all processes here and in groups below at once, including concurrent forks (Linux 5.14)."""
        self.write("cgroup.kill", "1")

    def remove(self) -> None:
        """Remove the group and all groups below, which have to be empty."""
        for folder, _, _ in os.walk(self.path, topdown=False):
            os.rmdir(folder)

    def read(self, name: str) -> str:
        """Return the content of one of its files."""
        with open(f"{self.path}/{name}") as file:
            return file.read()

    def write(self, name: str, text: str) -> None:
        """Write to one of its files."""
        descriptor = os.open(f"{self.path}/{name}", os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


class Leaf(Group):
    """A group for one process that can be frozen. It does not run then, like a stopped one, but no process notices it.

    A frozen process can be killed. Other signals are delivered after the thaw. The state letter does not show that a
    process is frozen. The files that are needed for a switch are kept open.
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
        """Return the highest of its descriptors."""
        return self._events

    def freeze(self) -> None:
        """Start freezing the group, which takes a moment."""
        os.pwrite(self._freeze, b"1", 0)

    def thaw(self) -> None:
        os.pwrite(self._freeze, b"0", 0)

    @property
    def frozen(self) -> bool:
        """Whether there are processes here and all are frozen. (An empty group counts as frozen for the kernel.)"""
        events = os.pread(self._events, 64, 0)
        return b"frozen 1" in events and b"populated 1" in events

    @property
    def holds(self) -> bool:
        """Whether there is a process here that is frozen, or will be as soon as it gets a CPU for that."""
        return os.pread(self._freeze, 4, 0).startswith(b"1") and not self.vacant

    @property
    def vacant(self) -> bool:
        """Whether there is no process here."""
        return b"populated 0" in os.pread(self._events, 64, 0)

    def close(self) -> None:
        """Close the descriptors. The group stays."""
        os.close(self._freeze)
        os.close(self._events)


class RunGroup(Group):
    """The group of a run, below the one of this process, with numbered groups in it. Creating one removes what killed
    runs have left there. Raises OSError if it cannot be created.

    ``controller``: of version 1, which is used instead of version 2.
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
        """Return the path of another group in it, or ``within`` one of its groups."""
        self._number += 1
        return f"{(within or self).path}/{self._number}"

    def enter(self) -> None:
        """Move this process into it, so that future children start there and can be killed by ``sweep``."""
        Group.make(self.path + "/kernel").add(os.getpid())

    def limit(self, memory: int) -> Group:
        """Create a group in it, whose processes together may have so many bytes of resident memory. This needs a group
        of version 1 with the controller "memory", or one of version 2 in which that is available."""
        old = os.path.exists(self.path + "/memory.limit_in_bytes")
        for folder in () if old else (self._home, self.path):
            if "memory" not in Group(folder).read("cgroup.subtree_control").split():
                Group(folder).write("cgroup.subtree_control", "+memory")
        group = Group.make(self.next_path())
        try:
            group.write("memory.limit_in_bytes" if old else "memory.max", str(memory))
            with suppress(OSError):  # there may be no swap
                group.write(*("memory.memsw.limit_in_bytes", str(memory)) if old else ("memory.swap.max", "0"))
        except OSError:
            group.remove()
            raise
        return group

    def end(self) -> None:
        """Kill all processes in it except this one, and remove it."""
        with suppress(OSError):
            if os.path.exists(self.path + "/kernel"):
                Group(self._home).add(os.getpid())
        with suppress(OSError):
            _end(self)
        os.close(self._lock)


def entered_group() -> tuple[RunGroup | None, str]:
    """Create a run's group and enter it. Returns the group, or None and the reason."""
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
    """Whether memory can be limited here by a group of either version."""
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
    """Return how many processes the OOM killer has killed because of the group's limit."""
    for name in ("memory.events", "memory.oom_control"):
        with suppress(OSError):
            return sum(int(line.split()[1]) for line in group.read(name).splitlines() if line.startswith("oom_kill "))
    return 0


def sweep() -> None:
    """Kill and remove what killed runs have left below the group of this process."""
    for controller in ("", "memory"):
        with suppress(OSError):
            home = cgroup_folder(controller)
            with _alone_in(home):
                _end_dead(home)


@contextmanager
def _alone_in(home: str) -> Iterator[None]:
    """Prevent other processes from creating or removing a run's group in this folder meanwhile, because a new group is
    not locked yet. Raises OSError if that takes too long."""
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
    """Try to lock a folder. Returns whether that has succeeded."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_dead(home: str) -> None:
    """Kill and remove the groups of this user's killed runs in this folder."""
    mine = f"{_PREFIX}{os.geteuid()}-"
    for name in os.listdir(home):
        if not name.startswith(mine):
            continue
        with suppress(OSError):  # removed meanwhile
            descriptor = os.open(f"{home}/{name}", os.O_RDONLY)
            try:
                if _lock(descriptor):
                    _end(Group(f"{home}/{name}"))
            finally:
                os.close(descriptor)


def _end(group: Group) -> None:
    """Kill all processes in a group and remove it. Raises OSError if that takes too long. In version 1 nothing is
    killed, because the processes are in a group of version 2, too."""
    give_up_ns = time.monotonic_ns() + _MAX_KILL_NS
    while True:
        with suppress(FileNotFoundError):  # of version 1
            _kill(group)
        try:
            group.remove()
            return
        except OSError:  # a process is still exiting, or is moved to another group
            if time.monotonic_ns() > give_up_ns:
                raise
        time.sleep(_PAUSE_S)


def _kill(group: Group) -> None:
    try:
        group.kill()
    except FileNotFoundError:  # Linux before 5.14: while frozen, processes neither fork nor exit, so pids stay valid
        group.write("cgroup.freeze", "1")
        for folder, _, _ in os.walk(group.path):
            for os_pid in Group(folder).read("cgroup.procs").split():
                with suppress(ProcessLookupError):
                    os.kill(int(os_pid), signal.SIGKILL)
