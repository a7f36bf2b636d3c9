"""Restricts which files a process may access, without mounts of its own (Landlock, Linux 5.13). It needs no
privileges."""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from contextlib import suppress

from sandbox.util import libc

# The same numbers on all architectures.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH = 1
#: All access rights of its first version: execute, read and write files, list folders, create and remove files.
_ALL = (1 << 13) - 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1, 2, 4, 8


def only_read(paths: Iterable[str]) -> bool:
    """Restrict this process, for good, to reading what is at or below these paths. It can only write to devices and to
    files that are already open.

    Returns whether this system supports that. The process cannot gain privileges any more, either.
    """
    try:
        ruleset = libc.syscall(_CREATE_RULESET, struct.pack("Q", _ALL), ctypes.c_size_t(8), 0)
    except OSError:
        return False
    try:
        for path in paths:
            with suppress(OSError):
                _allow(ruleset, path)
        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
        libc.syscall(_RESTRICT_SELF, ruleset, 0)
    except OSError:
        return False
    finally:
        os.close(ruleset)
    return True


def _allow(ruleset: int, path: str) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        access = _EXECUTE | _READ_FILE
        if stat.S_ISDIR(mode):
            access |= _READ_FOLDER
        elif stat.S_ISCHR(mode):
            access |= _WRITE_FILE
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", access, descriptor), 0)
    finally:
        os.close(descriptor)
