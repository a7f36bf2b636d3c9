"""Puts this process into namespaces of its own: users, processes, files, network.

Each step may be forbidden (in a container, or by a setting). Then it is left out, and the caller is told.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from sandbox.util import libc
from sandbox.util.paths import TEMPORARY

# unshare(2)
_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_ALL = _NEWNS | _NEWUTS | _NEWIPC | _NEWPID | _NEWNET
# mount(2), mount_setattr(2)
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR, _AT_FDCWD, _RECURSIVE = 442, -100, 0x8000
#: capset(2)
_CAPABILITY_VERSION = 0x20080522
#: CAP_DAC_READ_SEARCH, or, without that, CAP_DAC_OVERRIDE.
_READ_ALL = (1 << 2, 1 << 1)
#: The user nobody, as which root continues.
_NOBODY = 65534
#: Where the new root is assembled: the first of these folders that contains nothing that is needed.
_PLACES = ("/mnt", "/media", "/srv", "/opt", "/sys", "/run")
_DEVICES = ("null", "zero", "full", "random", "urandom")
#: There is one writable folder, in memory: its limits of bytes and files.
_OWN_FOLDER = TEMPORARY  # no other process uses it
_SCRATCH = "size=16m,nr_inodes=1k,mode="


def enter() -> bool:
    """Enter new namespaces. This process must have a single thread. Its children will be in the new pid namespace, too,
    of which the process itself is no member. Returns whether that is permitted."""
    if os.geteuid() == 0:
        return _tried(_ALL)
    user, group = os.geteuid(), os.getegid()
    if not _tried(_ALL | _NEWUSER):
        return False
    _map_ids(user, group)
    return True


def give_up_rights(readable: bool) -> None:
    """Give up all privileges of root, for good, or, as another user, those in its own namespace. ``readable``: whether
    all files that are needed can be read by anyone, so that the user can be changed."""
    if readable and os.geteuid() == 0:
        with suppress(OSError):
            os.setgroups([])
        with suppress(OSError):
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
            libc.prctl(libc.PR_SET_DUMPABLE, 1)  # otherwise its own files in /proc belong to root
            if _tried(_NEWUSER):
                _map_ids(_NOBODY, _NOBODY)
    _keep(0)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)


def only_read_files() -> None:
    """Keep only the privilege of root to read any file, if there are no namespaces: the files of the policy and the
    interpreter must be readable. A process with fewer privileges cannot access one with more."""
    if os.geteuid() == 0:
        _keep(*_READ_ALL, 0)


def _keep(*rights: int) -> None:
    """Keep the first of these capability sets that is permitted, and no other capability, for good."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    for kept in rights:
        with suppress(OSError):
            libc.call("capset", header, (ctypes.c_uint32 * 6)(kept, kept))  # effective, permitted, none inheritable
            return


def _tried(flags: int) -> bool:
    try:
        libc.call("unshare", ctypes.c_int(flags))
    except OSError:
        return False
    return True


def _map_ids(user: int, group: int) -> None:
    """Map the user and the group to themselves. If that is forbidden, they have no names, but the same files can be
    read."""
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with suppress(OSError):
            Path(f"/proc/self/{name}").write_text(line)


def close_off(visible: Iterable[str], files: Mapping[str, bytes]) -> None:
    """Change the root to a new one with these folders, read-only, these files, and an empty ``/tmp``, which becomes the
    current folder. To be called by the first process of a pid namespace. Raises OSError."""
    folders = _outermost(os.path.realpath(path) for path in visible if os.path.isdir(path))
    places = (one for one in _PLACES if os.path.isdir(one) and not any(_within(path, one) for path in folders))
    if (place := next(places, None)) is None:
        raise FileNotFoundError("no folder in which nothing lies that is needed")
    links = {name: os.readlink(f"/{name}") for name in os.listdir("/") if os.path.islink(f"/{name}")}
    os.umask(0o022)
    _mount("none", "/", None, _REC | _PRIVATE)
    _mount("tmpfs", place, "tmpfs", _NOSUID, f"{_SCRATCH}755")
    os.makedirs(place + _OWN_FOLDER, exist_ok=True)
    _mount("tmpfs", place + _OWN_FOLDER, "tmpfs", _NOSUID | _NODEV, f"{_SCRATCH}1777")
    for folder in folders:  # some may be below the own folder
        os.makedirs(place + folder, exist_ok=True)
        _mount(folder, place + folder, None, _BIND | _REC)
        _make_read_only(place + folder)
    for name, target in links.items():
        with suppress(OSError):
            os.symlink(target, f"{place}/{name}")
    _add_devices(place)
    os.makedirs(f"{place}/proc", exist_ok=True)
    with suppress(OSError):  # forbidden in some containers: then there is no /proc
        _mount("proc", f"{place}/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    for number, (path, data) in enumerate(files.items()):
        _add_file(place, number, path, data)
    _mount(None, place, None, _REMOUNT | _BIND | _RDONLY | _NOSUID)
    _change_root(place)
    os.chdir(_OWN_FOLDER)


def _outermost(paths: Iterable[str]) -> list[str]:
    found: list[str] = []
    for path in sorted({*paths} - {"/"}):
        if not any(_within(path, one) for one in found):
            found.append(path)
    return found


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _add_devices(place: str) -> None:
    os.makedirs(f"{place}/dev", exist_ok=True)
    for name in _DEVICES:
        with suppress(OSError):
            Path(f"{place}/dev/{name}").touch()
            _mount(f"/dev/{name}", f"{place}/dev/{name}", None, _BIND)


def _add_file(place: str, number: int, path: str, data: bytes) -> None:
    """Add a copy of a file under its own path, even if that is in a folder that is read-only."""
    target = place + path
    hidden = os.path.exists(target)
    copy = f"{place}/.{number}" if hidden else target
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    Path(copy).write_bytes(data)
    os.chmod(copy, 0o444)
    if hidden:
        _mount(copy, target, None, _BIND)


def _make_read_only(path: str) -> None:
    """Make a mount read-only, and all mounts below if the system supports that in one call."""
    attributes = (ctypes.c_uint64 * 4)(_RDONLY | _NOSUID | _NODEV, 0, 0, 0)
    try:
        libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(path), _RECURSIVE, attributes, ctypes.c_size_t(32))
    except OSError:  # older than Linux 5.12
        kept = os.statvfs(path).f_flag & (_NOSUID | _NODEV | _NOEXEC)
        _mount(None, path, None, _REMOUNT | _BIND | _RDONLY | kept)


def _change_root(place: str) -> None:
    os.chdir(place)
    try:
        libc.syscall(_PIVOT_ROOT[os.uname().machine], b".", b".")
        libc.call("umount2", b".", _DETACH)
    except (OSError, KeyError):  # the initial root file system cannot be unmounted
        os.chroot(".")
    os.chdir("/")


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    libc.call("mount", texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])
