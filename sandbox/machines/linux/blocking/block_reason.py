"""Why a process is blocked: asked of the system (the call it is in, its arguments, its files), never of the script."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from sandbox.machines.linux import procfs
from sandbox.machines.linux.process.child import Child
from sandbox.model.events import Clause, Figure
from sandbox.util import libc
from sandbox.util.text import clean_line
from sandbox.util.units import MS, S

# System calls by number, as far as a process may stay in them. Those that mean the same have one name, which is the
# rule of the Clause that tells of the wait.
_X86_64 = {
    0: "read", 1: "write", 7: "poll", 17: "read", 18: "write", 19: "read", 20: "write", 23: "select",
    34: "signal", 35: "nanosleep", 42: "connect", 43: "accept", 44: "send", 45: "recv", 46: "send",
    47: "recv", 56: "start", 58: "start", 61: "wait4", 65: "semaphore", 72: "lock", 73: "lock",
    128: "signal", 130: "signal", 202: "futex", 220: "semaphore", 230: "clock_nanosleep", 232: "epoll",
    247: "waitid", 257: "open", 270: "pselect", 271: "ppoll", 281: "epoll", 288: "accept", 435: "start",
}  # fmt: skip
_AARCH64 = {
    22: "epoll", 25: "lock", 32: "lock", 56: "open", 63: "read", 64: "write", 65: "read", 66: "write",
    72: "pselect", 73: "ppoll", 95: "waitid", 98: "futex", 101: "nanosleep", 115: "clock_nanosleep",
    133: "signal", 137: "signal", 192: "semaphore", 193: "semaphore", 202: "accept", 203: "connect",
    206: "send", 207: "recv", 211: "send", 212: "recv", 220: "start", 242: "accept", 260: "wait4",
    435: "start",
}  # fmt: skip
CALLS = {"x86_64": _X86_64, "aarch64": _AARCH64}.get(os.uname().machine, {})

READS_CONSOLE = Clause("read console")
WAITING = Clause("waiting")
#: Functions of the system in which a process waits for a disk, by how their names begin.
_DISK = ("folio_", "io_schedule", "wait_on_page", "blk_", "rq_qos", "jbd2", "ext4_", "xfs_", "btrfs_")

_TIMER_ABSTIME = 1
_P_PID = 1
#: Of several descriptors that are waited for, the first ones are named; the rest is "…".
_MAX_NAMED = 3
#: An array of struct pollfd is read as far as this: it may be as long as the process likes.
_MAX_POLLED = 64
#: An fd_set has room for descriptors below this (FD_SETSIZE).
_FD_SETSIZE = 1_024
#: The other end of a pipe is looked for in so many relatives: more of them would take too much of our time.
_MAX_RELATIVES = 24


def block_reason(child: Child, waited_ns: int, relatives: Iterable[Child]) -> Clause:
    """What a process waits for, and has for ``waited_ns``; the plain ``waiting`` where the system does not tell.

    ``relatives``: the processes that may be at the other end of a pipe. In the figures ``child`` and ``peer`` are
    os_pids; ``for_ns`` is how long the wait lasts at most, from its beginning.
    """
    os_pid = child.os_pid
    entered = procfs.system_call(os_pid)
    if entered == "running":
        return WAITING  # it woke while we asked
    if entered is None:
        return _by_channel(os_pid)
    call, arguments = CALLS.get(entered.number), entered.arguments
    match call:
        case "read" | "write" | "recv" | "send" | "accept" | "connect":
            return _on_file(child, call, arguments[0], relatives)
        case "nanosleep":
            return _sleep(_time_at(os_pid, arguments[0]))
        case "clock_nanosleep" if arguments[1] & _TIMER_ABSTIME:
            return _sleep(_time_until(os_pid, arguments[2], arguments[0], waited_ns))
        case "clock_nanosleep":
            return _sleep(_time_at(os_pid, arguments[2]))
        case "select" | "pselect" | "poll" | "ppoll" | "epoll":
            return _on_several(child, call, arguments)
        case "wait4":
            return Clause("wait for child", _named("child", _signed(arguments[0])))
        case "waitid":
            return Clause("wait for child", _named("child", arguments[1] if arguments[0] == _P_PID else -1))
        case None:
            return _by_channel(os_pid)
        case _:
            return Clause(call)


def _by_channel(os_pid: int) -> Clause:
    """What the name of a function of the system gives away."""
    channel = procfs.wait_channel(os_pid)
    if channel.startswith(_DISK):
        return Clause("disk")
    return Clause("waiting", {"at": channel}) if channel else WAITING


# One file


def _on_file(child: Child, call: str, descriptor: int, relatives: Iterable[Child]) -> Clause:
    file = _open_file(child, descriptor)
    if file is None:
        return Clause(call)
    if file.kind == "pipe":
        other = _other_end(child, file.target, call == "write", relatives)
        return Clause(f"{call} pipe", _named("peer", other.os_pid if other is not None else 0))
    if file.kind == "socket":
        return _on_socket({"read": "recv", "write": "send"}.get(call, call), file)
    if file.kind == "console" and call == "read":
        return Clause(READS_CONSOLE.rule, _echo(child))
    return Clause(f"{call} {file.kind}")


def _echo(child: Child) -> dict[str, Figure]:
    """Whether what is typed into its console shall not be seen."""
    return {"echo": "off"} if child.console is not None and child.console.hides else {}


class _OpenFile(NamedTuple):
    """Where a descriptor leads. ``target``: what ``/proc`` calls it; of a socket ``own`` and ``peer``: its addresses,
    ``listens``: whether it accepts connections."""

    kind: Literal["console", "pipe", "socket", "file"]
    target: str
    own: str | None = None
    peer: str | None = None
    listens: bool = False


def _open_file(child: Child, descriptor: int) -> _OpenFile | None:
    """Where a descriptor of the process leads; None where the system does not tell."""
    target = procfs.descriptor_target(child.os_pid, descriptor)
    if target.startswith(("/dev/pts/", "/dev/tty")):
        return _OpenFile("console", target)
    if target.startswith("pipe:"):
        return _OpenFile("pipe", target)
    if target.startswith("socket:"):
        return _open_socket(child, descriptor, target)
    return _OpenFile("file", target) if target else None


def _other_end(child: Child, pipe: str, writes: bool, relatives: Iterable[Child]) -> Child | None:
    """The relative that has the other end of a pipe open; ``writes``: the process itself writes."""
    family = (other for other in relatives if other is not child and other.console is child.console)
    for other, _ in zip(family, range(_MAX_RELATIVES), strict=False):
        for descriptor, target in procfs.descriptors(other.os_pid):
            if target == pipe and procfs.may_write(other.os_pid, descriptor) is (not writes):
                return other
    return None


# Sockets


def _on_socket(call: str, file: _OpenFile) -> Clause:
    address = file.own if call == "accept" else file.peer
    return Clause(call, {"at": clean_line(address)} if address else {})


def _open_socket(child: Child, descriptor: int, target: str) -> _OpenFile:
    """Its addresses, asked of the socket itself: for that we have a descriptor of our own for a moment."""
    try:
        ours = libc.borrow_descriptor(child.pidfd, descriptor)
    except OSError:
        return _OpenFile("socket", target)
    with socket.socket(fileno=ours) as borrowed:
        return _OpenFile(
            "socket", target, _address(borrowed.getsockname), _address(borrowed.getpeername), _listens(borrowed)
        )


def _listens(borrowed: socket.socket) -> bool:
    try:
        return bool(borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False


def _address(ask: Callable[[], object]) -> str | None:
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


# Several files


def _on_several(child: Child, call: str, arguments: list[int]) -> Clause:
    """On the first of several descriptors; a call with none of them is a way to sleep."""
    limit_ns = time_limit(child.os_pid, call, arguments)
    polled = polled_descriptors(child.os_pid, call, arguments)
    if not polled and call != "epoll":
        return _sleep(limit_ns)
    named = [_name(_open_file(child, descriptor), descriptor) for descriptor in polled[:_MAX_NAMED]]
    figures: dict[str, Figure] = {"on": ", ".join(named + ["…"] * (len(polled) > _MAX_NAMED))}
    if limit_ns is not None:
        figures["for_ns"] = limit_ns
    if "console" in named:
        figures |= _echo(child)
    return Clause("poll", figures)


def polled_descriptors(os_pid: int, call: str, arguments: list[int]) -> list[int]:
    """The descriptors for which a call waits."""
    if call == "epoll":
        return [*procfs.epoll_descriptors(os_pid, arguments[0])]
    if call in ("poll", "ppoll"):
        return [*_in_poll(os_pid, *arguments[:2])]
    return [*_in_select(os_pid, arguments[0], *arguments[1:4])]


def _name(file: _OpenFile | None, descriptor: int) -> str:
    """A descriptor in a word that is the same in every language."""
    if file is None or file.kind == "file":
        return f"fd {descriptor}"
    if file.kind != "socket":
        return file.kind
    return clean_line((file.own if file.listens else file.peer or file.own) or "socket", 60)


def time_limit(os_pid: int, call: str, arguments: list[int]) -> int | None:
    """How long a call that waits for descriptors waits at most."""
    if call in ("poll", "epoll"):
        milliseconds = _signed(arguments[2 if call == "poll" else 3])
        return milliseconds * MS if milliseconds >= 0 else None
    at = {"select": 4, "pselect": 4, "ppoll": 2}[call]
    return _time_at(os_pid, arguments[at], 1_000 if call == "select" else 1) if arguments[at] else None


def _in_poll(os_pid: int, address: int, count: int) -> Iterator[int]:
    """The descriptors in an array of struct pollfd; negative ones are ignored, as poll does."""
    entries = procfs.read_memory(os_pid, address, 8 * min(count, _MAX_POLLED))
    whole = len(entries) // 8 * 8
    return (descriptor for descriptor, _, _ in struct.iter_unpack("ihh", entries[:whole]) if descriptor >= 0)


def _in_select(os_pid: int, count: int, *addresses: int) -> Iterator[int]:
    """The descriptors in the fd_sets at these addresses, below ``count``, which may be any number."""
    count = min(count, _FD_SETSIZE)
    length = -(-count // 64) * 8
    sets = [int.from_bytes(procfs.read_memory(os_pid, address, length), "little") for address in addresses if address]
    return (descriptor for descriptor in range(count) if any(bits >> descriptor & 1 for bits in sets))


# Times and numbers among the arguments


def _sleep(length_ns: int | None) -> Clause:
    return Clause("sleep") if length_ns is None else Clause("sleep", {"for_ns": length_ns})


def _time_at(os_pid: int, address: int, unit_ns: int = 1) -> int | None:
    """The struct timespec at an address of the process, in ns. ``unit_ns``: what its second part counts, which is 1
    µs in a struct timeval."""
    data = procfs.read_memory(os_pid, address, 16)
    if len(data) < 16:
        return None
    seconds, fraction = struct.unpack("qq", data)
    return int(seconds) * S + int(fraction) * unit_ns


def _time_until(os_pid: int, address: int, clock: int, waited_ns: int) -> int | None:
    """The whole length of a wait that ends at the moment of a clock that stands at an address."""
    end_ns = _time_at(os_pid, address)
    try:
        return None if end_ns is None else max(end_ns - time.clock_gettime_ns(clock) + waited_ns, 0)
    except OSError:
        return None


def _named(what: str, os_pid: int) -> dict[str, Figure]:
    return {what: os_pid} if os_pid > 0 else {}


def _signed(word: int) -> int:
    """A pid or a number of milliseconds: the low 32 bits of an argument, signed."""
    word &= 0xFFFFFFFF
    return word - (1 << 32) if word >= 1 << 31 else word
