"""Reads ``/proc``, parsing no more than is needed (the formats are those of proc(5)).

A process may end at any moment, so the functions do not raise if it has: they return an empty value ("", None, an empty
list, the state "X"). ``Stat`` is the exception, because its callers have to distinguish the two cases.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import errno
import os
import re
import signal
from collections.abc import Iterator
from typing import Literal, NamedTuple

from sandbox.machines.linux.descent import HALTED, Stat, descendants, descends_from, process_ids, stats

__all__ = ["HALTED", "Stat", "descendants", "descends_from", "process_ids", "stats"]

#: The flag in ``stat`` of a process that is exiting.
_PF_EXITING = 0x4
#: The unit of CPU times in ``/proc/PID/stat``.
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0
#: For processes with more threads, the time waited for a CPU is not read, because that would take too long.
_MAX_THREADS = 8
#: The most bytes that are read of a small file.
_MAX_SMALL_FILE = 4_096


# The system


def is_mounted() -> bool:
    """Whether ``/proc`` is mounted."""
    return os.path.exists("/proc/self/stat")


def shows_others() -> bool:
    """Whether processes of other users are shown (under the mount option hidepid they are not)."""
    return os.path.exists("/proc/1/stat")


def open_newest_pid() -> int:
    """Return a descriptor for ``newest_pid``."""
    return os.open("/proc/loadavg", os.O_RDONLY)


def newest_pid(loadavg_fd: int) -> int:
    """Return the pid or tid that was allocated last: the last field of ``/proc/loadavg``."""
    return int(os.pread(loadavg_fd, 128, 0).rsplit(None, 1)[1])


def flocked_files() -> set[tuple[int, int, int]]:
    """Return the files that are locked by flock(2): major and minor number of the device, inode."""
    found: set[tuple[int, int, int]] = set()
    try:
        with open("/proc/locks") as file:
            lines = file.readlines()
    except OSError:
        return found
    for line in lines:
        fields = line.split()
        if "FLOCK" in fields[1:2]:
            major, minor, inode = fields[5].split(":")
            found.add((int(major, 16), int(minor, 16), int(inode)))
    return found


def system_v(kind: str) -> list[list[str]]:
    """Return the rows of the system's table of semaphores ("sem") or message queues ("msg") of System V, each split
    into words."""
    try:
        with open(f"/proc/sysvipc/{kind}") as file:  # its lines may be many
            return [line.split() for line in file.readlines()[1:]]
    except OSError:
        return []


def cgroup_folder(controller: str = "") -> str:
    """Return the folder of this process's control group: of version 2, or of version 1 with a controller. Raises
    OSError if there is none, or if it is not visible here."""
    for line in read_small("/proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if (controller in controllers.split(",") if controller else number == "0") and "/.." not in path:
            for root, point in _cgroup_mounts(controller):
                if root in ("/", path) or path.startswith(root + "/"):
                    return os.path.normpath(point + "/" + path.removeprefix(root))
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "cgroup")


def _cgroup_mounts(controller: str) -> Iterator[tuple[str, str]]:
    """Yield the mounts of control groups: the folder within the hierarchy, and the mount point."""
    with open("/proc/self/mountinfo") as file:  # its lines may be many
        for line in file:
            before, _, after = line.partition(" - ")
            fields, (kind, _, options) = before.split(), after.split()[:3]
            if kind == "cgroup" and controller in options.split(",") if controller else kind == "cgroup2":
                yield _unescaped(fields[3]), _unescaped(fields[4])


def _unescaped(field: str) -> str:
    """Decode a path of a table of mounts, in which a blank is "\\040"."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def net_table(name: str) -> list[str]:
    """Return the lines of ``/proc/net/NAME`` after the heading. Raises OSError if there is no such table."""
    with open(f"/proc/net/{name}", errors="surrogateescape") as file:  # a name in it may be any bytes
        return file.readlines()[1:]


# State and descent: /proc/PID/stat


def open_stat(os_pid: int) -> int:
    """Return a descriptor for ``read_state``, ``read_exit_status`` and ``Stat``, which never refers to another process
    that reuses the pid. Raises OSError if the process is gone."""
    return os.open(f"/proc/{os_pid}/stat", os.O_RDONLY)


def read_state(stat_fd: int) -> tuple[str, int]:
    """Return the state letter and the number of threads; ("X", 0) once the process is reaped. The number is 1 unless
    the process sleeps or is a zombie, for which it tells whether only the first thread has ended. Called very often."""
    try:
        data = os.pread(stat_fd, 512, 0)
    except OSError:
        return "X", 0
    after_name = data.rindex(b")") + 2
    state = chr(data[after_name])
    if state in "SDItZ":
        return state, int(data[after_name:].split(None, 18)[17])
    return state, 1


def number_of_threads(stat_fd: int) -> int:
    """That of any process; 0 once it is reaped."""
    try:
        return int(os.pread(stat_fd, 512, 0).rpartition(b")")[2].split(None, 18)[17])
    except (OSError, IndexError):
        return 0


def read_exit_status(stat_fd: int) -> int | None:
    """Return the wait status of a zombie, as waitpid returns it, or the signal that has stopped a stopped process; None
    once it is reaped."""
    try:
        return int(os.pread(stat_fd, 1_024, 0).split()[-1])
    except (OSError, IndexError):
        return None


def zombie(os_pid: int) -> tuple[int, int] | None:
    """Return the parent and the wait status of a zombie; None if the process is no zombie, or if other threads than the
    first one are alive."""
    fields = _fields(f"/proc/{os_pid}")
    is_one = bool(fields) and fields[0] == b"Z" and int(fields[17]) == 1
    return (int(fields[1]), int(fields[-1])) if is_one else None


def children_cpu_ns(os_pid: int) -> int:
    """Return the CPU time of a process's reaped descendants, rounded down to the system's ticks."""
    fields = _fields(f"/proc/{os_pid}")
    return (int(fields[13]) + int(fields[14])) * _TICK_NS if fields else 0


def program(os_pid: int) -> str:
    """Return the name of the file that a process executes; "" if that is unknown."""
    try:
        return os.path.basename(os.readlink(f"/proc/{os_pid}/exe"))
    except OSError:
        return ""


def command_line(os_pid: int) -> str:
    """Return the command line of a process, separated by spaces."""
    return read_small(f"/proc/{os_pid}/cmdline").replace("\0", " ").strip()


# Threads: /proc/PID/task


def executable(os_pid: int) -> str:
    """Return the path of the file that a process executes; "" if that is unknown."""
    try:
        return os.readlink(f"/proc/{os_pid}/exe")
    except OSError:
        return ""


class Thread(NamedTuple):
    """A thread. ``state``: its state letter; ``cpu_ns``: its CPU time."""

    tid: int
    state: str
    cpu_ns: int


def thread_ids(os_pid: int) -> list[int]:
    """Return the tids of a process's threads."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{os_pid}/task")]
    except OSError:
        return []


def threads(os_pid: int) -> list[Thread]:
    """Return a process's threads, sorted by tid. The first one may have ended before others (pthread_exit in main)."""
    found = []
    for tid in sorted(thread_ids(os_pid)):
        folder = f"/proc/{os_pid}/task/{tid}"
        if fields := _fields(folder):
            exact_ns = _schedstat(folder, 0)
            ticks = int(fields[11]) + int(fields[12])  # user time and system time
            found.append(Thread(tid, fields[0].decode(), exact_ns or ticks * _TICK_NS))
    return found


def has_thread(os_pid: int, tid: int) -> bool:
    """Whether a process has this thread."""
    return os.path.exists(f"/proc/{os_pid}/task/{tid}")


def some_thread_runs(os_pid: int) -> bool:
    """Whether any thread of the process is runnable."""
    return any(_fields(f"/proc/{os_pid}/task/{tid}")[:1] == [b"R"] for tid in thread_ids(os_pid))


def _fields(folder: str) -> list[bytes]:
    """Return the fields of ``stat`` after the name; empty if the process or thread is gone."""
    try:
        with open(f"{folder}/stat", "rb", buffering=0) as file:
            return file.read(1_024).rpartition(b") ")[2].split()
    except OSError:
        return []


def marks(os_pid: int) -> list[tuple[int, str, int]]:
    """Return the tid, the state letter and the number of dispatches of each thread of a process. Two calls tell whether
    a thread has run in between."""
    found = []
    for tid in thread_ids(os_pid):
        folder = f"/proc/{os_pid}/task/{tid}"
        if fields := _fields(folder):
            found.append((tid, fields[0].decode(), _schedstat(folder, 2) or 0))
    return found


def mark(os_pid: int, tid: int) -> tuple[str, int]:
    """Return the state letter and the number of dispatches of one thread; ("X", 0) once it is gone."""
    folder = f"/proc/{os_pid}/task/{tid}"
    fields = _fields(folder)
    return (fields[0].decode(), _schedstat(folder, 2) or 0) if fields else ("X", 0)


#: Whether the kernel has the file ``children`` (CONFIG_PROC_CHILDREN).
_TELLS_CHILDREN = os.path.exists("/proc/thread-self/children")


def children(os_pid: int) -> list[int]:
    """Return the children of a process, those of all threads."""
    if not _TELLS_CHILDREN:
        return [stat.os_pid for stat in stats() if stat.parent == os_pid]
    found: list[int] = []
    for tid in thread_ids(os_pid):
        found += map(int, read_small(f"/proc/{os_pid}/task/{tid}/children").split())
    return found


def start_time(os_pid: int) -> int:
    """Return when a process was started, in ticks since the system's boot; 0 if there is none. The pid together with
    this identifies a process uniquely."""
    fields = _fields(f"/proc/{os_pid}")
    return int(fields[19]) if len(fields) > 19 else 0


def run_queue_wait_ns(os_pid: int, threads: int = 1) -> int | None:
    """Return for how long a process was runnable without a CPU, summed over its threads; None if the system does not
    tell, or if there are too many threads."""
    if threads > _MAX_THREADS:
        return None
    tids = thread_ids(os_pid) if threads > 1 else []
    waits = [_schedstat(f"/proc/{os_pid}/task/{tid}", 1) for tid in tids] or [_schedstat(f"/proc/{os_pid}", 1)]
    return None if None in waits else sum(wait for wait in waits if wait is not None)


def scheduled_ns(os_pid: int) -> int | None:
    """Return the exact CPU time of a process's first thread; None if the system does not tell."""
    return _schedstat(f"/proc/{os_pid}", 0)


def _schedstat(folder: str, field: int) -> int | None:
    """Return a field of ``schedstat``: the CPU time and the time waited for a CPU, in ns; the number of dispatches."""
    try:
        return int(read_small(f"{folder}/schedstat").split()[field])
    except (IndexError, ValueError):
        return None


# Signals: the masks in /proc/PID/status


def pending_signals(os_pid: int) -> set[int]:
    """Return the signals that were sent and not delivered yet. Fast, because usually there are none."""
    try:
        file = os.open(f"/proc/{os_pid}/status", os.O_RDONLY)
    except OSError:
        return set()
    try:
        status = os.read(file, 4_096)
    except OSError:
        return set()
    finally:
        os.close(file)
    sent = status[status.find(b"\nSigPnd:\t") :].split(maxsplit=4)
    return _numbers(int(sent[1], 16) | int(sent[3], 16)) if sent[2:3] == [b"ShdPnd:"] else set()


def is_dying(os_pid: int, stat_fd: int) -> bool:
    """Whether a process was killed or is exiting. It may need the CPU for that, and cannot be stopped any more."""
    try:
        flags = int(os.pread(stat_fd, 512, 0).rpartition(b")")[2].split(None, 7)[6])
    except (OSError, IndexError):
        return True  # it has ended
    return bool(flags & _PF_EXITING) or signal.SIGKILL in pending_signals(os_pid)


def withstands(os_pid: int, signal: int) -> bool:
    """Whether a process has a handler for a signal, ignores it, or blocks it."""
    return signal in _signals(os_pid, "SigCgt", "SigIgn", "SigBlk")


def changed_signals(os_pid: int) -> set[int]:
    """Return the signals that a process handles or ignores."""
    return _signals(os_pid, "SigCgt", "SigIgn")


def handles(os_pid: int, signal: int) -> bool:
    """Whether a process has a handler for a signal."""
    return signal in _signals(os_pid, "SigCgt")


def hears(os_pid: int, number: int) -> tuple[bool, bool]:
    """Return whether a process handles a signal, and whether its first thread blocks it, possibly to wait for it.
    Libraries block all signals, or all but those of faults, while they start a thread or program; this does not count
    as blocked."""
    status, bit = read_small(f"/proc/{os_pid}/status"), 1 << (number - 1)
    handled, blocked = (int(_line(status, name) or "0", 16) for name in ("SigCgt", "SigBlk"))
    return bool(handled & bit), bool(blocked & bit) and not blocked & 1 << (signal.SIGPROF - 1)


def ignores(os_pid: int, signal: int) -> bool:
    """Whether a process ignores a signal."""
    return signal in _signals(os_pid, "SigIgn")


def signal_masks(os_pid: int) -> dict[str, set[int]]:
    """Return the signals that are pending for a process or its first thread, and those that it blocks, ignores and
    handles, without SIGSTOP, which is ours."""
    names = {"pending": ("SigPnd", "ShdPnd"), "blocked": ("SigBlk",), "ignored": ("SigIgn",), "handled": ("SigCgt",)}
    return {kind: _signals(os_pid, *lines) - {signal.SIGSTOP} for kind, lines in names.items()}


def _signals(os_pid: int, *names: str) -> set[int]:
    """Return the signals in any of these masks of a process."""
    status, bits = read_small(f"/proc/{os_pid}/status"), 0
    for name in names:
        bits |= int(_line(status, name) or "0", 16)
    return _numbers(bits)


def _numbers(bits: int) -> set[int]:
    """Return the signals of a bit mask."""
    return {number for number in range(1, bits.bit_length() + 1) if bits >> (number - 1) & 1} if bits else set()


def tracer(os_pid: int) -> int:
    """Return the os_pid of the process's tracer; 0 if it has none."""
    return int(_line(read_small(f"/proc/{os_pid}/status"), "TracerPid") or "0")


def _line(status: str, name: str) -> str:
    """Return the value of a line of ``status``."""
    return status.partition(f"\n{name}:\t")[2].partition("\n")[0]


# What it waits in: /proc/PID/syscall, wchan, mem


class SystemCall(NamedTuple):
    """The system call that a thread is in. ``number``: specific to the architecture; ``arguments``: six words;
    ``stack``: the stack pointer; ``at``: the program counter."""

    number: int
    arguments: list[int]
    stack: int
    at: int


def system_call(os_pid: int, tid: int | None = None) -> SystemCall | Literal["running"] | None:
    """Return the system call of a process or one of its threads; None if it is in none, or if that is unknown."""
    words = read_small(f"/proc/{os_pid}/task/{tid or os_pid}/syscall").split()
    if words == ["running"]:
        return "running"
    if len(words) < 9:
        return None
    stack, at = (int(word, 16) for word in words[7:])
    return SystemCall(int(words[0]), [int(word, 16) for word in words[1:7]], stack, at)


def sleeping_calls(os_pid: int) -> Iterator[SystemCall]:
    """Yield the system calls in which threads of a process sleep."""
    for tid in thread_ids(os_pid):
        call = system_call(os_pid, tid)
        if isinstance(call, SystemCall):
            yield call


def wait_channel(os_pid: int, tid: int | None = None) -> str:
    """Return the kernel function in which a process or one of its threads sleeps; "" if it does not, or if that is
    unknown."""
    channel = read_small(f"/proc/{os_pid}/task/{tid or os_pid}/wchan")
    return channel if channel != "0" else ""


def read_memory(os_pid: int, address: int, length: int) -> bytes:
    """Return up to ``length`` bytes of a process's memory; none if it cannot be read."""
    try:
        with open(f"/proc/{os_pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            return memory.read(length)
    except (OSError, ValueError, OverflowError):
        return b""


def read_small(path: str) -> str:
    """Return the beginning of a small file as text; "" if it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(_MAX_SMALL_FILE).decode(errors="replace")
    except OSError:
        return ""
