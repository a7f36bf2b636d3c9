"""Namespaces of one's own: who one is, which processes there are, which files, which network.

Each step may be forbidden (in a container, by a setting): then it is left out, and the caller learns which.
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
#: CAP_DAC_READ_SEARCH, and where one has not even that, CAP_DAC_OVERRIDE.
_READ_ALL = (1 << 2, 1 << 1)
#: Nobody's own user: who is root takes its part.
_NOBODY = 65534
#: Where the new root is put together: one of these that nothing needed lies in.
_PLACES = ("/mnt", "/media", "/srv", "/opt", "/sys", "/run")
_DEVICES = ("null", "zero", "full", "random", "urandom")
#: Bytes and files that may be written: there is one folder for it, in memory.
_OWN_FOLDER = TEMPORARY  # nobody else's there
_SCRATCH = "size=16m,nr_inodes=1k,mode="


def enter() -> bool:
    """Have the children of this process, which must have one thread, live in namespaces of their own; and this process
    as well, but for the pids. Returns whether they will."""
    if os.geteuid() == 0:
        return _tried(_ALL)
    user, group = os.geteuid(), os.getegid()
    if not _tried(_ALL | _NEWUSER):
        return False
    _map_ids(user, group)
    return True


def give_up_rights(readable: bool) -> None:
    """Give up what root may do, for good; whoever is not root has nothing to give up but its own namespace's rights.
    ``readable``: all that is needed can be read by anybody, so that one need not stay who one is."""
    if readable and os.geteuid() == 0:
        with suppress(OSError):
            os.setgroups([])
        with suppress(OSError):
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
            libc.prctl(libc.PR_SET_DUMPABLE, 1)  # else its own files in /proc are root's
            if _tried(_NEWUSER):
                _map_ids(_NOBODY, _NOBODY)
    _keep(0)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)


def only_read_files() -> None:
    """Where there are no namespaces: of what root may do, keep that one may read any file, as the policy's and the
    interpreter's must be. Who may do less than another one does not reach into that."""
    if os.geteuid() == 0:
        _keep(*_READ_ALL, 0)


def _keep(*rights: int) -> None:
    """The first of these that one has, for good, and no other."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    for kept in rights:
        with suppress(OSError):
            libc.call("capset", header, (ctypes.c_uint32 * 6)(kept, kept))  # effective, permitted, none to inherit
            return


def _tried(flags: int) -> bool:
    try:
        libc.call("unshare", ctypes.c_int(flags))
    except OSError:
        return False
    return True


def _map_ids(user: int, group: int) -> None:
    """Whoever one was, one still is; where that is forbidden, one has no name, and the same files can be read."""
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with suppress(OSError):
            Path(f"/proc/self/{name}").write_text(line)


def close_off(visible: Iterable[str], files: Mapping[str, bytes]) -> None:
    """A root of one's own: these folders, read-only, these files, and an empty ``/tmp``; the current folder is that.
    To be called by the first process of a pid namespace. Raises OSError."""
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
    for folder in folders:  # some may lie below that
        os.makedirs(place + folder, exist_ok=True)
        _mount(folder, place + folder, None, _BIND | _REC)
        _make_read_only(place + folder)
    for name, target in links.items():
        with suppress(OSError):
            os.symlink(target, f"{place}/{name}")
    _add_devices(place)
    os.makedirs(f"{place}/proc", exist_ok=True)
    with suppress(OSError):  # in some containers it cannot be had: then there is none
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
    """A copy of a file under its own path, also where that lies in a folder that cannot be written."""
    target = place + path
    hidden = os.path.exists(target)
    copy = f"{place}/.{number}" if hidden else target
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    Path(copy).write_bytes(data)
    os.chmod(copy, 0o444)
    if hidden:
        _mount(copy, target, None, _BIND)


def _make_read_only(path: str) -> None:
    """Whatever is mounted below, too, where the system can do that at once."""
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
    except (OSError, KeyError):  # the first file system of all cannot be left
        os.chroot(".")
    os.chdir("/")


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    libc.call("mount", texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])
