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

from sandbox.machines.linux import procfs, procfs_files, procfs_shared
from sandbox.machines.linux.blocking.census import Census, Held, Says
from sandbox.machines.linux.blocking.futex_holders import FutexHolders
from sandbox.machines.linux.blocking.open_files import open_file, written_address
from sandbox.machines.linux.blocking.polled import polled_descriptors, signed, time_limit
from sandbox.machines.linux.blocking.queues import is_of_the_board, others_at_queue
from sandbox.machines.linux.blocking.system_calls import Entered, entered_call
from sandbox.machines.linux.net.sock_diag import unix_peer
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.util import libc
from sandbox.util.text import clean_line

#: A wait for any of more descriptors is not followed.
_MAX_POLLED = 16
_P_PID, _P_PIDFD = 1, 3
#: fcntl(2), flock(2).
_LOCK_SHARED, _LOCK_NOT_BLOCKING, _SET_LOCK_WAIT, _SET_OPEN_FILE_LOCK_WAIT = 1, 4, 7, 38
_READ_LOCK, _SEEK_SET, _SEEK_CUR, _END = 0, 0, 1, 1 << 63
_FLOCK_CALLS = (73, 32)
#: mq_timedsend, mq_timedreceive.
_POSIX_QUEUE_CALLS = (242, 243, 182, 183)
_STREAMS = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)


class Holders:
    """``census``: what all have at this moment."""

    def __init__(self, census: Census, says: Says) -> None:
        self._census = census
        self._futexes = FutexHolders(census, says)

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

    def _children_of(self, child: Child) -> list[Child]:
        return [other for other in self._census.children if other.parent is child]

    def _or_children(self, child: Child, held: Held) -> Held:
        """Who hears of the end of its children may go on for that, as make does, which waits for a place meanwhile."""
        ends = frozenset().union(*map(self._census.threads, self._children_of(child)))
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
                return self._on_queue(child, entered)
            case "futex" if not arguments[3]:
                return self._futexes.wait_for(child, tid, entered)
        return None

    # Queues

    def _on_queue(self, child: Child, entered: Entered) -> Held | None:
        """A queue, or a semaphore of System V, of which whoever knows its number can end the wait: on the board
        anybody may."""
        call, number = str(entered.call), entered.arguments[0]
        if entered.number in _POSIX_QUEUE_CALLS:
            others = others_at_queue(child, number, call == "send message", self._census)
            name = procfs_files.descriptor_target(child.os_pid, number)
            return self._census.any_of(_named(name, "message queue"), others) if others else None
        what = f"{'semaphore' if call == 'semaphore' else 'message queue'} {number}"
        shared = is_of_the_board(child, call, number, self._census.known)
        return Held(what, (self._census.everybody,) if shared else (), [], "unknown", any=True)

    # Children

    def _for_child(self, child: Child, os_pid: int) -> Held | None:
        """``os_pid`` below 1: any child that it has."""
        other = self._census.known.get(os_pid)
        if os_pid > 0:
            awaited = [other] if other is not None and other.mode is not Mode.ENDED else []
        else:
            awaited = self._children_of(child)
        if not awaited:
            return None  # it is on its way
        name = f"end of {awaited[0].spec.name}" if len(awaited) == 1 else "end of a child"
        return self._census.any_of(name, awaited)

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
            return self._census.any_of(_named(file.target, "pipe"), others) if others else None
        if file.kind == "eventfd":
            return self._census.any_of("eventfd", self._sharing_event(child, descriptor, file.target))
        if file.kind == "socket" and not file.listens:
            return self._on_socket(child, descriptor, file.target, writes)
        return None

    def _ends(self, target: str, for_writing: bool) -> list[Child]:
        """Who has this end of a pipe."""
        may = procfs_files.may_write if for_writing else procfs_files.may_read
        return [
            child
            for child in self._census.children
            if any(other == target and may(child.os_pid, number) for number, other in self._census.files_of(child))
        ]

    def _sharing_event(self, child: Child, descriptor: int, target: str) -> list[Child]:
        """Who has the same eventfd; older systems do not tell."""
        number = procfs_files.descriptor_facts(child.os_pid, descriptor).get("eventfd-id")
        return [
            other
            for other in self._census.children
            if any(
                to == target and procfs_files.descriptor_facts(other.os_pid, at).get("eventfd-id") == number
                for at, to in self._census.files_of(other)
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
        if has_limit or (kind not in _STREAMS and family != socket.AF_UNIX):
            return None
        peer = unix_peer(inode) if family == socket.AF_UNIX else self._census.connected.get(inode)
        holders = self._having(f"socket:[{peer}]")
        if not peer:
            holders = self._accepting(at)
        return self._census.any_of(clean_line(at or target, 60), holders) if holders else None

    def _having(self, target: str) -> list[Child]:
        census = self._census
        return [other for other in census.children if any(to == target for _, to in census.files_of(other))]

    def _accepting(self, at: str | None) -> list[Child]:
        """Who could accept a connection to this address that nobody has accepted yet."""
        host, _, port = (at or "").rpartition(":")
        places = {at, f"0.0.0.0:{port}", f"[::]:{port}"} if host else {at}
        return [
            other
            for other in self._census.children
            if at
            and any(
                to.startswith("socket:") and self._listens(other, number, places)
                for number, to in self._census.files_of(other)
            )
        ]

    @staticmethod
    def _listens(child: Child, descriptor: int, places: set[str | None]) -> bool:
        file = open_file(child, descriptor)
        return file is not None and file.listens and file.own in places

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
            holders.update(other.os_pid for other in self._children_of(child))
        return self._census.any_of("one of several", [self._census.known[os_pid] for os_pid in sorted(holders)])

    # Locks on files

    def _for_lock(self, child: Child, entered: Entered) -> Held | None:
        wanted = self._wanted_lock(child, entered)
        if wanted is None:
            return None
        file, kind, writes, start, end = wanted
        groups: dict[tuple[str, int, int], list[Child]] = {}
        for other in self._census.children:
            for descriptor, target in self._census.files_of(other):
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
        whole = tuple(frozenset().union(*map(self._census.threads, group)) for group in groups.values())
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


def _named(target: str, kind: str) -> str:
    """What a file is called: its name without folders; a pipe without one by its number."""
    return clean_line(target.rpartition("/")[2], 60) if target.startswith("/") else target or kind
