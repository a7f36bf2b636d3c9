"""Reads from /proc which files a process has open: /proc/PID/fd, fdinfo."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import os
from collections.abc import Container, Iterator

from sandbox.machines.linux.procfs import read_small


def descriptors(os_pid: int, known: Container[int] = ()) -> Iterator[tuple[int, str]]:
    """Yield the open descriptors of a process with their targets ("pipe:[4711]", "/dev/pts/3"). Targets of ``known``
    descriptors are not read (""). There may be thousands, so the caller may stop early."""
    try:
        folder = os.open(f"/proc/{os_pid}/fd", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return  # the process has ended, or access is denied
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                descriptor = int(entry.name)
                try:
                    target = "" if descriptor in known else os.readlink(entry.name, dir_fd=folder)
                except OSError:
                    continue  # closed meanwhile
                yield descriptor, target
    except OSError:
        return  # the process has ended meanwhile
    finally:
        os.close(folder)


def descriptor_target(os_pid: int, descriptor: int) -> str:
    """Return the target of one descriptor; "" if it is closed or unknown."""
    try:
        return os.readlink(f"/proc/{os_pid}/fd/{descriptor}")
    except OSError:
        return ""


def waits_for_room(os_pid: int, descriptor: int) -> bool:
    """Whether a write to a descriptor may block, because O_NONBLOCK is not set."""
    for line in read_small(f"/proc/{os_pid}/fdinfo/{descriptor}").splitlines():
        name, _, value = line.partition(":")
        if name == "flags":
            return not int(value, 8) & os.O_NONBLOCK
    return False


def may_write(os_pid: int, descriptor: int) -> bool | None:
    """Whether a descriptor is open for writing; None if it is closed."""
    try:
        return bool(os.lstat(f"/proc/{os_pid}/fd/{descriptor}").st_mode & 0o200)
    except OSError:
        return None


def may_read(os_pid: int, descriptor: int) -> bool | None:
    """Whether a descriptor is open for reading; None if it is closed."""
    try:
        return bool(os.lstat(f"/proc/{os_pid}/fd/{descriptor}").st_mode & 0o400)
    except OSError:
        return None


def socket_inode(target: str) -> int | None:
    """Return the inode of a socket from a descriptor's target; None if the target is no socket."""
    return int(target[8:-1]) if target.startswith("socket:[") else None


def socket_inodes(os_pid: int) -> set[int]:
    """Return the inodes of the sockets that a process has open."""
    return {inode for _, target in descriptors(os_pid) if (inode := socket_inode(target)) is not None}


def descriptor_facts(os_pid: int, descriptor: int) -> dict[str, str]:
    """Return the lines of an open file's ``fdinfo`` by their names."""
    lines = read_small(f"/proc/{os_pid}/fdinfo/{descriptor}").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def epoll_descriptors(os_pid: int, epoll: int) -> Iterator[int]:
    """Yield the descriptors that an epoll instance of a process waits for."""
    for line in read_small(f"/proc/{os_pid}/fdinfo/{epoll}").splitlines():
        words = line.split(maxsplit=2)
        if len(words) > 2 and words[0] == "tfd:":  # the last line may be incomplete
            yield int(words[1])


def number_of_descriptors(os_pid: int) -> int | None:
    """Return the number of open descriptors; 0 if the system does not tell (Linux before 6.2); None if the process is
    gone."""
    try:
        return os.stat(f"/proc/{os_pid}/fd").st_size
    except OSError:
        return None


def open_for_reading(os_pid: int, descriptor: int) -> int:
    """Open the target of a process's descriptor for reading, without blocking. Raises OSError."""
    return os.open(f"/proc/{os_pid}/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
