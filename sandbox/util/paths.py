"""Files that are not ours to trust. One door for those that a file names: it opens what lies in or below a folder, and
follows no link on the way. And new files, which nobody else's file makes way for."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePath
from typing import TextIO

#: For every file that we open: bytes as they are, for us alone. Each system has its own flags for that.
PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
#: A FIFO or a device shall not make us wait.
NONBLOCK = getattr(os, "O_NONBLOCK", 0)
#: Where all may make files; and those that are in memory. Names of ours there can be guessed by nobody, or are locks.
TEMPORARY, IN_MEMORY = "/tmp", "/dev/shm"  # noqa: S108 - as said


class LeadsOut(Exception):
    """The way leads out of the folder, or over a link that may."""


_FLAGS = os.O_RDONLY | NONBLOCK | PLAIN
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


def read_below(folder: str, name: str, most: int | None = None) -> bytes:
    """The content of a regular file, no more than ``most`` bytes of it. Raises OSError and LeadsOut."""
    with os.fdopen(_open_below(folder, name), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return file.read() if most is None else file.read(most)


def is_below(folder: str, name: str) -> bool:
    """Whether there is such a regular file. Raises LeadsOut."""
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
    """Where there is no opening from a folder on."""
    path = folder
    for part in parts:
        real = os.path.join(os.path.realpath(path), part)
        path = os.path.join(path, part)
        if os.path.islink(path) or os.path.realpath(path) != real:
            raise LeadsOut(part)
    return os.open(path, _FLAGS | getattr(os, "O_BINARY", 0))


@contextmanager
def new_file(path: str, overwrite: bool) -> Iterator[TextIO]:
    """A file that appears, or is replaced, once all of it has been written; until then it has a name that nobody can
    have given to another one. Raises OSError; FileExistsError unless it may ``overwrite``."""
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
    """Raises FileExistsError."""
    try:
        os.link(aside, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        os.replace(aside, path)


#: What nobody copies with a folder: it says nothing of a program, or is made anew.
_LEFT_OUT = frozenset({".git", ".venv", "node_modules", "__pycache__"})


def files_below(folder: str, most: int) -> Iterator[str]:
    """The names, from there, of all that is no folder in or below one; no more than ``most`` and one."""
    number = 0
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        for name in files:
            yield os.path.relpath(os.path.join(path, name), folder)
            number += 1
            if number > most:
                return
