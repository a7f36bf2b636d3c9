"""What Python programs report of their locks: which ones they have made, and their names in the code.

The system does not record which process has a POSIX semaphore, of which the locks of ``multiprocessing`` are made. But
the lock object in each process does: how often this process has taken and not released it. So a program notes once,
when it makes a lock, where that object is (``sandbox.programs.process_locks``), which costs nothing when the lock is
used. When a process waits for it, we read the objects. Locks of threads are in ``said_threads``.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sandbox.machines.linux import procfs
from sandbox.machines.linux.blocking.census import Semaphore, Thread
from sandbox.machines.linux.blocking.holders import MAX_PROCESSES
from sandbox.machines.linux.blocking.said_threads import ThreadLocks, ThreadWait
from sandbox.machines.linux.process.child import Child, Mode, Relative
from sandbox.util.text import clean_line

#: How many bytes of notes are read, and the maximum length of a name.
_MAX_NOTES, _MAX_NAME = 1 << 20, 60
#: How many ancestors are considered from which a process may have its locks.
_MAX_ANCESTORS = 32
#: The name of a lock in processes that have received it from others; the first letters of notes of thread locks.
_UNNAMED, _OF_THREADS = "?", "tnp"
#: The lock object after its header, which is larger in free-threaded Python: the semaphore's address; the thread that
#: took it last; how often this process has it; how often it may be taken; whether it is recursive or not.
_OBJECT, _HEADS = struct.Struct("=QQiii"), (16, 32)
#: The offset of the tid from a pthread_t in glibc, on x86-64 and on aarch64.
_TID_AT = (720, 208)


class _Object(NamedTuple):
    """A lock object in one process.

    ``last``: the thread that took it last (a pthread_t); ``taken``: how often the process has it; ``most``: how often
    it may be taken in total; ``taken_at``: the word that tells in which line it was taken.
    """

    name: str
    last: int
    taken: int
    most: int
    taken_at: int


class SaidLocks:
    """Reads what programs note of their locks. ``path``: where they write it, until ``close``; "" if there is no such
    file."""

    def __init__(self) -> None:
        self._file = self._read = 0
        self._rest = b""
        #: For each process that has noted a lock, by os_pid: the name of the lock and the word that tells where it was
        #: taken, by the address of the object.
        self._names: dict[int, dict[int, tuple[str, int]]] = {}
        #: The locks of threads.
        self.of_threads = ThreadLocks()
        #: By os_pid: the CPU time of the process and the size of all notes when its lock objects were read; and these
        #: objects, by the address of the semaphore.
        self._objects: dict[int, tuple[tuple[int, int], dict[int, _Object]]] = {}
        try:
            self._file = os.memfd_create("locks")
            self.path = f"/proc/{os.getpid()}/fd/{self._file}"
        except OSError:
            self.path = ""

    def __call__(
        self, shared: Sequence[tuple[Child, int]], threads: Callable[[Child], frozenset[Thread]]
    ) -> Semaphore | None:
        """Return what is known of the semaphore that these processes have at these addresses; None if nothing is."""
        self._read_notes()
        name, is_lock, taken = "", True, ""
        holders: list[frozenset[Thread]] = []
        silent = 0
        for child, address in shared:
            found = self._object(child, address)
            if found is None:
                silent += 1
                continue
            called, last, count, maximum, taken_at = found
            name = called if name in ("", _UNNAMED) else name
            is_lock = maximum == 1
            if count < 0:  # it releases what others have taken
                return Semaphore(name, None, False)
            if count:
                taken = self.of_threads.line(child, taken_at)
                holders.append(_thread(child, last, threads(child)) if is_lock else threads(child))
        if not name:
            return None
        if is_lock and (len(holders) > 1 or (silent and not holders)):
            return Semaphore(name, None, True)
        return Semaphore(name, holders, is_lock, taken if len(holders) == 1 else "")

    def thread_wait(self, child: Child, tid: int, threads: frozenset[Thread]) -> ThreadWait | None:
        """Return the thread lock for which this thread has reported to wait; None if it has reported nothing."""
        self._read_notes()
        return self.of_threads.wait_of(child, tid, threads)

    def waits_by_turns(self, child: Child, tid: int, threads: frozenset[Thread]) -> ThreadWait | None:
        """Return the same if the thread polls for it, with time-outs; otherwise None."""
        self._read_notes()
        if not self.of_threads.may_look_by_turns(child):
            return None
        wait = self.of_threads.wait_of(child, tid, threads)
        return wait if wait is not None and wait.by_turns else None

    def close(self) -> None:
        """Close the file of notes."""
        if self.path:
            os.close(self._file)
            self.path = ""

    def _read_notes(self) -> None:
        if not self.path or self._read >= _MAX_NOTES:
            return
        data = os.pread(self._file, _MAX_NOTES - self._read, self._read)
        self._read += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            words = line.decode(errors="replace").split(None, 2)
            try:
                os_pid, at, text = int(words[0]), words[1], words[2]
                kind = at[0] if at[0] in _OF_THREADS else ""
                number = int(at.removeprefix(kind), 16)
                word, _, name = ("0", "", text) if kind else text.partition(" ")
                taken_at, name = int(word, 16), clean_line(name, _MAX_NAME)
            except (IndexError, ValueError):
                continue  # a program has written something that is no note
            if kind:
                self.of_threads.note(os_pid, kind, number, name)
            else:
                self._names.setdefault(os_pid, {})[number] = name, taken_at

    def _object(self, child: Child, semaphore: int) -> _Object | None:
        """Return the object of this semaphore in a process, or None. While the process is blocked its objects do not
        change, so they are cached. Otherwise a wait for one of many locks that many processes share would have all of
        them read each time."""
        seen = (child.cpu_ns(), self._read)
        known = self._objects.get(child.os_pid)
        if known is None or known[0] != seen or child.mode is not Mode.BLOCKED:
            if len(self._objects) >= MAX_PROCESSES:
                self._objects.clear()  # most have ended
            known = self._objects[child.os_pid] = seen, {}
            for address, (name, taken_at) in self._noted(child):
                memory = procfs.read_memory(child.os_pid, address, _HEADS[-1] + _OBJECT.size)
                for head in _HEADS:
                    if len(memory) >= head + _OBJECT.size:
                        handle, last, count, maximum, kind = _OBJECT.unpack_from(memory, head)
                        if kind in (0, 1) and maximum > 0:
                            known[1].setdefault(handle, _Object(name, last, count, maximum, taken_at))
        return known[1].get(semaphore)

    def _noted(self, child: Child) -> Iterator[tuple[int, tuple[str, int]]]:
        """Yield the notes of the process and of its ancestors, from which it was forked."""
        relative: Relative | None = child
        for _ in range(_MAX_ANCESTORS):
            if relative is None:
                return
            yield from self._names.get(relative.os_pid, {}).items()
            relative = relative.parent


def _thread(child: Child, pthread: int, threads: frozenset[Thread]) -> frozenset[Thread]:
    """Return the thread with this pthread_t, or all threads if it cannot be identified."""
    if len(threads) > 1:
        for offset in _TID_AT:
            tid = int.from_bytes(procfs.read_memory(child.os_pid, pthread + offset, 4), "little")
            if (child.os_pid, tid) in threads:
                return frozenset({(child.os_pid, tid)})
    return threads
