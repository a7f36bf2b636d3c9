"""Reads from the arguments of a waiting call for which descriptors it waits, and for how long."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import struct
import time
from collections.abc import Iterable, Iterator

from sandbox.machines.linux import procfs, procfs_files
from sandbox.util.units import MS, S

#: At most so many entries of a struct pollfd array are read. It may be as long as the process likes.
_MAX_POLLED = 64
#: The number of descriptors in an fd_set (FD_SETSIZE).
_FD_SETSIZE = 1_024
#: The target of the descriptor of an epoll, which may wait for other ones, so many levels deep.
_EPOLL, _MAX_NESTED = "anon_inode:[eventpoll]", 5


def polled_descriptors(os_pid: int, call: str, arguments: list[int]) -> list[int]:
    """Return the descriptors for which a call waits."""
    if call in ("epoll", "epoll_pwait2"):
        return [*procfs_files.epoll_descriptors(os_pid, arguments[0])]
    if call in ("poll", "ppoll"):
        return [*_in_poll(os_pid, *arguments[:2])]
    return [*_in_select(os_pid, arguments[0], *arguments[1:4])]


def innermost(os_pid: int, descriptors: Iterable[int], levels: int = _MAX_NESTED) -> Iterator[int]:
    """Yield the descriptors, and in the place of an epoll those for which it waits itself."""
    for descriptor in descriptors:
        if levels and procfs_files.descriptor_target(os_pid, descriptor) == _EPOLL:
            yield from innermost(os_pid, procfs_files.epoll_descriptors(os_pid, descriptor), levels - 1)
        else:
            yield descriptor


def _in_poll(os_pid: int, address: int, count: int) -> Iterator[int]:
    """Return the descriptors in an array of struct pollfd; negative ones are ignored, as by poll."""
    entries = procfs.read_memory(os_pid, address, 8 * min(count, _MAX_POLLED))
    whole = len(entries) // 8 * 8
    return (descriptor for descriptor, _, _ in struct.iter_unpack("ihh", entries[:whole]) if descriptor >= 0)


def _in_select(os_pid: int, count: int, *addresses: int) -> Iterator[int]:
    """Return the descriptors in the fd_sets at these addresses, below ``count``, which may be any number."""
    count = min(count, _FD_SETSIZE)
    length = -(-count // 64) * 8
    sets = [int.from_bytes(procfs.read_memory(os_pid, address, length), "little") for address in addresses if address]
    return (descriptor for descriptor in range(count) if any(bits >> descriptor & 1 for bits in sets))


def time_limit(os_pid: int, call: str, arguments: list[int]) -> int | None:
    """Return the time limit of a call that waits for descriptors, in ns; None if it has none."""
    if call in ("poll", "epoll"):
        milliseconds = signed(arguments[2 if call == "poll" else 3])
        return milliseconds * MS if milliseconds >= 0 else None
    at = {"select": 4, "pselect": 4, "ppoll": 2, "epoll_pwait2": 3}[call]
    return time_at(os_pid, arguments[at], 1_000 if call == "select" else 1) if arguments[at] else None


def time_at(os_pid: int, address: int, unit_ns: int = 1) -> int | None:
    """Return the struct timespec at an address of the process, in ns; None if it cannot be read. ``unit_ns``: the unit
    of its second part, which is 1,000 in a struct timeval."""
    data = procfs.read_memory(os_pid, address, 16)
    if len(data) < 16:
        return None
    seconds, fraction = struct.unpack("qq", data)
    return int(seconds) * S + int(fraction) * unit_ns


def time_until(os_pid: int, address: int, clock: int, waited_ns: int) -> int | None:
    """Return the total length of a wait that has lasted ``waited_ns`` and ends at the time of ``clock`` at ``address``;
    None if unknown."""
    end_ns = time_at(os_pid, address)
    try:
        return None if end_ns is None else max(end_ns - time.clock_gettime_ns(clock) + waited_ns, 0)
    except OSError:
        return None


def signed(word: int) -> int:
    """Return the low 32 bits of an argument as a signed number, such as a pid or a number of milliseconds."""
    word &= 0xFFFFFFFF
    return word - (1 << 32) if word >= 1 << 31 else word
