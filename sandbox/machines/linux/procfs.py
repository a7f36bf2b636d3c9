"""Readings from ``/proc``, with the few bytes parsed that are needed."""

from __future__ import annotations

import os
from collections.abc import Iterator

#: State letters of a process that cannot run: stopped (by a signal, by a tracer), a zombie, gone.
STANDING = "TtZX"


def read_state(stat_fd: int) -> tuple[str, int]:
    """State letter and number of threads, from a kept-open ``/proc/PID/stat``; ("X", 0) once it is reaped."""
    try:
        data = os.pread(stat_fd, 512, 0)
    except OSError:
        return "X", 0
    after_name = data.rindex(b")") + 2
    state = chr(data[after_name])
    if state in "SDIt":
        return state, int(data[after_name:].split(None, 18)[17])
    return state, 1


def some_thread_runs(os_pid: int) -> bool:
    """Whether any thread of the process is running or could."""
    try:
        threads = os.listdir(f"/proc/{os_pid}/task")
    except OSError:
        return False
    return any(thread_state(os_pid, thread) == "R" for thread in threads)


def thread_state(os_pid: int, thread: str) -> str:
    """State letter of one thread; "X" when it is gone."""
    try:
        with open(f"/proc/{os_pid}/task/{thread}/stat", "rb") as file:
            data = file.read()
    except OSError:
        return "X"
    return chr(data[data.rindex(b")") + 2])


def is_pending(os_pid: int, number: int) -> bool:
    """Whether a signal waits for a process to hear it."""
    for line in read_text(f"/proc/{os_pid}/status").splitlines():
        name, _, value = line.partition(":")
        if name in ("SigPnd", "ShdPnd") and int(value, 16) >> (number - 1) & 1:
            return True
    return False


class Status:
    """``/proc/PID/stat`` of any process (or of one whose file is open), as far as families need it. Raises OSError
    when it is gone."""

    __slots__ = ("name", "parent", "session", "state")

    def __init__(self, os_pid: int, stat_fd: int | None = None) -> None:
        if stat_fd is None:
            with open(f"/proc/{os_pid}/stat", "rb", buffering=0) as file:
                data = file.read(512)
        else:
            data = os.pread(stat_fd, 512, 0)
        end = data.rindex(b")")
        fields = data[end + 2 :].split(None, 5)
        self.name = data[data.index(b"(") + 1 : end].decode(errors="replace")
        self.state = fields[0].decode()
        self.parent = int(fields[1])
        self.session = int(fields[3])


class Descriptors:
    """The open descriptors of a process: for each where it leads, and whether it may write there."""

    def __init__(self, os_pid: int) -> None:
        self._folder = f"/proc/{os_pid}/fd"

    def __iter__(self) -> Iterator[tuple[str, bool]]:
        try:
            for name in os.listdir(self._folder):
                path = f"{self._folder}/{name}"
                yield os.readlink(path), bool(os.lstat(path).st_mode & 0o200)
        except OSError:
            return  # it has closed one, or has ended


def read_text(path: str, most: int = 4_096) -> str:
    """The beginning of a small file; "" when it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(most).decode(errors="replace")
    except OSError:
        return ""


def command_line(os_pid: int) -> str:
    """A process's command line, its words separated by spaces; "" when it has none."""
    return read_text(f"/proc/{os_pid}/cmdline").replace("\0", " ").strip()
