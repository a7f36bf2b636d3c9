"""For whom a blocked thread waits: who could let it go on, asked of the system, never of the script.

Where the system does not tell who has a thing, all who share it could let go of it; where somebody outside the board
could, or time passes, there is no answer: such a thread can go on by itself.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import signal
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain
from typing import Literal, NamedTuple, Protocol

from sandbox.machines.linux import procfs, procfs_files, procfs_shared
from sandbox.machines.linux.blocking.futexes import futex
from sandbox.machines.linux.blocking.open_files import open_file, written_address
from sandbox.machines.linux.blocking.polled import polled_descriptors, signed, time_limit
from sandbox.machines.linux.blocking.said_threads import ThreadWait
from sandbox.machines.linux.blocking.system_calls import Entered, entered_call
from sandbox.machines.linux.net import sock_diag
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.procfs_shared import SharedMapping
from sandbox.model.rules import POLL
from sandbox.util import libc
from sandbox.util.text import clean_line

#: A thread: os_pid and tid.
Thread = tuple[int, int]
#: Of a process with more threads, and on a board with more processes, nobody is asked.
MAX_THREADS, MAX_PROCESSES = 64, 512
#: A wait for any of more descriptors is not followed.
_MAX_POLLED = 16
_P_PID, _P_PIDFD = 1, 3
#: fcntl(2), flock(2).
_LOCK_SHARED, _LOCK_NOT_BLOCKING, _SET_LOCK_WAIT, _SET_OPEN_FILE_LOCK_WAIT = 1, 4, 7, 38
_READ_LOCK, _SEEK_SET, _SEEK_CUR, _END = 0, 0, 1, 1 << 63
_FLOCK_CALLS = (73, 32)
#: futex(2): operations without their flags, and in a word the tid of the owner.
_FUTEX_PRIVATE, _FUTEX_FLAGS, _FUTEX_LOCKS_PI, _FUTEX_TID = 128, 0x180, (6, 13), 0x3FFFFFFF
#: Where a pthread_mutex_t keeps the tid of its owner.
_OWNER_AT = 8
#: Causes of waits of which files, memory, or connections tell more.
_OF_SOCKETS = {"recv", "send", POLL}
_OF_FILES = {"read pipe", "write pipe", "lock", "eventfd", *_OF_SOCKETS}
_OF_MEMORY = {"mutex", "condition", "semaphore", "lock or semaphore", "futex", "barrier", "join"}
_STREAMS = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)


class Held(NamedTuple):
    """``groups``: it goes on once a thread of each of them lets go. ``holders``: the processes that have the resource,
    by the system's number; ``any``: one of them is enough. ``may_end``: a time-out that nobody sees may end it;
    ``taken``: the line of code in which it was taken, where that is told."""

    resource: str
    groups: tuple[frozenset[Thread], ...]
    holders: list[int]
    by: Literal["seen", "said", "unknown"] = "seen"
    any: bool = False
    may_end: bool = False
    taken: str = ""


class Semaphore(NamedTuple):
    """What programs themselves know of a semaphore that they share. ``name``: what their code calls it; ``holders``:
    threads that have it, by process (None: nobody knows); ``is_lock``: only who has it gives it back."""

    name: str
    holders: list[frozenset[Thread]] | None
    is_lock: bool
    taken: str = ""


class Says(Protocol):
    """Asks the programs: ``shared`` has the processes that share the semaphore, each with its address there."""

    def __call__(
        self, shared: Sequence[tuple[Child, int]], threads: Callable[[Child], frozenset[Thread]]
    ) -> Semaphore | None: ...

    def thread_wait(self, child: Child, tid: int, threads: frozenset[Thread]) -> ThreadWait | None: ...


class _Belongings:
    """What a process has, by the CPU time that it had used by then: until it runs again, that does not change."""

    def __init__(self, cpu_ns: int) -> None:
        self.cpu_ns = cpu_ns
        self.files: list[tuple[int, str]] | None = None
        self.mappings: list[SharedMapping] | None = None


class Census:
    """What the processes have at one moment, as far as somebody needs to know; ``known``: by the system's number;
    ``before``: the census before this one."""

    def __init__(self, known: Mapping[int, Child], says: Says, before: Census | None = None) -> None:
        self.children = [child for child in known.values() if child.mode is not Mode.ENDED]
        self._known = known
        self._says = says
        self._threads: dict[int, frozenset[Thread]] = {}
        self._belongings: dict[int, _Belongings] = {}
        for child in self.children:
            cpu_ns = child.cpu_ns()
            old = before._belongings.get(child.os_pid) if before is not None and child.mode is Mode.BLOCKED else None
            same = old is not None and old.cpu_ns == cpu_ns
            self._belongings[child.os_pid] = old if old is not None and same else _Belongings(cpu_ns)
        #: The other end of each connection within this machine, and who listens where, by inode.
        self._tcp: dict[int, int] = {}
        self._listeners: dict[str, list[int]] = {}
        #: Who has what open, by its name.
        self._openers: dict[str, list[Child]] = {}

    def prepare(self, rules: Set[str]) -> Iterator[None]:
        """Ask all of them what they have, as far as waits of these causes make that necessary, a little at a time."""
        for child in self.children:
            if rules & _OF_FILES:
                self._files_of(child)
                yield
            if rules & _OF_MEMORY:
                self._mappings_of(child)
                yield
        if rules & _OF_SOCKETS:
            yield from self._list_connections()

    def _list_connections(self) -> Iterator[None]:
        """Those within this machine, each by both its ends, and the sockets that accept them."""
        found: dict[bytes, int] = {}
        try:
            for some in chain.from_iterable(map(sock_diag.list_sockets, sock_diag.FAMILIES)):
                found |= {each.ends: each.inode for each in some if each.state in sock_diag.CONNECTED}
                for each in some:
                    if each.state is sock_diag.TcpState.LISTEN:
                        self._listeners.setdefault(str(each.own), []).append(each.inode)
                yield
        except OSError:
            return  # the system does not tell
        for ends, inode in found.items():
            self._tcp[inode] = found.get(sock_diag.other_side(ends), 0)

    def threads(self, child: Child) -> frozenset[Thread]:
        """Those that can let go of something."""
        found = self._threads.get(child.os_pid)
        if found is None:
            tids = procfs.thread_ids(child.os_pid)
            ended = child.os_pid if child.first_thread_ended else 0
            found = self._threads[child.os_pid] = frozenset((child.os_pid, tid) for tid in tids if tid != ended)
        return found

    def wait_of(self, child: Child, tid: int) -> Held | None:
        """For whom a thread waits; None: it can go on by itself, as far as is known."""
        entered = entered_call(child, tid)
        if not isinstance(entered, Entered):
            return None
        held = self._in_call(child, tid, entered)
        if held is None or procfs_shared.has_timers(child.os_pid):
            return None
        if entered.call != "futex" and procfs.handles(child.os_pid, signal.SIGCHLD):
            held = self._or_children(child, held)
        # An alarm of its own nobody can see, but it has a handler for it then.
        return held._replace(may_end=True) if procfs.handles(child.os_pid, signal.SIGALRM) else held

    def _or_children(self, child: Child, held: Held) -> Held:
        """Who hears of the end of its children may go on for that, as make does, which waits for a place meanwhile."""
        ends = frozenset().union(*(self.threads(other) for other in self.children if other.parent is child))
        return held._replace(groups=tuple(group | ends for group in held.groups))

    def _in_call(self, child: Child, tid: int, entered: Entered) -> Held | None:
        call, arguments = entered.call, entered.arguments
        match call:
            case "wait4":
                return self._for_child(child, signed(arguments[0]))
            case "waitid":
                return self._for_child(child, self._awaited(child, *arguments[:2]))
            case "read" | "write" | "recv" | "send":
                return self._on_file(child, arguments[0], call in ("write", "send"))
            case "poll" | "ppoll" | "select" | "pselect":
                return self._on_several(child, call, arguments)
            case "epoll" | "epoll_pwait2":
                held = self._on_several(child, call, arguments)
                # An event loop that waits for nobody but itself is idle, and waits for a signal.
                return None if held is None or held.holders == [child.os_pid] else held
            case "lock":
                return self._for_lock(child, entered)
            case "semaphore" | "receive message" | "send message" if not entered.is_limited:
                # Whoever knows its number can end it, and the system keeps no list of those.
                what = "semaphore" if call == "semaphore" else "message queue"
                return Held(f"{what} {arguments[0]}", (), [], "unknown", any=True)
            case "futex" if not arguments[3]:
                return self._for_futex(child, tid, arguments)
        return None

    # Children

    def _for_child(self, child: Child, os_pid: int) -> Held | None:
        """``os_pid`` below 1: any child that it has."""
        other = self._known.get(os_pid)
        if os_pid > 0:
            awaited = [other] if other is not None and other.mode is not Mode.ENDED else []
        else:
            awaited = [other for other in self.children if other.parent is child]
        if not awaited:
            return None  # it is on its way
        name = f"end of {awaited[0].spec.name}" if len(awaited) == 1 else "end of a child"
        return self._any_of(name, awaited)

    @staticmethod
    def _awaited(child: Child, kind: int, which: int) -> int:
        if kind == _P_PIDFD:
            said = procfs_files.descriptor_facts(child.os_pid, which).get("Pid", "")
            return int(said) if said.isdecimal() else 0
        return which if kind == _P_PID else 0

    # Files

    def _on_file(self, child: Child, descriptor: int, writes: bool) -> Held | None:
        file = open_file(child, descriptor)
        if file is None:
            return None
        if file.kind == "pipe":
            others = self._ends(file.target, not writes)
            # Where nobody has the other end a call returns at once: somebody has it whom we do not know, or not yet.
            return self._any_of(_named(file.target, "pipe"), others) if others else None
        if file.kind == "eventfd":
            return self._any_of("eventfd", self._sharing_event(child, descriptor, file.target))
        if file.kind == "socket" and not file.listens:
            return self._on_socket(child, descriptor, file.target, writes)
        return None

    def _having(self, target: str) -> list[Child]:
        """Who has it open, under what number ever."""
        if not self._openers:
            for child in self.children:
                for name in {name for _, name in self._files_of(child)}:
                    self._openers.setdefault(name, []).append(child)
        return self._openers.get(target, [])

    def _ends(self, target: str, for_writing: bool) -> list[Child]:
        """Who has this end of a pipe."""
        may = procfs_files.may_write if for_writing else procfs_files.may_read
        return [
            child
            for child in self._having(target)
            if any(other == target and may(child.os_pid, number) for number, other in self._files_of(child))
        ]

    def _sharing_event(self, child: Child, descriptor: int, target: str) -> list[Child]:
        """Who has the same eventfd; older systems do not tell."""
        number = procfs_files.descriptor_facts(child.os_pid, descriptor).get("eventfd-id")
        return [
            other
            for other in self._having(target)
            if any(
                to == target and procfs_files.descriptor_facts(other.os_pid, at).get("eventfd-id") == number
                for at, to in self._files_of(other)
            )
        ]

    def _on_socket(self, child: Child, descriptor: int, target: str, writes: bool) -> Held | None:
        """Connected to a process of the board, without a time-out."""
        try:
            with socket.socket(fileno=libc.borrow_descriptor(child.pidfd, descriptor)) as borrowed:
                option = socket.SO_SNDTIMEO if writes else socket.SO_RCVTIMEO
                has_limit = any(borrowed.getsockopt(socket.SOL_SOCKET, option, 16))
                family, kind = borrowed.family, borrowed.type
                at = written_address(borrowed.getpeername)
        except OSError:
            return None
        inode = procfs_files.socket_inode(target) or 0
        if has_limit or kind not in _STREAMS:
            return None
        is_local = family == socket.AF_UNIX
        if peer := sock_diag.unix_peer(inode) if is_local else self._tcp.get(inode):
            inodes = [peer]
        else:  # nobody has accepted it yet: whoever could
            inodes = sock_diag.unix_listeners(at or "") if is_local else self._listening(at or "")
        found = {other.os_pid: other for inode in inodes for other in self._having(f"socket:[{inode}]")}
        holders = [*found.values()]
        return self._any_of(clean_line(at or target, 60), holders) if holders else None

    def _listening(self, at: str) -> list[int]:
        """The sockets that accept connections to this address."""
        port = at.rpartition(":")[2]
        return [inode for place in {at, f"0.0.0.0:{port}", f"[::]:{port}"} for inode in self._listeners.get(place, ())]

    def _on_several(self, child: Child, call: str, arguments: list[int]) -> Held | None:
        """Whoever makes one of them ready, at either end."""
        if time_limit(child.os_pid, call, arguments) is not None:
            return None
        polled = polled_descriptors(child.os_pid, call, arguments)
        holders: set[int] = set()
        for descriptor in polled[: _MAX_POLLED + 1]:
            for writes in (False, True):
                held = self._on_file(child, descriptor, writes)
                if held is None:
                    return None
                holders.update(held.holders)
        if not holders or len(polled) > _MAX_POLLED:
            return None
        if procfs.handles(child.os_pid, signal.SIGCHLD):  # these calls return when a child ends, as make's does
            holders.update(other.os_pid for other in self.children if other.parent is child)
        return self._any_of("one of several", [self._known[os_pid] for os_pid in sorted(holders)])

    # Locks on files

    def _for_lock(self, child: Child, entered: Entered) -> Held | None:
        wanted = self._wanted_lock(child, entered)
        if wanted is None:
            return None
        file, kind, writes, start, end = wanted
        groups: dict[tuple[str, int, int], list[Child]] = {}
        for other in self.children:
            for descriptor, target in self._files_of(other):
                if not target.startswith("/") or target.startswith(("/dev/pts/", "/dev/tty", "/dev/null")):
                    continue
                for lock in procfs_shared.file_locks(other.os_pid, descriptor):
                    hers = other is child and lock.kind == "POSIX" == kind
                    if lock.file.rpartition(":")[2] == file and lock.hinders(kind, writes, start, end) and not hers:
                        groups.setdefault((lock.kind, lock.by, lock.start), []).append(other)
        if not groups:
            return None  # somebody outside has it, or it has just been let go
        holders = {other.os_pid for group in groups.values() for other in group}
        name = _named(procfs_files.descriptor_target(child.os_pid, entered.arguments[0]), "file")
        # Whoever shares an open file with somebody can let go of its lock; several locks must all go.
        whole = tuple(frozenset().union(*map(self.threads, group)) for group in groups.values())
        return Held(name, whole, sorted(holders), any=len(groups) == 1 and len(holders) > 1)

    def _wanted_lock(self, child: Child, entered: Entered) -> tuple[str, str, bool, int, int] | None:
        """The file by its inode, the kind of lock, whether for writing, from where to where."""
        descriptor, asked, at = entered.arguments[:3]
        facts = procfs_files.descriptor_facts(child.os_pid, descriptor)
        inode = facts.get("ino", "")
        if not inode:
            return None
        if entered.number in _FLOCK_CALLS:
            return inode, "FLOCK", asked & ~_LOCK_NOT_BLOCKING != _LOCK_SHARED, 0, _END
        if asked not in (_SET_LOCK_WAIT, _SET_OPEN_FILE_LOCK_WAIT):
            return None
        memory = procfs.read_memory(child.os_pid, at, 24)
        if len(memory) < 24:
            return None
        access, whence, start, length = struct.unpack("hh4xqq", memory)
        if whence not in (_SEEK_SET, _SEEK_CUR) or length < 0:
            return None
        start += int(facts.get("pos", "0")) if whence == _SEEK_CUR else 0
        kind = "POSIX" if asked == _SET_LOCK_WAIT else "OFDLCK"
        return inode, kind, access != _READ_LOCK, start, start + length if length else _END

    # Memory

    def _for_futex(self, child: Child, tid: int, arguments: list[int]) -> Held | None:
        address, operation = arguments[0], arguments[1] & 0xFFFFFFFF
        what = futex(child.os_pid, arguments, False)
        if what.rule == "join":
            other = int(what.figures["tid"] or 0)
            return Held(f"end of thread {other}", (frozenset({(child.os_pid, other)}),), [child.os_pid])
        if (lock := self._says.thread_wait(child, tid, self.threads(child))) is not None:
            return self._of_threads(child, lock)
        private = bool(operation & _FUTEX_PRIVATE)
        mapping = None if private else _mapping(self._mappings_of(child), address)
        if mapping is None:
            shared = [(child, address)]
        else:
            shared = [*self._sharers(mapping, mapping.offset + address - mapping.begin)]
        if what.rule == "mutex" and (owner := self._owner(child, arguments, shared)) is not None:
            return Held(f"mutex {address:x}", (frozenset({owner}),), [owner[0]])
        everybody = frozenset().union(*(self.threads(other) for other, _ in shared))
        said = self._says(shared, self.threads) if mapping is not None else None
        if said is None:
            return Held(f"{what.rule} {address:x}", (everybody,), [], "unknown", any=True)
        return self._of_semaphore(said, everybody, (child.os_pid, tid))

    def _of_semaphore(self, said: Semaphore, everybody: frozenset[Thread], waiter: Thread) -> Held:
        if said.holders is None:
            return Held(said.name, (everybody,), [], "unknown", any=True)
        holders = sorted({os_pid for group in said.holders for os_pid, _ in group})
        takers = frozenset().union(*said.holders)
        # Whoever has it gives it back, and anybody else may: a lock is a signal, too, that one takes for another one to
        # give. So may be what somebody waits for who has taken it himself, and what a parent has who awaits a child.
        if not said.is_lock or waiter in takers or any(map(self._awaits_child, takers)):
            by: Literal["said", "unknown"] = "said" if holders else "unknown"
            return Held(said.name, (everybody,), holders, by, any=True, taken=said.taken)
        return Held(said.name, (takers,), holders, "said", taken=said.taken)

    def _awaits_child(self, thread: Thread) -> bool:
        os_pid, tid = thread
        entered = entered_call(self._known[os_pid], tid) if os_pid in self._known else None
        return isinstance(entered, Entered) and entered.call in ("wait4", "waitid")

    def _of_threads(self, child: Child, lock: ThreadWait) -> Held:
        if lock.ended:
            return Held(lock.name, (frozenset(),), [], "said", taken=lock.taken)
        if lock.owner is None:
            return Held(lock.name, (self.threads(child),), [], "unknown", any=True)
        if lock.is_lock:
            return Held(lock.name, (frozenset({lock.owner}),), [child.os_pid], "said", taken=lock.taken)
        return Held(lock.name, (self.threads(child),), [child.os_pid], "said", any=True, taken=lock.taken)

    def _sharers(self, mapping: SharedMapping, at: int) -> Iterator[tuple[Child, int]]:
        """Who has this place in memory, and at which address."""
        for other in self.children:
            for each in self._mappings_of(other):
                if each.file == mapping.file and each.offset <= at < each.offset + each.end - each.begin:
                    yield other, each.begin + at - each.offset
                    break

    def _owner(self, child: Child, arguments: list[int], shared: Iterable[tuple[Child, int]]) -> Thread | None:
        """The thread that a mutex says it belongs to: one of those that share it, else it is no mutex."""
        address, operation, value = arguments[0], arguments[1] & ~_FUTEX_FLAGS, arguments[2] & 0xFFFFFFFF
        memory = procfs.read_memory(child.os_pid, address, _OWNER_AT + 4)
        if len(memory) < _OWNER_AT + 4:
            return None
        word, _, owner = struct.unpack("=III", memory)
        if not word:
            return None  # it has just been let go
        tid = word & _FUTEX_TID if operation in _FUTEX_LOCKS_PI or value > _FUTEX_TID else owner
        return next(((other.os_pid, tid) for other, _ in shared if (other.os_pid, tid) in self.threads(other)), None)

    # What they have

    def _any_of(self, resource: str, holders: Sequence[Child]) -> Held:
        members = frozenset().union(*map(self.threads, holders))
        return Held(resource, (members,), [child.os_pid for child in holders], any=len(holders) > 1)

    def _files_of(self, child: Child) -> list[tuple[int, str]]:
        own = self._belongings[child.os_pid]
        if own.files is None:
            own.files = [*procfs_files.descriptors(child.os_pid)]
        return own.files

    def _mappings_of(self, child: Child) -> list[SharedMapping]:
        own = self._belongings[child.os_pid]
        if own.mappings is None:
            own.mappings = procfs_shared.shared_mappings(child.os_pid)
        return own.mappings


def _mapping(mappings: Iterable[SharedMapping], address: int) -> SharedMapping | None:
    return next((each for each in mappings if each.begin <= address < each.end), None)


def _named(target: str, kind: str) -> str:
    """What a file is called: its name without folders; a pipe without one by its number."""
    return clean_line(target.rpartition("/")[2], 60) if target.startswith("/") else target or kind
