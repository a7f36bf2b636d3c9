"""Where the descriptors of a process lead, as text: pipes, sockets, consoles, and files of the system's own."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import fcntl
import os
import re
import select
import socket
from collections.abc import Callable, Iterable

from sandbox.machines.linux import procfs_files
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.process.open_file import OpenFile
from sandbox.util import libc
from sandbox.util.paths import IN_MEMORY
from sandbox.util.text import clean_line

#: At most so many relatives are searched for the other end of a pipe, which would take too long otherwise.
_MAX_RELATIVES = 24
#: At most so many sockets of a process are cached.
_MAX_STREAMS = 64
#: Anonymous inodes of the system, by their names, which are also their kinds.
_ANONYMOUS = re.compile(r"(?:anon_inode:)?\[?(eventfd|timerfd|signalfd|inotify|fanotify|pidfd|eventpoll|io_uring)\b")
#: An address of a Unix domain socket that ``multiprocessing`` has generated.
_MADE_UP = re.compile(r"/pymp-[^/]+/listener-[^/]+$")


def open_file(child: Child, descriptor: int) -> OpenFile | None:
    """Return where a descriptor of the process leads; None if the system does not tell."""
    target = procfs_files.descriptor_target(child.os_pid, descriptor)
    if not target:
        return None
    if target.startswith(("/dev/pts/", "/dev/tty", "/dev/console")) and not target.startswith("/dev/pts/ptmx"):
        return OpenFile("console", target)
    if target.startswith("pipe:"):
        return OpenFile("pipe", target)
    if target.startswith("socket:"):
        return _open_socket(child, descriptor, target)
    anonymous = _ANONYMOUS.match(target)
    if anonymous is not None:
        return OpenFile(anonymous[1], target)
    if target.startswith(("/dev/ptmx", "/dev/pts/ptmx")):
        return OpenFile("terminal", target)
    if not target.startswith("/") or (target.startswith("/dev/") and not target.startswith(f"{IN_MEMORY}/")):
        return OpenFile("device", target)
    return OpenFile("pipe" if is_fifo(child, descriptor) else "file", target)


def is_fifo(child: Child, descriptor: int) -> bool:
    """Whether a file is a named pipe. The path is not looked up, because its file system may be served by a process
    that we have stopped."""
    try:
        ours = libc.borrow_descriptor(child.pidfd, descriptor)
    except OSError:
        return False
    try:
        return fcntl.fcntl(ours, fcntl.F_GETPIPE_SZ) > 0
    except OSError:
        return False
    finally:
        os.close(ours)


def other_end(child: Child, pipe: str, writes: bool, relatives: Iterable[Child]) -> Child | None:
    """Return the relative that has the other end of a pipe open, or None. ``writes``: whether the process itself
    writes."""
    family = (other for other in relatives if other is not child and other.console is child.console)
    for other, _ in zip(family, range(_MAX_RELATIVES), strict=False):
        for descriptor, target in procfs_files.descriptors(other.os_pid):
            if target == pipe and procfs_files.may_write(other.os_pid, descriptor) is (not writes):
                return other
    return None


def is_ready(child: Child, descriptor: int, writes: bool) -> bool | None:
    """Whether the descriptor can be read, or written, without waiting; None if unknown."""
    try:
        ours = libc.borrow_descriptor(child.pidfd, descriptor)
    except OSError:
        return None
    try:
        poll = select.poll()  # select cannot take large descriptors
        poll.register(ours, select.POLLOUT if writes else select.POLLIN)
        return bool(poll.poll(0))
    finally:
        os.close(ours)


# Sockets


def _open_socket(child: Child, descriptor: int, target: str) -> OpenFile:
    """Return a socket with its addresses, which are read through a temporary descriptor of our own. Those of a stream
    that is connected, or listens, are cached, since they do not change while it is the same socket."""
    known = child.streams.get(descriptor)
    if known is not None and known.target == target:
        return known
    try:
        ours = libc.borrow_descriptor(child.pidfd, descriptor)
    except OSError:
        return OpenFile("socket", target)
    with socket.socket(fileno=ours) as borrowed:
        own, peer = written_address(borrowed.getsockname), written_address(borrowed.getpeername)
        listens = _listens(borrowed)
        found = OpenFile("socket", target, own, peer, listens)
        if (peer or listens) and borrowed.type == socket.SOCK_STREAM:
            _remember(child.streams, descriptor, found)
        return found


def _remember(streams: dict[int, OpenFile], descriptor: int, found: OpenFile) -> None:
    if len(streams) >= _MAX_STREAMS:
        streams.clear()
    streams[descriptor] = found


def is_made_up(address: str) -> bool:
    """Whether the address is only known in the family of the process that listens there."""
    return _MADE_UP.search(address) is not None


def _listens(borrowed: socket.socket) -> bool:
    try:
        return bool(borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False


def written_address(ask: Callable[[], object]) -> str | None:
    """Return an address of a socket as text; None if it has none."""
    try:
        address = ask()
    except OSError:
        return None
    match address:
        case (str(host), int(port)):
            return f"{host}:{port}"
        case (str(host), int(port), _, _):
            return f"[{host}]:{port}"
        case str(path) if path:
            return path
    return None


def brief_name(file: OpenFile | None, descriptor: int) -> str:
    """Return a short name for a descriptor, which is the same in every language."""
    if file is None or file.kind in ("file", "device"):
        return f"fd {descriptor}"
    if file.kind != "socket":
        return file.kind
    return clean_line((file.own if file.listens else file.peer or file.own) or "socket", 60)


def named(target: str, kind: str) -> str:
    """Return the name of a file without folders, or, for a pipe without a name, its number."""
    return clean_line(target.rpartition("/")[2], 60) if target.startswith("/") else target or kind
