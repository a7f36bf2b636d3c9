"""Why a process is blocked: asked of the system (the call it is in, its arguments, its files), never of the script."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable, Iterator

from sandbox.machines.linux.blocking.files import Place, other_end, place
from sandbox.machines.linux.process.child import Child
from sandbox.machines.linux.procfs import read_text
from sandbox.model.events import Clause, Figure
from sandbox.util.text import clean_line

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
_CALLS = {"x86_64": _X86_64, "aarch64": _AARCH64}.get(os.uname().machine, {})

READS_CONSOLE = Clause("read console")
WAITING = Clause("waiting")
#: Functions of the system in which it waits for a disk.
_DISK = ("folio_", "io_schedule", "wait_on_page", "blk_", "rq_qos", "jbd2", "ext4_", "xfs_", "btrfs_")

_TIMER_ABSTIME = 1
_P_PID = 1
_MS, _S = 1_000_000, 1_000_000_000
#: Of so many descriptors that are polled it is told where they lead.
_POLLED_MOST = 3


def cause(child: Child, waited_ns: int, relatives: Iterable[Child]) -> Clause:
    """What the process waits for, and has for ``waited_ns``; the plain ``waiting`` where the system will not say.

    ``relatives`` are those who may be at the other end of a pipe. In the figures ``child`` and ``peer`` are
    os_pids; ``for_ns`` is how long the wait is at most, from its beginning.
    """
    os_pid = child.os_pid
    numbers = read_text(f"/proc/{os_pid}/syscall").split()
    if numbers == ["running"]:
        return WAITING  # it woke while we asked
    if len(numbers) < 7:
        return _by_channel(os_pid)
    call = _CALLS.get(int(numbers[0]))
    arguments = [int(number, 16) for number in numbers[1:7]]
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


# Files


def _on_file(child: Child, call: str, descriptor: int, relatives: Iterable[Child]) -> Clause:
    where = place(child, descriptor)
    if where is None:
        return Clause(call)
    if where.kind == "pipe":
        other = other_end(child, where.target, call == "write", relatives)
        return Clause(f"{call} pipe", _named("peer", other.os_pid if other is not None else 0))
    if where.kind == "socket":
        return _on_socket({"read": "recv", "write": "send"}.get(call, call), where)
    return Clause(f"{call} {where.kind}")


def _on_socket(call: str, where: Place) -> Clause:
    address = where.own if call == "accept" else where.peer
    return Clause(call, {"at": clean_line(address)} if address else {})


def _on_several(child: Child, call: str, arguments: list[int]) -> Clause:
    """On the first of several descriptors; on none of them it is a way to sleep."""
    most_ns = _patience(child.os_pid, call, arguments)
    if call == "epoll":
        polled = list(_in_epoll(child.os_pid, arguments[0]))
    elif call in ("poll", "ppoll"):
        polled = list(_in_poll(child.os_pid, *arguments[:2]))
    else:
        polled = list(_in_select(child.os_pid, arguments[0], *arguments[1:4]))
    if not polled and call != "epoll":
        return _sleep(most_ns)
    told = [_told(place(child, descriptor), descriptor) for descriptor in polled[:_POLLED_MOST]]
    figures: dict[str, Figure] = {"on": ", ".join(told + ["…"] * (len(polled) > _POLLED_MOST))}
    if most_ns is not None:
        figures["for_ns"] = most_ns
    return Clause("poll", figures)


def _told(where: Place | None, descriptor: int) -> str:
    """A descriptor in a word that is the same in every language."""
    if where is None or where.kind == "file":
        return f"fd {descriptor}"
    if where.kind != "socket":
        return where.kind
    return clean_line((where.own if where.listens else where.peer or where.own) or "socket", 60)


def _patience(os_pid: int, call: str, arguments: list[int]) -> int | None:
    """How long a call that waits for descriptors waits at most."""
    if call in ("poll", "epoll"):
        milliseconds = _signed(arguments[2 if call == "poll" else 3])
        return milliseconds * _MS if milliseconds >= 0 else None
    at = {"select": 4, "pselect": 4, "ppoll": 2}[call]
    return _time_at(os_pid, arguments[at], 1_000 if call == "select" else 1) if arguments[at] else None


def _in_poll(os_pid: int, address: int, count: int) -> Iterator[int]:
    entries = _memory(os_pid, address, 8 * min(count, 64))
    return (descriptor for descriptor, _, _ in struct.iter_unpack("ihh", entries) if descriptor >= 0)


def _in_select(os_pid: int, count: int, *addresses: int) -> Iterator[int]:
    length = -(-min(count, 1_024) // 64) * 8
    sets = [int.from_bytes(_memory(os_pid, address, length), "little") for address in addresses if address]
    return (descriptor for descriptor in range(count) if any(bits >> descriptor & 1 for bits in sets))


def _in_epoll(os_pid: int, descriptor: int) -> Iterator[int]:
    for line in read_text(f"/proc/{os_pid}/fdinfo/{descriptor}").splitlines():
        if line.startswith("tfd:"):
            yield int(line.split()[1])


# Times and numbers


def _sleep(length_ns: int | None) -> Clause:
    return Clause("sleep") if length_ns is None else Clause("sleep", {"for_ns": length_ns})


def _time_at(os_pid: int, address: int, scale: int = 1) -> int | None:
    """The time at an address of the process, in ns; ``scale``: how many the smaller of its two parts counts."""
    data = _memory(os_pid, address, 16)
    if len(data) < 16:
        return None
    seconds, fraction = struct.unpack("qq", data)
    return int(seconds) * _S + int(fraction) * scale


def _time_until(os_pid: int, address: int, clock: int, waited_ns: int) -> int | None:
    """How long from its beginning a wait is that ends at the moment at an address."""
    end_ns = _time_at(os_pid, address)
    try:
        return None if end_ns is None else max(end_ns - time.clock_gettime_ns(clock) + waited_ns, 0)
    except OSError:
        return None


def _memory(os_pid: int, address: int, length: int) -> bytes:
    """So much of the process's memory; nothing where it cannot be read."""
    try:
        with open(f"/proc/{os_pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            return memory.read(length)
    except (OSError, ValueError, OverflowError):
        return b""


def _named(what: str, os_pid: int) -> dict[str, Figure]:
    return {what: os_pid} if os_pid > 0 else {}


def _signed(word: int) -> int:
    """A pid or a number of milliseconds among the arguments: the low 32 bits, signed."""
    word &= 0xFFFFFFFF
    return word - (1 << 32) if word >= 1 << 31 else word


def _by_channel(os_pid: int) -> Clause:
    channel = read_text(f"/proc/{os_pid}/wchan")
    if channel.startswith(_DISK):
        return Clause("disk")
    return Clause("waiting", {"at": channel}) if channel not in ("", "0") else WAITING
