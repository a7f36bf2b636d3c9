"""Everything that is read from ``/proc``, parsed no further than somebody needs it (the formats are those of proc(5)).

A process may end at any moment, so readers do not raise when it has: they return what says nothing ("", None, an
empty list, the state "X"). ``Stat`` is the exception, because its readers have to tell the two cases apart.
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

#: The flag in ``stat`` of a process that is on its way out.
_PF_EXITING = 0x4
#: The unit of CPU times in ``/proc/PID/stat``.
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0
#: Of a process with more threads it is not asked how long they waited for a CPU: that would take too long.
_MAX_THREADS = 8
#: Of a small file no more than this is read, in bytes.
_MAX_SMALL_FILE = 4_096


# What is there


def is_mounted() -> bool:
    """Whether there is a ``/proc`` at all."""
    return os.path.exists("/proc/self/stat")


def shows_others() -> bool:
    """Whether processes of other users are shown (under the mount option hidepid they are not)."""
    return os.path.exists("/proc/1/stat")


def open_newest_pid() -> int:
    """A descriptor for ``newest_pid``."""
    return os.open("/proc/loadavg", os.O_RDONLY)


def newest_pid(loadavg_fd: int) -> int:
    """The number that was given out last, to a process or a thread: the last field of ``/proc/loadavg``."""
    return int(os.pread(loadavg_fd, 128, 0).rsplit(None, 1)[1])


def flocked_files() -> set[tuple[int, int, int]]:
    """The files that somebody has locked by flock(2): major and minor number of the device, inode."""
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


def cgroup_folder(controller: str = "") -> str:
    """The folder of the control group that this process is in: of version 2, or of version 1 with a controller.
    Raises OSError where there is none, or where it cannot be seen from here."""
    for line in read_small("/proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if (controller in controllers.split(",") if controller else number == "0") and "/.." not in path:
            for root, point in _cgroup_mounts(controller):
                if root in ("/", path) or path.startswith(root + "/"):
                    return os.path.normpath(point + "/" + path.removeprefix(root))
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "cgroup")


def _cgroup_mounts(controller: str) -> Iterator[tuple[str, str]]:
    """Where control groups can be seen, as ``cgroup_folder`` means it: which folder of all, and where that is."""
    with open("/proc/self/mountinfo") as file:  # its lines may be many
        for line in file:
            before, _, after = line.partition(" - ")
            fields, (kind, _, options) = before.split(), after.split()[:3]
            if kind == "cgroup" and controller in options.split(",") if controller else kind == "cgroup2":
                yield _unescaped(fields[3]), _unescaped(fields[4])


def _unescaped(field: str) -> str:
    """A path in a table of mounts, where a blank is "\\040"."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def net_table(name: str) -> list[str]:
    """The lines of ``/proc/net/NAME`` below its heading. Raises OSError where there is no such table."""
    with open(f"/proc/net/{name}", errors="surrogateescape") as file:  # a name in it may be any bytes
        return file.readlines()[1:]


# State and descent: /proc/PID/stat


def open_stat(os_pid: int) -> int:
    """A descriptor for ``read_state``, ``read_exit_status`` and ``Stat``: it never leads to a stranger that got the
    same number later. Raises OSError when the process is gone."""
    return os.open(f"/proc/{os_pid}/stat", os.O_RDONLY)


def read_state(stat_fd: int) -> tuple[str, int]:
    """State letter and number of threads; ("X", 0) once it is reaped. The number counts only for one that sleeps, and
    for a zombie, of which it tells whether only the first thread has ended: this is read at every look, so no more is
    parsed than the caller needs."""
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
    """The wait status (as waitpid gives it) of a zombie, and of a stopped process the signal that stopped it; None once
    it is reaped."""
    try:
        return int(os.pread(stat_fd, 1_024, 0).split()[-1])
    except (OSError, IndexError):
        return None


def zombie(os_pid: int) -> tuple[int, int] | None:
    """The parent, which has not taken its wait status yet, and that status, of a process that has ended. None: there is
    no zombie of this number, or other threads than its first one live on."""
    fields = _fields(f"/proc/{os_pid}")
    is_one = bool(fields) and fields[0] == b"Z" and int(fields[17]) == 1
    return (int(fields[1]), int(fields[-1])) if is_one else None


def children_cpu_ns(os_pid: int) -> int:
    """What a process's children have used in CPU time, and theirs, whose status was taken: in the system's ticks, of
    which the last one is not over yet."""
    fields = _fields(f"/proc/{os_pid}")
    return (int(fields[13]) + int(fields[14])) * _TICK_NS if fields else 0


def program(os_pid: int) -> str:
    """The name of the file that it runs; "" where that is not told."""
    try:
        return os.path.basename(os.readlink(f"/proc/{os_pid}/exe"))
    except OSError:
        return ""


def command_line(os_pid: int) -> str:
    """The words of its command line, separated by spaces."""
    return read_small(f"/proc/{os_pid}/cmdline").replace("\0", " ").strip()


# Threads: /proc/PID/task


def executable(os_pid: int) -> str:
    """The file that it executes; "" where that is not ours to know."""
    try:
        return os.readlink(f"/proc/{os_pid}/exe")
    except OSError:
        return ""


class Thread(NamedTuple):
    """``state``: its state letter; ``cpu_ns``: the CPU time that it has used."""

    tid: int
    state: str
    cpu_ns: int


def thread_ids(os_pid: int) -> list[int]:
    """The tids of a process's threads."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{os_pid}/task")]
    except OSError:
        return []


def threads(os_pid: int) -> list[Thread]:
    """A process's threads, the first one first; that may have ended before others (pthread_exit in main)."""
    found = []
    for tid in sorted(thread_ids(os_pid)):
        folder = f"/proc/{os_pid}/task/{tid}"
        if fields := _fields(folder):
            exact_ns = _schedstat(folder, 0)
            ticks = int(fields[11]) + int(fields[12])  # for the program, and for the system on its behalf
            found.append(Thread(tid, fields[0].decode(), exact_ns or ticks * _TICK_NS))
    return found


def has_thread(os_pid: int, tid: int) -> bool:
    """Whether a process has this thread."""
    return os.path.exists(f"/proc/{os_pid}/task/{tid}")


def some_thread_runs(os_pid: int) -> bool:
    """Whether any thread of the process has a CPU, or waits for one only."""
    return any(_fields(f"/proc/{os_pid}/task/{tid}")[:1] == [b"R"] for tid in thread_ids(os_pid))


def _fields(folder: str) -> list[bytes]:
    """The fields of ``stat`` after the name; none once it is gone."""
    try:
        with open(f"{folder}/stat", "rb", buffering=0) as file:
            return file.read(1_024).rpartition(b") ")[2].split()
    except OSError:
        return []


def marks(os_pid: int) -> list[tuple[int, str, int]]:
    """Of each thread of a process its tid, its state letter, and how often it has been given a CPU: whether it has run
    in between, two looks tell."""
    found = []
    for tid in thread_ids(os_pid):
        folder = f"/proc/{os_pid}/task/{tid}"
        if fields := _fields(folder):
            found.append((tid, fields[0].decode(), _schedstat(folder, 2) or 0))
    return found


def mark(os_pid: int, tid: int) -> tuple[str, int]:
    """The same of one thread; ("X", 0) once it is gone."""
    folder = f"/proc/{os_pid}/task/{tid}"
    fields = _fields(folder)
    return (fields[0].decode(), _schedstat(folder, 2) or 0) if fields else ("X", 0)


#: Not every kernel is built to tell it (CONFIG_PROC_CHILDREN).
_TELLS_CHILDREN = os.path.exists("/proc/thread-self/children")


def children(os_pid: int) -> list[int]:
    """The processes whose parent is a thread of this one."""
    if not _TELLS_CHILDREN:
        return [stat.os_pid for stat in stats() if stat.parent == os_pid]
    found: list[int] = []
    for tid in thread_ids(os_pid):
        found += map(int, read_small(f"/proc/{os_pid}/task/{tid}/children").split())
    return found


def start_time(os_pid: int) -> int:
    """When a process began, in the system's ticks since its boot; 0: there is none of this number. A number and this
    together name one process for ever."""
    fields = _fields(f"/proc/{os_pid}")
    return int(fields[19]) if len(fields) > 19 else 0


def run_queue_wait_ns(os_pid: int, threads: int = 1) -> int | None:
    """For how long a process has waited for a CPU though it could run: its first thread, or where it has several all
    of them together. None where the system does not tell, or they are too many."""
    if threads > _MAX_THREADS:
        return None
    tids = thread_ids(os_pid) if threads > 1 else []
    waits = [_schedstat(f"/proc/{os_pid}/task/{tid}", 1) for tid in tids] or [_schedstat(f"/proc/{os_pid}", 1)]
    return None if None in waits else sum(wait for wait in waits if wait is not None)


def scheduled_ns(os_pid: int) -> int | None:
    """The CPU time of a process's first thread; None where the system keeps no such books."""
    return _schedstat(f"/proc/{os_pid}", 0)


def _schedstat(folder: str, field: int) -> int | None:
    """A field of ``schedstat``, which is exact to the nanosecond: the CPU time, the time waited for a CPU."""
    try:
        return int(read_small(f"{folder}/schedstat").split()[field])
    except (IndexError, ValueError):
        return None


# Signals: the masks in /proc/PID/status


def pending_signals(os_pid: int) -> set[int]:
    """The signals that were sent and have not been delivered yet. As a rule there are none, which is soon known."""
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
    """Whether a process has been killed, or ends: it may need the CPU for that, and nothing stops it any more."""
    try:
        flags = int(os.pread(stat_fd, 512, 0).rpartition(b")")[2].split(None, 7)[6])
    except (OSError, IndexError):
        return True  # it has ended
    return bool(flags & _PF_EXITING) or signal.SIGKILL in pending_signals(os_pid)


def withstands(os_pid: int, signal: int) -> bool:
    """Whether a process has a handler for a signal, ignores it, or blocks it."""
    return signal in _signals(os_pid, "SigCgt", "SigIgn", "SigBlk")


def changed_signals(os_pid: int) -> set[int]:
    """The signals that a process has a handler for, or ignores."""
    return _signals(os_pid, "SigCgt", "SigIgn")


def handles(os_pid: int, signal: int) -> bool:
    """Whether a process has a handler for a signal."""
    return signal in _signals(os_pid, "SigCgt")


def hears(os_pid: int, number: int) -> tuple[bool, bool]:
    """Whether a process has a handler for a signal, and whether its first thread blocks it, perhaps to wait for it.
    Libraries block all there are while they start a thread or a program, and wait for none: that does not count."""
    status, bit = read_small(f"/proc/{os_pid}/status"), 1 << (number - 1)
    handled, blocked = (int(_line(status, name) or "0", 16) for name in ("SigCgt", "SigBlk"))
    return bool(handled & bit), bool(blocked & bit) and not blocked & 1 << (signal.SIGSEGV - 1)


def ignores(os_pid: int, signal: int) -> bool:
    """Whether a process ignores a signal."""
    return signal in _signals(os_pid, "SigIgn")


def signal_masks(os_pid: int) -> dict[str, set[int]]:
    """The signals that are pending for a process as a whole or its first thread, and those that it blocks, ignores and
    has handlers for; our own SIGSTOP, which is none of its affair, is not told."""
    names = {"pending": ("SigPnd", "ShdPnd"), "blocked": ("SigBlk",), "ignored": ("SigIgn",), "handled": ("SigCgt",)}
    return {kind: _signals(os_pid, *lines) - {signal.SIGSTOP} for kind, lines in names.items()}


def _signals(os_pid: int, *names: str) -> set[int]:
    """The signals in any of these masks of a process."""
    status, bits = read_small(f"/proc/{os_pid}/status"), 0
    for name in names:
        bits |= int(_line(status, name) or "0", 16)
    return _numbers(bits)


def _numbers(bits: int) -> set[int]:
    """The signals of a mask."""
    return {number for number in range(1, bits.bit_length() + 1) if bits >> (number - 1) & 1} if bits else set()


def tracer(os_pid: int) -> int:
    """The os_pid of the process that traces one; 0: nobody does."""
    return int(_line(read_small(f"/proc/{os_pid}/status"), "TracerPid") or "0")


def _line(status: str, name: str) -> str:
    """The value of a line of ``status``."""
    return status.partition(f"\n{name}:\t")[2].partition("\n")[0]


# What it waits in: /proc/PID/syscall, wchan, mem


class SystemCall(NamedTuple):
    """The system call that a thread is in, by its number on this kind of machine, and its six arguments as words;
    where its ``stack`` ends, and ``at`` which address its code goes on."""

    number: int
    arguments: list[int]
    stack: int
    at: int


def system_call(os_pid: int, tid: int | None = None) -> SystemCall | Literal["running"] | None:
    """What a process, or one of its threads, is in; None: in no call, or not ours to know."""
    words = read_small(f"/proc/{os_pid}/task/{tid or os_pid}/syscall").split()
    if words == ["running"]:
        return "running"
    if len(words) < 9:
        return None
    stack, at = (int(word, 16) for word in words[7:])
    return SystemCall(int(words[0]), [int(word, 16) for word in words[1:7]], stack, at)


def sleeping_calls(os_pid: int) -> Iterator[SystemCall]:
    """The system calls in which threads of a process sleep."""
    for tid in thread_ids(os_pid):
        call = system_call(os_pid, tid)
        if isinstance(call, SystemCall):
            yield call


def wait_channel(os_pid: int, tid: int | None = None) -> str:
    """The function of the system in which a process, or one of its threads, sleeps; "" where it does not, or where it
    is not told."""
    channel = read_small(f"/proc/{os_pid}/task/{tid or os_pid}/wchan")
    return channel if channel != "0" else ""


def read_memory(os_pid: int, address: int, length: int) -> bytes:
    """So many bytes of a process's memory, or fewer; none where it cannot be read."""
    try:
        with open(f"/proc/{os_pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            return memory.read(length)
    except (OSError, ValueError, OverflowError):
        return b""


def read_small(path: str) -> str:
    """The beginning of a small file."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(_MAX_SMALL_FILE).decode(errors="replace")
    except OSError:
        return ""
