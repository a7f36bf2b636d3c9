"""Reads from /proc what processes share: memory (maps) and file locks (fdinfo)."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import re
from collections.abc import Iterator
from typing import NamedTuple

from sandbox.machines.linux.procfs import read_small

#: The most bytes that are read of a table of mappings.
_MAX_MAPS = 1 << 20
#: Matches the line of a shared mapping. Few lines do, and the tables of many processes are read.
_SHARED = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) ...s ([0-9a-f]+) (\S+ \d+)(.*)")
_LOCK = re.compile(
    r"lock:\s+\d+: (FLOCK|POSIX|OFDLCK|LEASE)\s+\S+\s+(READ|WRITE)\s+(-?\d+) ([0-9a-f]+:[0-9a-f]+:\d+) (\d+) (\d+|EOF)"
)
_MAX_OFFSET = 1 << 63


class SharedMapping(NamedTuple):
    """A shared mapping from address ``begin`` to ``end``. ``file``: device and inode ("00:19 4711"); ``offset``: in the
    file; ``path``: of the file, which may have none."""

    begin: int
    end: int
    file: str
    offset: int
    path: str


def shared_mappings(os_pid: int) -> list[SharedMapping]:
    """Return the shared mappings of a process."""
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
    """A lock of an open file. ``kind``: FLOCK (flock(2)), POSIX or OFDLCK (fcntl(2)); ``by``: the os_pid of the process
    that has taken it, which may have ended (-1: unknown); ``file``: device and inode; ``start``, ``end``: the range."""

    kind: str
    writes: bool
    by: int
    file: str
    start: int
    end: int

    def hinders(self, kind: str, writes: bool, start: int, end: int) -> bool:
        """Whether this lock conflicts with another one."""
        return (
            (self.kind == "FLOCK") == (kind == "FLOCK")
            and (self.writes or writes)
            and self.start < end
            and start < self.end
        )


def file_locks(os_pid: int, descriptor: int) -> Iterator[FileLock]:
    """Yield the locks of an open file of a process."""
    for line in read_small(f"/proc/{os_pid}/fdinfo/{descriptor}").splitlines():
        if (match := _LOCK.match(line)) is not None:
            kind, access, by, file, start, end = match.groups()
            until = _MAX_OFFSET if end == "EOF" else int(end) + 1
            yield FileLock(kind, access == "WRITE", int(by), file, int(start), until)
