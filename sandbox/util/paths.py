"""Safe access to untrusted files: reading below a folder without following links, and creating new files without
overwriting others by accident."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePath
from typing import TextIO

#: Flags for every opened file, as far as the system has them: close on exec, no translation of line ends.
PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
#: Flag that prevents opening a FIFO or a device from blocking.
NONBLOCK = getattr(os, "O_NONBLOCK", 0)
#: The shared folder for temporary files, and that for files in memory. The names used there are unguessable, or locks.
TEMPORARY, IN_MEMORY = "/tmp", "/dev/shm"  # noqa: S108 - see above


class LeadsOut(Exception):
    """Raised for a path that leads out of the folder, or over a link, which might."""


_FLAGS = os.O_RDONLY | NONBLOCK | PLAIN
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


def read_below(folder: str, name: str, most: int | None = None) -> bytes:
    """Return the content of a regular file below a folder, at most ``most`` bytes. Raises OSError and LeadsOut."""
    with os.fdopen(_open_below(folder, name), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return file.read() if most is None else file.read(most)


def is_below(folder: str, name: str) -> bool:
    """Whether a readable regular file of that name exists below the folder. Raises LeadsOut."""
    try:
        read_below(folder, name, 0)
    except OSError:
        return False
    return True


def _open_below(folder: str, name: str) -> int:
    path = PurePath(name)
    parts = [part for part in path.parts if part != "."]
    if path.is_absolute() or path.anchor or ".." in parts or not parts or "\0" in name:
        raise LeadsOut(name)
    if sys.platform == "win32" or os.open not in os.supports_dir_fd:
        return _open_step_by_step(folder, parts)
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            below = _open_at(here, part, os.O_DIRECTORY)
            os.close(here)
            here = below
        return _open_at(here, parts[-1], 0)
    finally:
        os.close(here)


def _open_at(here: int, part: str, more: int) -> int:
    try:
        return os.open(part, _FLAGS | _NOFOLLOW | more, dir_fd=here)
    except OSError:
        if stat.S_ISLNK(os.stat(part, dir_fd=here, follow_symlinks=False).st_mode):
            raise LeadsOut(part) from None
        raise


def _open_step_by_step(folder: str, parts: list[str]) -> int:
    """Open a file on systems without openat(2)."""
    path = folder
    for part in parts:
        real = os.path.join(os.path.realpath(path), part)
        path = os.path.join(path, part)
        if os.path.islink(path) or os.path.realpath(path) != real:
            raise LeadsOut(part)
    return os.open(path, _FLAGS | getattr(os, "O_BINARY", 0))


@contextmanager
def new_file(path: str, overwrite: bool) -> Iterator[TextIO]:
    """Open a file for writing that appears, or replaces the old one, only when it has been written completely; until
    then it has a random name. Raises OSError; FileExistsError if the file exists and ``overwrite`` is false."""
    folder, name = os.path.split(path)
    aside = os.path.join(folder, f".{name[:100]}.{os.urandom(8).hex()}")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NOFOLLOW | PLAIN
    descriptor = os.open(aside, flags, 0o666)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        if overwrite:
            os.replace(aside, path)
        else:
            _give_name(aside, path)
    finally:
        with suppress(OSError):
            os.unlink(aside)


def _give_name(aside: str, path: str) -> None:
    """Rename a file without overwriting another one. Raises FileExistsError."""
    try:
        os.link(aside, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        os.replace(aside, path)


#: Folders that are not copied with a program: they are no part of it, or can be created again.
_LEFT_OUT = frozenset({".git", ".venv", "node_modules", "__pycache__"})


def files_below(folder: str, most: int) -> Iterator[str]:
    """Yield the relative paths of all files in or below a folder, at most ``most`` + 1, so that an excess shows."""
    number = 0
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        for name in files:
            yield os.path.relpath(os.path.join(path, name), folder)
            number += 1
            if number > most:
                return
