"""What Python programs report of their thread locks: for which one each thread waits, which thread has it, and where
that took it (``sandbox.programs.thread_locks``, which keeps that in the memory of the program)."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sandbox.machines.linux import procfs
from sandbox.machines.linux.process.child import Child, Relative
from sandbox.programs.thread_locks import BARE, FILE_AT, LOCKS_AT, MARK, MAX_LOCKS, MAX_THREADS

#: How many ancestors are considered from which a process may have its locks.
_MAX_ANCESTORS = 32
#: The offset in a bytearray of the address of its content; it is larger in free-threaded Python.
_BYTES_AT = (40, 56)
#: The offset of the tid from a pthread_t in glibc, on x86-64 and on aarch64.
_TID_AT = (720, 208)
#: The size of a word in bytes, and how many threads are read at once.
_WORD, _SOME = 8, 64

Thread = tuple[int, int]


class ThreadWait(NamedTuple):
    """A wait of a thread.

    ``name``: the name of the lock in the code; ``owner``: the thread that has it (None: unknown, or it has no owner);
    ``ended``: whether that thread has ended; ``is_lock``: whether only the owner releases it; ``taken``: the line of
    code in which it was taken; ``by_turns``: whether the thread polls for it and does nothing else.
    """

    name: str
    owner: Thread | None
    ended: bool = False
    is_lock: bool = False
    taken: str = ""
    by_turns: bool = False


class _Noted:
    """What one process has noted."""

    def __init__(self) -> None:
        self.table = 0
        self.names: dict[int, str] = {}
        self.files: dict[int, str] = {}
        self.by_turns = False


class ThreadLocks:
    """What all processes have noted, by os_pid."""

    def __init__(self) -> None:
        self._noted: dict[int, _Noted] = {}

    def note(self, os_pid: int, kind: str, number: int, text: str) -> None:
        """Store a note of a process: the address of its table ("t"), the name of a lock ("n") or of a file ("p")."""
        noted = self._noted.setdefault(os_pid, _Noted())
        if kind == "t":
            noted.table = number
        else:
            (noted.names if kind == "n" else noted.files)[number] = text
            noted.by_turns |= kind == "n" and text.startswith("S")

    def may_look_by_turns(self, child: Child) -> bool:
        """Whether any thread of the process has ever reported to poll."""
        return any(self._noted[os_pid].by_turns for os_pid in _lineage(child) if os_pid in self._noted)

    def _table_of(self, child: Child) -> tuple[list[_Noted], int]:
        """Return the notes of a process and its ancestors, and the address of the content of its table (0: none)."""
        lineage = [self._noted[os_pid] for os_pid in _lineage(child) if os_pid in self._noted]
        return lineage, _table(child, next((noted.table for noted in lineage if noted.table), 0))

    def line(self, child: Child, word: int) -> str:
        """Return the line of code that a word of the table of a process stands for, or ""."""
        if not LOCKS_AT <= word < LOCKS_AT + 2 * MAX_LOCKS:
            return ""
        lineage, at = self._table_of(child)
        memory = procfs.read_memory(child.os_pid, at + word * _WORD, _WORD) if at else b""
        return _line(lineage, int.from_bytes(memory, "little"))

    def wait_of(self, child: Child, tid: int, threads: frozenset[Thread]) -> ThreadWait | None:
        """Return the wait that a thread has reported, or None if it has reported nothing."""
        lineage, at = self._table_of(child)
        waiting = _waiting(child, at) if at else {}
        found = ((ident, offset) for ident in waiting for offset in _offsets_of_tid(child, ident, tid))
        waiter, offset = next(found, (0, 0))
        if not waiter:
            return None
        entry = waiting[waiter]
        names = {word: _first(noted.names.get(word) for noted in lineage) for word in {*waiting.values()}}
        kind, name = names[entry][:1], names[entry][1:] or "lock"
        memory = procfs.read_memory(child.os_pid, at + entry * _WORD, 2 * _WORD)
        if not kind or len(memory) < 2 * _WORD:
            return None
        owner, where = struct.unpack("=QQ", memory)
        if kind in ("A", "S") or not owner:
            return ThreadWait(name, None, by_turns=kind == "S")
        taken = _line(lineage, where)
        thread = (child.os_pid, _number_at(child, (owner & ~BARE) + offset))
        # A lock that was taken by a bare acquire may be left to another thread to release, but hardly if its owner
        # waits for another lock itself.
        waits = owner & ~BARE != waiter and names.get(waiting.get(owner & ~BARE, 0), "").startswith("L")
        is_lock = kind == "E" or not owner & BARE or waits
        name = f"end of thread {name}" if kind == "E" else name
        return ThreadWait(name, thread if thread in threads else None, thread not in threads, is_lock, taken)


def _line(lineage: Iterable[_Noted], where: int) -> str:
    """Return a line of code as text; "" if it is unknown."""
    file = _first(noted.files.get(where >> FILE_AT) for noted in lineage)
    return f"{file}:{where & (1 << FILE_AT) - 1}" if file else ""


def _lineage(child: Child) -> Iterator[int]:
    """Yield the os_pids of a process and its ancestors, from which it was forked with their notes."""
    relative: Relative | None = child
    for _ in range(_MAX_ANCESTORS):
        if relative is None:
            return
        yield relative.os_pid
        relative = relative.parent


def _table(child: Child, table: int) -> int:
    """Return the address of the content of a table; 0 if it is not found."""
    for offset in _BYTES_AT if table else ():
        pointer = procfs.read_memory(child.os_pid, table + offset, _WORD)
        at = int.from_bytes(pointer, "little")
        if at and procfs.read_memory(child.os_pid, at, _WORD) == MARK.to_bytes(_WORD, "little"):
            return at
    return 0


def _waiting(child: Child, at: int) -> dict[int, int]:
    """Return for which lock each thread (a pthread_t) waits."""
    waiting: dict[int, int] = {}
    for begin in range(0, MAX_THREADS, _SOME):
        memory = procfs.read_memory(child.os_pid, at + (1 + 2 * begin) * _WORD, 2 * _SOME * _WORD)
        pairs = [*struct.iter_unpack("=QQ", memory)] if len(memory) == 2 * _SOME * _WORD else []
        waiting |= {ident: entry for ident, entry in pairs if LOCKS_AT <= entry < LOCKS_AT + 2 * MAX_LOCKS}
        if not pairs or not pairs[-1][0]:
            break  # there are no more threads
    return waiting


def _offsets_of_tid(child: Child, ident: int, tid: int) -> Iterator[int]:
    """Yield the offsets at which a pthread_t contains this tid; none if it is another thread."""
    return (offset for offset in _TID_AT if _number_at(child, ident + offset) == tid)


def _number_at(child: Child, address: int) -> int:
    return int.from_bytes(procfs.read_memory(child.os_pid, address, 4), "little")


def _first(texts: Iterable[str | None]) -> str:
    return next((text for text in texts if text), "")
