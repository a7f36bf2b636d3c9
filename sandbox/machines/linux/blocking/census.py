"""A census: what the processes of the board hold at one moment, such as threads, open files, shared memory,
connections."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from itertools import chain
from typing import Literal, NamedTuple, Protocol

from sandbox.machines.linux import procfs, procfs_files, procfs_shared
from sandbox.machines.linux.blocking.said_threads import ThreadWait
from sandbox.machines.linux.net.sock_diag import CONNECTED, FAMILIES, TcpState, list_sockets, other_side
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.procfs_shared import SharedMapping
from sandbox.model.rules import POLL

#: A thread: (os_pid, tid).
Thread = tuple[int, int]
#: Rules of waits for which connections, files or shared memory have to be listed.
_OF_SOCKETS = {"recv", "send", POLL}
_OF_TERMINALS = {"read terminal", "write terminal"}
_OF_FILES = {
    "read pipe", "write pipe", "lock", "eventfd", "receive message", "send message", *_OF_TERMINALS, *_OF_SOCKETS
}  # fmt: skip
_OF_MEMORY = {"mutex", "condition", "semaphore", "lock or semaphore", "futex", "barrier", "join"}


class Held(NamedTuple):
    """The resource that a thread waits for, and who can release it.

    ``groups``: the thread continues when a thread of each group releases the resource; ``holders``: the os_pids of the
    processes that have the resource; ``any``: whether one of them is enough; ``may_end``: whether the wait may end by a
    time-out that cannot be seen; ``taken``: the line of code in which the resource was taken, if known; ``by_turns``:
    whether the thread polls for it and does nothing else; ``likely``: the threads that are known to have used it, if
    the system does not tell which others can.
    """

    resource: str
    groups: tuple[frozenset[Thread], ...]
    holders: list[int]
    by: Literal["seen", "said", "unknown"] = "seen"
    any: bool = False
    may_end: bool = False
    taken: str = ""
    by_turns: bool = False
    likely: frozenset[Thread] = frozenset()

    def freed_by(self, certain: bool) -> tuple[frozenset[Thread], ...]:
        """Return the groups, or unless ``certain``, only who is likely to release it."""
        return self.groups if certain or not self.likely else (self.likely,)


class Semaphore(NamedTuple):
    """What programs report of a semaphore that they share.

    ``name``: its name in their code; ``holders``: the threads that have it, for each process (None: unknown);
    ``is_lock``: whether only a holder releases it; ``taken``: the line of code in which it was taken.
    """

    name: str
    holders: list[frozenset[Thread]] | None
    is_lock: bool
    taken: str = ""


class Says(Protocol):
    """Asks the programs about their locks. ``shared``: the processes that share a semaphore, each with its address
    there."""

    def __call__(
        self, shared: Sequence[tuple[Child, int]], threads: Callable[[Child], frozenset[Thread]]
    ) -> Semaphore | None: ...

    def thread_wait(self, child: Child, tid: int, threads: frozenset[Thread]) -> ThreadWait | None: ...

    def waits_by_turns(self, child: Child, tid: int, threads: frozenset[Thread]) -> ThreadWait | None: ...


class _Belongings:
    """What a process holds, with its CPU time at that moment: until it has run again, nothing changes."""

    def __init__(self, cpu_ns: int) -> None:
        self.cpu_ns = cpu_ns
        self.files: list[tuple[int, str]] | None = None
        self.mappings: list[SharedMapping] | None = None


class Census:
    """What the processes hold at one moment, read on demand.

    ``known``: the processes by the system's number; ``before``: the previous census, whose data on blocked processes
    are reused; ``queue_users``: who has been seen to use each message queue of System V, by os_pid.
    """

    def __init__(
        self,
        known: Mapping[int, Child],
        says: Says,
        before: Census | None = None,
        queue_users: dict[int, set[int]] | None = None,
    ) -> None:
        self.children = [child for child in known.values() if child.mode is not Mode.ENDED]
        self.known = known
        self.says = says
        self.queue_users = {} if queue_users is None else queue_users
        self._threads: dict[int, frozenset[Thread]] = {}
        self._belongings: dict[int, _Belongings] = {}
        for child in self.children:
            cpu_ns = child.cpu_ns()
            old = before._belongings.get(child.os_pid) if before is not None and child.mode is Mode.BLOCKED else None
            same = old is not None and old.cpu_ns == cpu_ns
            self._belongings[child.os_pid] = old if old is not None and same else _Belongings(cpu_ns)
        #: The other end of each connection within this machine, both by inode; the inodes of listening sockets by
        #: address.
        self.tcp: dict[int, int] = {}
        self.listeners: dict[str, list[int]] = {}
        #: The processes that have a file open, by its name in ``/proc``.
        self._openers: dict[str, list[Child]] = {}

    def prepare(self, rules: Set[str]) -> Iterator[None]:
        """List what all processes hold, a little at a time, as far as it is needed for waits with these rules."""
        for child in self.children:
            if rules & _OF_FILES:
                self.files_of(child)
                yield
            if rules & _OF_MEMORY:
                self.mappings_of(child)
                yield
        if rules & _OF_SOCKETS:
            yield from self._list_connections()

    def _list_connections(self) -> Iterator[None]:
        """List the connections within this machine, by inode, and the listening sockets."""
        found: dict[bytes, int] = {}
        try:
            for some in chain.from_iterable(map(list_sockets, FAMILIES)):
                found |= {each.ends: each.inode for each in some if each.state in CONNECTED}
                for each in some:
                    if each.state is TcpState.LISTEN:
                        self.listeners.setdefault(str(each.own), []).append(each.inode)
                yield
        except OSError:
            return  # the system does not tell
        for ends, inode in found.items():
            self.tcp[inode] = found.get(other_side(ends), 0)

    def threads(self, child: Child) -> frozenset[Thread]:
        """Return the threads that can release something."""
        found = self._threads.get(child.os_pid)
        if found is None:
            tids = procfs.thread_ids(child.os_pid)
            ended = child.os_pid if child.first_thread_ended else 0
            found = self._threads[child.os_pid] = frozenset((child.os_pid, tid) for tid in tids if tid != ended)
        return found

    @cached_property
    def everybody(self) -> frozenset[Thread]:
        """All threads of the board."""
        return frozenset().union(*map(self.threads, self.children))

    def family(self, child: Child) -> list[Child]:
        """Return the process and those with the same console: the descendants of the same process of the scenario."""
        return [other for other in self.children if other.console is child.console]

    def any_of(self, resource: str, holders: Sequence[Child]) -> Held:
        members = frozenset().union(*map(self.threads, holders))
        return Held(resource, (members,), [child.os_pid for child in holders], any=len(holders) > 1)

    def files_of(self, child: Child) -> list[tuple[int, str]]:
        own = self._belongings[child.os_pid]
        if own.files is None:
            own.files = [*procfs_files.descriptors(child.os_pid)]
        return own.files

    def openers(self, target: str) -> list[Child]:
        """Return the processes that have the file open."""
        if not self._openers:
            for child in self.children:
                for name in {name for _, name in self.files_of(child)}:
                    self._openers.setdefault(name, []).append(child)
        return self._openers.get(target, [])

    def mappings_of(self, child: Child) -> list[SharedMapping]:
        own = self._belongings[child.os_pid]
        if own.mappings is None:
            own.mappings = procfs_shared.shared_mappings(child.os_pid)
        return own.mappings
