"""What /proc says of the files that a process has open: /proc/PID/fd, fdinfo."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
from collections.abc import Container, Iterator

from sandbox.machines.linux.procfs import read_small


def descriptors(os_pid: int, known: Container[int] = ()) -> Iterator[tuple[int, str]]:
    """The open descriptors of a process, each with where it leads ("pipe:[4711]", "/dev/pts/3"); where the ``known``
    ones lead is not asked (""). There may be thousands: no more are read than somebody wants."""
    try:
        folder = os.open(f"/proc/{os_pid}/fd", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return  # it has ended, or is not ours to look at
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                descriptor = int(entry.name)
                try:
                    target = "" if descriptor in known else os.readlink(entry.name, dir_fd=folder)
                except OSError:
                    continue  # it has closed this one since they were listed
                yield descriptor, target
    except OSError:
        return  # it has ended meanwhile
    finally:
        os.close(folder)


def descriptor_target(os_pid: int, descriptor: int) -> str:
    """Where one descriptor leads."""
    try:
        return os.readlink(f"/proc/{os_pid}/fd/{descriptor}")
    except OSError:
        return ""


def waits_for_room(os_pid: int, descriptor: int) -> bool:
    """Whether a write to a descriptor waits until there is room (it does not where O_NONBLOCK is set)."""
    for line in read_small(f"/proc/{os_pid}/fdinfo/{descriptor}").splitlines():
        name, _, value = line.partition(":")
        if name == "flags":
            return not int(value, 8) & os.O_NONBLOCK
    return False


def may_write(os_pid: int, descriptor: int) -> bool | None:
    """Whether a descriptor is open for writing; None: it has been closed."""
    try:
        return bool(os.lstat(f"/proc/{os_pid}/fd/{descriptor}").st_mode & 0o200)
    except OSError:
        return None


def may_read(os_pid: int, descriptor: int) -> bool | None:
    """Whether a descriptor is open for reading; None: it has been closed."""
    try:
        return bool(os.lstat(f"/proc/{os_pid}/fd/{descriptor}").st_mode & 0o400)
    except OSError:
        return None


def socket_inode(target: str) -> int | None:
    """The number that the system gives the socket to which a descriptor leads; None: it leads to something else."""
    return int(target[8:-1]) if target.startswith("socket:[") else None


def socket_inodes(os_pid: int) -> set[int]:
    """The sockets among its descriptors."""
    return {inode for _, target in descriptors(os_pid) if (inode := socket_inode(target)) is not None}


def descriptor_facts(os_pid: int, descriptor: int) -> dict[str, str]:
    """What the system tells of an open file beside where it leads: lines of ``fdinfo``, by their names."""
    lines = read_small(f"/proc/{os_pid}/fdinfo/{descriptor}").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def epoll_descriptors(os_pid: int, epoll: int) -> Iterator[int]:
    """The descriptors that one of its epolls waits for."""
    for line in read_small(f"/proc/{os_pid}/fdinfo/{epoll}").splitlines():
        words = line.split(maxsplit=2)
        if len(words) > 2 and words[0] == "tfd:":  # the last line may be cut off
            yield int(words[1])


def number_of_descriptors(os_pid: int) -> int | None:
    """How many it has open; 0: the system does not tell (Linux 6.2 and newer does); None: it is gone."""
    try:
        return os.stat(f"/proc/{os_pid}/fd").st_size
    except OSError:
        return None


def open_for_reading(os_pid: int, descriptor: int) -> int:
    """A descriptor of ours for what one of its own leads to, which makes nobody wait. Raises OSError."""
    return os.open(f"/proc/{os_pid}/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
