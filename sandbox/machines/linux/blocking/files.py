"""Where a descriptor of a process leads: its console, a pipe and who else has it, a socket and its addresses."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from typing import Literal, NamedTuple

from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs import Descriptors
from sandbox.util import libc

Kind = Literal["console", "pipe", "socket", "file"]
#: So many relatives are asked for the other end of a pipe: a family larger than that is told of without it.
_RELATIVES_MOST = 24


class Place(NamedTuple):
    """Where it leads. ``target``: what ``/proc`` calls it; ``listens``: a socket that accepts connections."""

    kind: Kind
    target: str
    own: str | None = None
    peer: str | None = None
    listens: bool = False


def place(child: Child, descriptor: int) -> Place | None:
    """Where a descriptor of the process leads; None where the system will not say."""
    try:
        target = os.readlink(f"/proc/{child.os_pid}/fd/{descriptor}")
    except OSError:
        return None
    if target.startswith(("/dev/pts/", "/dev/tty")):
        return Place("console", target)
    if target.startswith("pipe:"):
        return Place("pipe", target)
    if target.startswith("socket:"):
        return _socket(child, descriptor, target)
    return Place("file", target)


def other_end(child: Child, pipe: str, writes: bool, relatives: Iterable[Child]) -> Child | None:
    """Who of the process's relatives has the other end of a pipe open; ``writes``: the process itself writes."""
    family = (other for other in relatives if other is not child and other.console is child.console)
    for other, _ in zip(family, range(_RELATIVES_MOST), strict=False):
        for target, may_write in Descriptors(other.os_pid):
            if target == pipe and may_write is not writes:
                return other
    return None


def _socket(child: Child, descriptor: int, target: str) -> Place:
    """Its addresses, asked of the socket itself: we borrow it for a moment."""
    try:
        ours = libc.borrow_descriptor(child.pidfd, descriptor)
    except OSError:
        return Place("socket", target)
    with socket.socket(fileno=ours) as borrowed:
        listens = bool(_option(borrowed, socket.SO_ACCEPTCONN))
        return Place("socket", target, _address(borrowed.getsockname), _address(borrowed.getpeername), listens)


def _option(borrowed: socket.socket, option: int) -> int:
    try:
        return borrowed.getsockopt(socket.SOL_SOCKET, option)
    except OSError:
        return 0


def _address(ask: object) -> str | None:
    try:
        address = ask()  # type: ignore[operator]
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
