"""What has to happen before a blocked process can continue: time, an action of the board, or a key that a person types.

The system is asked about every thread, since one may read the terminal while others are idle.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import signal
import socket
import struct
from collections.abc import Collection, Iterable
from enum import Enum

from sandbox.machines.linux import procfs, procfs_files
from sandbox.machines.linux.blocking.block_reason import OPENS_FIFO, READS_CONSOLE
from sandbox.machines.linux.blocking.channels import by_channel
from sandbox.machines.linux.blocking.open_files import is_fifo, is_made_up
from sandbox.machines.linux.blocking.polled import innermost, polled_descriptors, time_limit
from sandbox.machines.linux.blocking.system_calls import TERMINALS, Entered, entered_call
from sandbox.machines.linux.process.child import Child, Relative
from sandbox.model.events import Clause
from sandbox.util import libc
from sandbox.util.units import MS

#: A process that waits for keys with a time limit up to this is polling, and checks something else in between. A longer
#: limit is meant by the program.
_MAX_POLL_NS = 1_000 * MS
#: Processes with more threads are not examined.
_MAX_THREADS = 64
#: futex operations that wait and may have a time limit; and the flags to be removed.
_FUTEX_WAITS, _FUTEX_FLAGS = (0, 6, 9, 11, 13), 0x180
#: Targets of descriptors that only become ready by an action of the board.
_OF_THE_BOARD = (
    "pipe:", "anon_inode:[eventfd]", "anon_inode:[eventpoll]", "anon_inode:[pidfd]", "pidfd:", "/dev/ptmx", "/dev/pts/",
)  # fmt: skip
_SIGNALS = "anon_inode:[signalfd]"
#: A struct ucred: pid, uid, gid.
_CREDENTIALS = struct.Struct("iII")
#: The socket option for the receive time-out, and the size of its struct timeval.
_TIME_OUT = (socket.SO_RCVTIMEO, 16)
#: Calls that are ended by the board.
_ENDED_BY_THE_BOARD = (
    "futex", "futexes", "receive message", "send message", "wait4", "waitid", "lock", "semaphore",
)  # fmt: skip


class Prospect(Enum):
    """What has to happen before a blocked process continues."""

    OPEN = "time passes, or somebody outside does something"
    BOARD = "another thread or process of the board does something"
    PERSON = "somebody types"
    #: Another process of the board would do so if it could go on.
    PARTNER = "somebody opens the other end of a named pipe"
    #: It has no children whose ends it might await.
    SIGNAL = "somebody sends a signal, or an alarm does"
    #: It has a handler for that signal, or blocks it.
    ALARM = "somebody sends a signal, or an alarm that it has probably set does"
    #: It polls for keys, with pauses.
    POLLS = "somebody types, as far as one can see"


class _Wait(Enum):
    """The same for one thread. SHORT: a short time passes."""

    OPEN = 0
    BOARD = 1
    PERSON = 2
    SHORT = 3
    SHORT_PERSON = 4
    PARTNER = 5
    SIGNAL = 6
    ALARM = 7


def prospect(child: Child) -> Prospect:
    """Return what has to happen before this blocked process continues."""
    tids = procfs.thread_ids(child.os_pid)
    if not 0 < len(tids) <= _MAX_THREADS:
        return Prospect.OPEN
    waits = {_wait_of(child, tid) for tid in tids}
    person = bool(waits & {_Wait.PERSON, _Wait.SHORT_PERSON})
    if _Wait.OPEN in waits:
        return Prospect.OPEN
    if waits & {_Wait.SHORT, _Wait.SHORT_PERSON}:
        return Prospect.POLLS if person and child.console is not None and child.console.edits else Prospect.OPEN
    if person:
        return Prospect.PERSON
    for wait, found in (
        (_Wait.PARTNER, Prospect.PARTNER),
        (_Wait.ALARM, Prospect.ALARM),
        (_Wait.SIGNAL, Prospect.SIGNAL),
    ):
        if wait in waits:
            return found
    return Prospect.BOARD


def verdict(found: Collection[tuple[str, Prospect]], deadlocked: Collection[str]) -> Clause:
    """Return why nothing can happen any more. ``found``: the name and the prospect of each waiting process;
    ``deadlocked``: the names of those in a deadlock."""

    def of(*prospects: Prospect) -> list[str]:
        return [name for name, each in found if each in prospects]

    for rule, names in (
        ("waits for somebody to type", of(Prospect.PERSON, Prospect.POLLS)),
        ("deadlock", deadlocked),
        ("waits for the other end of a pipe", of(Prospect.PARTNER)),
        ("waits for a signal", of(Prospect.SIGNAL, Prospect.ALARM)),
    ):
        if names:
            return Clause(rule, {"names": ", ".join(names)})
    return Clause("nothing can happen any more")


def _wait_of(child: Child, tid: int) -> _Wait:
    call = entered_call(child, tid)
    if not isinstance(call, Entered):  # if the call cannot be seen, use the reason of the whole process
        return _Wait.PERSON if call is None and _reads_console(child) else _Wait.OPEN
    name, arguments = call.call, call.arguments
    match name:
        case "read" | "write" | "recv" | "accept":
            wait = _on_files(child, arguments[:1])
            return _Wait.OPEN if name == "write" and wait is _Wait.PERSON else wait  # we read what is written
        case "select" | "pselect" | "poll" | "ppoll" | "epoll" | "epoll_pwait2":
            limit_ns = time_limit(child.os_pid, name, arguments)
            polled = [*innermost(child.os_pid, polled_descriptors(child.os_pid, name, arguments))]
            return _limited(_on_files(child, polled) if polled else _on_signals(child), limit_ns)
        case "futex" if arguments[1] & ~_FUTEX_FLAGS in _FUTEX_WAITS and arguments[3]:
            return _Wait.SHORT  # the length does not matter: see _MAX_POLL_NS
        case "signal":
            return _on_signals(child)
        case "open" | "creat" | "openat" | "openat2" if _opens_fifo(child, tid):
            return _Wait.PARTNER
        case name if name in _ENDED_BY_THE_BOARD:
            return _Wait.OPEN if call.is_limited else _Wait.BOARD
    return _Wait.OPEN


def _reads_console(child: Child) -> bool:
    return child.blocked_on is not None and child.blocked_on.rule == READS_CONSOLE.rule


def _on_signals(child: Child) -> _Wait:
    """Return what sends a signal to a process: an alarm, one of its children by its end, or else somebody."""
    if procfs.withstands(child.os_pid, signal.SIGALRM):
        return _Wait.ALARM
    return _Wait.BOARD if procfs.children(child.os_pid) else _Wait.SIGNAL


def _opens_fifo(child: Child, tid: int) -> bool:
    return by_channel(procfs.wait_channel(child.os_pid, tid)).rule == OPENS_FIFO.rule


def _on_files(child: Child, descriptors: Iterable[int]) -> _Wait:
    """Return what makes one of these descriptors ready."""
    waits = {_Wait.BOARD}
    for descriptor in descriptors:
        target = procfs_files.descriptor_target(child.os_pid, descriptor)
        if _is_console(child, target):
            waits.add(_Wait.PERSON)
        elif target.startswith(_SIGNALS):
            waits.add(_on_signals(child))
        elif not (
            target.startswith(_OF_THE_BOARD)
            or _is_socket_of_the_family(child, descriptor)
            or is_fifo(child, descriptor)
        ):
            return _Wait.OPEN
    return next(wait for wait in (_Wait.PERSON, _Wait.ALARM, _Wait.SIGNAL, _Wait.BOARD) if wait in waits)


def _is_console(child: Child, target: str) -> bool:
    """Whether a person types there: not at a terminal that a process of the board has made for others."""
    if child.console is not None and target.startswith("/dev/pts/"):
        return target == child.console.path
    return target.startswith(TERMINALS)


def _is_socket_of_the_family(child: Child, descriptor: int) -> bool:
    """Whether only the board can make a socket ready: it is one of a pair that was made by this process or an ancestor,
    or it is one at which ``multiprocessing`` accepts connections of its own; and it has no time-out."""
    try:
        with socket.socket(fileno=libc.borrow_descriptor(child.pidfd, descriptor)) as borrowed:
            if borrowed.family != socket.AF_UNIX or any(borrowed.getsockopt(socket.SOL_SOCKET, *_TIME_OUT)):
                return False
            if borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                name = borrowed.getsockname()
                return isinstance(name, str) and is_made_up(name)
            maker, *_ = _CREDENTIALS.unpack(
                borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            )
    except OSError:
        return False
    relative: Relative | None = child
    while relative is not None and relative.os_pid != maker:
        relative = relative.parent
    return relative is not None


def _limited(wait: _Wait, limit_ns: int | None) -> _Wait:
    """Return the wait with a time limit (None: without one)."""
    if limit_ns is None or wait is _Wait.OPEN:
        return wait
    if limit_ns > _MAX_POLL_NS:
        return _Wait.OPEN
    return _Wait.SHORT_PERSON if wait is _Wait.PERSON else _Wait.SHORT
