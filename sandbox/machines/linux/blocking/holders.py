"""Finds who can end the wait of a blocked thread, from the system, never from the script.

If the system does not tell which process has a resource, all processes that share it could release it. If a process
outside the board could, or passing time ends the wait, the answer is None, because the thread can go on by itself.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import signal
import socket

from sandbox.machines.linux import procfs, procfs_files, procfs_timers
from sandbox.machines.linux.blocking.census import Census, Held
from sandbox.machines.linux.blocking.lock_holders import lock_holders
from sandbox.machines.linux.blocking.memory_holders import by_turns, futex_holders
from sandbox.machines.linux.blocking.open_files import is_made_up, named, open_file, written_address
from sandbox.machines.linux.blocking.polled import polled_descriptors, signed, time_limit
from sandbox.machines.linux.blocking.queues import queue_holders
from sandbox.machines.linux.blocking.system_calls import Entered, entered_call
from sandbox.machines.linux.net.sock_diag import unix_listeners, unix_peer
from sandbox.machines.linux.process.child import Child, Mode
from sandbox.machines.linux.process.open_file import OpenFile
from sandbox.util import libc
from sandbox.util.text import clean_line

#: Processes with more threads, and boards with more processes, are not examined.
MAX_THREADS, MAX_PROCESSES = 64, 512
#: A wait for any of more descriptors is not examined.
_MAX_POLLED = 16
_P_PID, _P_PIDFD = 1, 3
#: rt_sigsuspend, rt_sigtimedwait; the signals for which shells have handlers of their own.
_SUSPEND_CALLS, _SIGWAIT_CALLS = (130, 133), (128, 137)
_OF_SHELLS = {signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGWINCH}
#: The resource of a wait at a socket on which ``multiprocessing`` accepts its own processes.
DOOR = "a connection"
_STREAMS = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)
#: The targets of the master ends of pseudo-terminals.
_MULTIPLEXERS = ("/dev/ptmx", "/dev/pts/ptmx")


def wait_of(census: Census, child: Child, tid: int) -> Held | None:
    """Return who can end the wait of a thread; None if it can go on by itself, as far as is known."""
    entered = entered_call(child, tid)
    if not isinstance(entered, Entered):
        return None
    held = _in_call(census, child, tid, entered)
    if held is None or procfs_timers.has_timers(child.os_pid):
        return None
    if entered.call != "futex" and procfs.handles(child.os_pid, signal.SIGCHLD):
        held = _or_children(census, child, held)
    may_end = procfs_timers.may_have_alarm(child.os_pid, entered.call == "read")
    return held._replace(may_end=True) if may_end else held


def _or_children(census: Census, child: Child, held: Held) -> Held:
    """Add the children of a process that handles SIGCHLD. It may go on when one ends, as make does while it waits for a
    place."""
    ends = frozenset().union(*(census.threads(other) for other in census.children if other.parent is child))
    return held._replace(groups=tuple(group | ends for group in held.groups))


def _in_call(census: Census, child: Child, tid: int, entered: Entered) -> Held | None:
    call, arguments = entered.call, entered.arguments
    match call:
        case "wait4":
            return _for_child(census, child, signed(arguments[0]))
        case "waitid":
            return _for_child(census, child, _awaited(child, *arguments[:2]))
        case "signal" if entered.number in _SUSPEND_CALLS and _hears_of_children_only(child):
            return _for_child(census, child, -1)
        case "signal" if entered.number in _SIGWAIT_CALLS and not arguments[2]:
            mask = int.from_bytes(procfs.read_memory(child.os_pid, arguments[0], 8), "little")
            return _for_signals(census, child, mask)
        case "read" | "write" | "recv" | "send" | "accept":
            return _on_file(census, child, arguments[0], call in ("write", "send"))
        case "poll" | "ppoll" | "select" | "pselect" | "epoll" | "epoll_pwait2":
            held = _on_several(census, child, call, arguments)
            # An event loop that waits only for itself is idle: handlers of signals write to its pipe.
            return None if held is None or held.holders == [child.os_pid] else held
        case "lock":
            return lock_holders(census, child, entered)
        case "semaphore" | "receive message" | "send message" if not entered.is_limited:
            return queue_holders(census, child, entered)
        case "futex":
            return by_turns(census, child, tid) if arguments[3] else futex_holders(census, child, tid, entered)
    return None


# Children


def _for_child(census: Census, child: Child, os_pid: int) -> Held | None:
    """Return the wait for a child; any child, if ``os_pid`` is below 1."""
    other = census.known.get(os_pid)
    if os_pid > 0:
        awaited = [other] if other is not None and other.mode is not Mode.ENDED else []
    else:
        awaited = [other for other in census.children if other.parent is child]
    if not awaited:
        return None  # its end is about to be noticed
    name = f"end of {awaited[0].spec.name}" if len(awaited) == 1 else "end of a child"
    return census.any_of(name, awaited)


def _hears_of_children_only(child: Child) -> bool:
    """Whether a process suspends itself until a child ends, as a shell does: it has no handlers for signals with which
    other processes of the board could notify it."""
    handled = procfs.signal_masks(child.os_pid)["handled"]
    return signal.SIGCHLD in handled and handled <= _OF_SHELLS


def _awaited(child: Child, kind: int, which: int) -> int:
    if kind == _P_PIDFD:
        return _meant(child, which)
    return which if kind == _P_PID else 0


def _meant(child: Child, pidfd: int) -> int:
    """Return the os_pid of the process that a pidfd refers to; 0 if that is gone."""
    said = procfs_files.descriptor_facts(child.os_pid, pidfd).get("Pid", "")
    return int(said) if said.isdecimal() else 0


def _for_signals(census: Census, child: Child, mask: int) -> Held | None:
    """Return the wait for one of these signals: for the end of a child, if they contain SIGCHLD and no signal with
    which others could notify the process."""
    awaited = {number for number in range(1, mask.bit_length() + 1) if mask >> (number - 1) & 1}
    return _for_child(census, child, -1) if signal.SIGCHLD in awaited <= _OF_SHELLS else None


# Files


def _on_file(census: Census, child: Child, descriptor: int, writes: bool) -> Held | None:
    file = open_file(child, descriptor)
    if file is None:
        return None
    if file.kind == "pipe":
        others = _ends(census, file.target, not writes)
        # Without another end the call would return at once, so its holder is unknown, or not known yet.
        return census.any_of(named(file.target, "pipe"), others) if others else None
    if file.kind == "eventfd":
        return census.any_of("eventfd", _sharing_event(census, child, descriptor, file.target))
    if file.kind == "pidfd":
        return _for_child(census, child, os_pid) if (os_pid := _meant(child, descriptor)) else None
    if file.kind == "signalfd":
        mask = procfs_files.descriptor_facts(child.os_pid, descriptor).get("sigmask", "")
        return _for_signals(census, child, int(mask or "0", 16))
    if file.kind in ("terminal", "console"):
        others = _over_terminal(census, child, descriptor, file)
        # A console's other end is ours, and a person's business.
        return census.any_of("terminal", others) if others else None
    if file.kind == "socket":
        if not file.listens:
            return _on_socket(census, child, descriptor, file.target, writes)
        return _at_door(census, child, file.own or "")
    return None


def _at_door(census: Census, child: Child, at: str) -> Held | None:
    """Return the wait for a connection, from any member of the family, if the address is only known there; otherwise
    None."""
    return census.any_of(DOOR, census.family(child))._replace(by="unknown") if is_made_up(at) else None


def _ends(census: Census, target: str, for_writing: bool) -> list[Child]:
    """Return the processes that have this end of a pipe."""
    may = procfs_files.may_write if for_writing else procfs_files.may_read
    return [
        child
        for child in census.openers(target)
        if any(other == target and may(child.os_pid, number) for number, other in census.files_of(child))
    ]


def _sharing_event(census: Census, child: Child, descriptor: int, target: str) -> list[Child]:
    """Return the processes that have the same eventfd. (Older systems do not tell.)"""
    number = procfs_files.descriptor_facts(child.os_pid, descriptor).get("eventfd-id")
    return _having(census, target, "eventfd-id", number)


def _over_terminal(census: Census, child: Child, descriptor: int, file: OpenFile) -> list[Child]:
    """Return the processes that have the other end of a pseudo-terminal."""
    if file.kind == "terminal":
        number = procfs_files.descriptor_facts(child.os_pid, descriptor).get("tty-index")
        return census.openers(f"/dev/pts/{number}")
    number = file.target.removeprefix("/dev/pts/")
    return [other for target in _MULTIPLEXERS for other in _having(census, target, "tty-index", number)]


def _having(census: Census, target: str, fact: str, value: str | None) -> list[Child]:
    """Return the processes that have a file with this target open of which the system tells this fact."""
    return [
        other
        for other in census.openers(target)
        if any(
            to == target and procfs_files.descriptor_facts(other.os_pid, at).get(fact) == value
            for at, to in census.files_of(other)
        )
    ]


def _on_socket(census: Census, child: Child, descriptor: int, target: str, writes: bool) -> Held | None:
    """Return the wait for the peer of a socket, if that is on the board and there is no time-out."""
    try:
        with socket.socket(fileno=libc.borrow_descriptor(child.pidfd, descriptor)) as borrowed:
            option = socket.SO_SNDTIMEO if writes else socket.SO_RCVTIMEO
            has_limit = any(borrowed.getsockopt(socket.SOL_SOCKET, option, 16))
            family, kind = borrowed.family, borrowed.type
            at = written_address(borrowed.getpeername)
    except OSError:
        return None
    inode = procfs_files.socket_inode(target) or 0
    is_local = family == socket.AF_UNIX
    if has_limit or not (is_local or kind in _STREAMS):
        return None
    if peer := unix_peer(inode) if is_local else census.tcp.get(inode):
        inodes = [peer]
    else:  # not accepted yet: by any process that could
        inodes = unix_listeners(at or "") if is_local else _listening(census, at or "")
    found = {other.os_pid: other for inode in inodes for other in census.openers(f"socket:[{inode}]")}
    return census.any_of(clean_line(at or target, 60), [*found.values()]) if found else None


def _listening(census: Census, at: str) -> list[int]:
    """Return the sockets that accept connections to this address."""
    port = at.rpartition(":")[2]
    return [inode for place in {at, f"0.0.0.0:{port}", f"[::]:{port}"} for inode in census.listeners.get(place, ())]


def _on_several(census: Census, child: Child, call: str, arguments: list[int]) -> Held | None:
    """Return the wait for any process that can make one of the descriptors ready, for reading or writing."""
    if time_limit(child.os_pid, call, arguments) is not None:
        return None
    polled = polled_descriptors(child.os_pid, call, arguments)
    holders: set[int] = set()
    for descriptor in polled[: _MAX_POLLED + 1]:
        for writes in (False, True):
            held = _on_file(census, child, descriptor, writes)
            if held is None:
                return None
            holders.update(held.holders)
    if not holders or len(polled) > _MAX_POLLED:
        return None
    if procfs.handles(child.os_pid, signal.SIGCHLD):  # these calls return when a child ends
        holders.update(other.os_pid for other in census.children if other.parent is child)
    others = [census.known.get(os_pid) for os_pid in sorted(holders)]
    present = [other for other in others if other is not None]
    # The end of one, since the census was taken, may have made something ready.
    return census.any_of("one of several", present) if len(present) == len(others) else None
