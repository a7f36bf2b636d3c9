"""What /proc says of things that processes share: memory (maps), locks on files (fdinfo)."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import re
from collections.abc import Iterator
from typing import NamedTuple

from sandbox.machines.linux.procfs import read_small

#: Of a table of mappings no more than this is read, in bytes.
_MAX_MAPS = 1 << 20
#: Of a hundred mappings a few are shared, and the table is read of many processes.
_SHARED = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) ...s ([0-9a-f]+) (\S+ \d+)(.*)")
_LOCK = re.compile(
    r"lock:\s+\d+: (FLOCK|POSIX|OFDLCK|LEASE)\s+\S+\s+(READ|WRITE)\s+(-?\d+) ([0-9a-f]+:[0-9a-f]+:\d+) (\d+) (\d+|EOF)"
)
_MAX_OFFSET = 1 << 63


class SharedMapping(NamedTuple):
    """A piece of memory that processes share, ``begin`` to ``end``: which ``file`` ("00:19 4711": device and inode; it
    may have no name), from which ``offset``, and the file's ``path``."""

    begin: int
    end: int
    file: str
    offset: int
    path: str


def shared_mappings(os_pid: int) -> list[SharedMapping]:
    """All that a process has."""
    try:
        with open(f"/proc/{os_pid}/maps", "rb") as maps:
            lines = [line for line in maps.read(_MAX_MAPS).splitlines() if line[line.find(b" ") + 4 :][:1] == b"s"]
    except OSError:
        return []
    return [
        SharedMapping(
            int(begin, 16), int(end, 16), file.decode(), int(offset, 16), path.strip().decode(errors="replace")
        )
        for found in map(_SHARED.fullmatch, lines)
        if found is not None
        for begin, end, offset, file, path in [found.groups()]
    ]


class FileLock(NamedTuple):
    """A lock that an open file has. ``kind``: FLOCK (flock(2)), POSIX or OFDLCK (fcntl(2)); ``by``: the os_pid of who
    took it, who may be no more (-1: it is not told); ``file``: device and inode; from where to where."""

    kind: str
    writes: bool
    by: int
    file: str
    start: int
    end: int

    def hinders(self, kind: str, writes: bool, start: int, end: int) -> bool:
        """Whether another lock cannot be had because of this one."""
        return (
            (self.kind == "FLOCK") == (kind == "FLOCK")
            and (self.writes or writes)
            and self.start < end
            and start < self.end
        )


def file_locks(os_pid: int, descriptor: int) -> Iterator[FileLock]:
    """The locks of one of its open files."""
    for line in read_small(f"/proc/{os_pid}/fdinfo/{descriptor}").splitlines():
        if (match := _LOCK.match(line)) is not None:
            kind, access, by, file, start, end = match.groups()
            until = _MAX_OFFSET if end == "EOF" else int(end) + 1
            yield FileLock(kind, access == "WRITE", int(by), file, int(start), until)


def has_timers(os_pid: int) -> bool:
    """Whether a process has set a timer (timer_create(2)); those of setitimer(2) and alarm(2) nobody can see."""
    return bool(read_small(f"/proc/{os_pid}/timers"))
