"""The state that stepped processes share: memory, the files of their room, and what is in pipes between them.

It is read from outside while everything is at rest, so states can be distinguished whichever process has made them.
"""

from __future__ import annotations

import sys

assert sys.platform == "linux"

import fcntl
import os
import socket
import struct
import termios
from collections.abc import Collection, Hashable, Iterable, Mapping
from contextlib import suppress

from sandbox.machines.linux.procfs import read_memory
from sandbox.machines.linux.procfs_counts import address_space
from sandbox.machines.linux.procfs_files import descriptors, number_of_descriptors, open_for_reading
from sandbox.machines.linux.procfs_shared import shared_mappings
from sandbox.util import libc

#: The maximum bytes of all shared memory, of one file, and of one pipe. A state with more is unknown.
MAX_MEMORY, MAX_FILE, MAX_PIPE = 1 << 20, 1 << 20, 1 << 16
#: Descriptors from this number on are the hook's.
_FIRST_OF_HOOK = 900
#: inotify: IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE. Changes by way of
#: mapped memory are not reported, but the end of the mapping closes the file.
_CHANGES = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200
#: inotify: IN_ISDIR, IN_Q_OVERFLOW.
_UNSURE = 0x40000000 | 0x4000
_EVENT = struct.Struct("iIII")
_CACHE = "__pycache__"
_SPLICE_F_NONBLOCK = 2


class Unknown(Exception):
    """A part of the state cannot be read."""


class Memory:
    """Shared memory: all shared mappings of the processes, each once. ``folder``: where their files are, which have the
    same name whichever process maps them first."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.join(folder, "")
        #: The size of each process's address space when its mappings were last read.
        self._sizes: dict[int, str] = {}
        #: For each piece of memory, by file and offset: its name, and which processes map it, where and how long.
        self._names: dict[tuple[str, int], str] = {}
        self._places: dict[tuple[str, int], dict[int, tuple[int, int]]] = {}

    def look(self, os_pid: int, name: str) -> None:
        """Read the mappings of this process again if they may have changed."""
        size = address_space(os_pid)
        if self._sizes.get(os_pid) == size:
            return
        self._sizes[os_pid] = size
        for places in self._places.values():
            places.pop(os_pid, None)
        for piece in shared_mappings(os_pid):
            if not piece.path.startswith("/usr/"):
                key = piece.file, piece.offset
                is_own = piece.path.startswith(self._folder)
                named = f"{piece.path}:{piece.offset}" if is_own else f"{name}:{len(self._names)}"
                self._names.setdefault(key, named)
                self._places.setdefault(key, {})[os_pid] = piece.begin, piece.end - piece.begin

    def piece(self, os_pid: int, address: int) -> tuple[str, int] | None:
        """Return the piece that a process has at this address: its name and its start; None if there is none."""
        for key, places in self._places.items():
            begin, length = places.get(os_pid, (0, 0))
            if begin <= address < begin + length:
                return self._names[key], begin
        return None

    def content(self, alive: Collection[int]) -> Hashable:
        """Return the content of all pieces that a living process maps. Raises Unknown."""
        found: list[tuple[str, bytes]] = []
        total = 0
        for key, places in self._places.items():
            os_pid = next((os_pid for os_pid in places if os_pid in alive), None)
            if os_pid is None:
                continue
            begin, length = places[os_pid]
            total += length
            data = read_memory(os_pid, begin, length) if total <= MAX_MEMORY else b""
            if len(data) < length:
                raise Unknown
            found.append((self._names[key], data))
        return tuple(sorted(found))


class Files:
    """Changes of the files in a folder, compared with the original. The constructor raises OSError if they cannot be
    watched."""

    def __init__(self, folder: str, original: str) -> None:
        self._folder, self._original = folder, original
        self._descriptor = libc.call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)
        self._watched: dict[int, str] = {}
        self._changed: dict[str, Hashable] = {}
        #: The names of files that may have changed since ``touched`` was last called; None: any file may have.
        self._touched: set[str] | None = set()
        self._watch("")

    def _watch(self, name: str) -> None:
        """Watch a folder and all folders below it."""
        path = os.path.join(self._folder, name)
        self._watched[libc.call("inotify_add_watch", self._descriptor, os.fsencode(path), _CHANGES)] = name
        for entry in os.scandir(path):
            if entry.is_dir(follow_symlinks=False) and entry.name != _CACHE:
                self._watch(os.path.join(name, entry.name))

    def begin(self) -> None:
        """Note that all files are as in the original."""
        self._events()
        self._changed.clear()

    def touched(self) -> set[str] | None:
        """Return the names of files that may have changed since the last call; None if any file may have, e.g. because
        there are folders that are not watched."""
        self._events()
        touched, self._touched = self._touched, set()
        return touched

    def content(self) -> Hashable:
        """Return what is different from the original now. Raises Unknown."""
        for name in self._events():
            now = _content(os.path.join(self._folder, name))
            if now == _content(os.path.join(self._original, name)):
                self._changed.pop(name, None)
            else:
                self._changed[name] = now
        return tuple(sorted(self._changed.items(), key=lambda item: item[0]))

    def _events(self) -> set[str]:
        """Return the names of files that have changed since the last call."""
        names: set[str] = set()
        with suppress(BlockingIOError):
            while data := os.read(self._descriptor, 1 << 16):
                at = 0
                while at < len(data):
                    number, mask, _, length = _EVENT.unpack_from(data, at)
                    at += _EVENT.size + length
                    name = os.fsdecode(data[at - length : at].rstrip(b"\0"))
                    folder = self._watched.get(number)
                    if name == _CACHE:
                        continue
                    if folder is None or mask & _UNSURE:
                        self._touched = None
                    if folder is not None and name:
                        names.add(os.path.join(folder, name))
        if self._touched is not None:
            self._touched |= names
        return names

    def close(self) -> None:
        """Stop watching."""
        os.close(self._descriptor)


def _content(path: str) -> Hashable:
    """Return the content of a file; "" if it does not exist (not None, whose hash differs from process to process).
    Raises Unknown."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return ""
    except OSError:
        raise Unknown from None
    if len(data) > MAX_FILE:
        raise Unknown
    return data


class Pipes:
    """The contents of pipes and sockets."""

    def __init__(self) -> None:
        self._open: dict[int, dict[int, str]] = {}
        #: The number of descriptors of each process when they were last read (available since Linux 6.2).
        self._numbers: dict[int, int] = {}
        self._names: dict[str, str] = {}

    def look(self, os_pid: int, name: str) -> None:
        """Read the descriptors of this process again if they may have changed."""
        number = number_of_descriptors(os_pid)
        if number is None or (number and number == self._numbers.get(os_pid)):
            return
        self._numbers[os_pid] = number
        now: dict[int, str] = {}
        for number, target in descriptors(os_pid):
            if 2 < number < _FIRST_OF_HOOK and target.startswith(("pipe:", "socket:")):
                now[number] = target
                if target not in self._names:
                    self._names[target] = f"{name}:{len(self._names)}"
        self._open[os_pid] = now

    def content(self, alive: Mapping[int, int]) -> Hashable:
        """Return what is in all pipes and sockets. ``alive``: processes by os_pid, each with a pidfd. Raises
        Unknown."""
        found: dict[str, bytes] = {}
        for os_pid, pidfd in alive.items():
            for number, target in self._open.get(os_pid, {}).items():
                if target.startswith("socket:"):
                    found[target] = _in_socket(pidfd, number)
                elif target not in found:
                    found[target] = _in_pipe(os_pid, number)
        return tuple(sorted((self._names[target], data) for target, data in found.items() if data))


def _in_pipe(os_pid: int, number: int) -> bytes:
    """Return what is in a pipe, without removing it. Raises Unknown."""
    try:
        descriptor = open_for_reading(os_pid, number)
    except OSError:
        raise Unknown from None
    try:
        (length,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4))
        if not length:
            return b""
        taken, copy = os.pipe()
        try:
            if length > MAX_PIPE or libc.call("tee", descriptor, copy, length, _SPLICE_F_NONBLOCK) != length:
                raise Unknown
            return os.read(taken, length)
        finally:
            os.close(taken)
            os.close(copy)
    except OSError:
        raise Unknown from None
    finally:
        os.close(descriptor)


def _in_socket(pidfd: int, number: int) -> bytes:
    """Return what one end of a socket has to read, without removing it. Raises Unknown."""
    try:
        with socket.socket(fileno=libc.borrow_descriptor(pidfd, number)) as end:
            if end.family != socket.AF_UNIX:
                raise Unknown
            return end.recv(MAX_PIPE, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""
    except OSError:
        raise Unknown from None


class World:
    """The shared state of all runs in one room. ``folder``: that of the room, a copy of the ``original``. The
    constructor raises OSError if the folder cannot be watched."""

    def __init__(self, folder: str, original: str) -> None:
        self._folder, self._files = folder, Files(folder, original)
        self._memory, self._pipes = Memory(folder), Pipes()
        self._seen: set[int] = set()

    def begin(self) -> None:
        """Begin a run."""
        self._memory, self._pipes = Memory(self._folder), Pipes()
        self._seen.clear()
        self._files.begin()

    def touched(self) -> set[str] | None:
        """Return the names of files of the room that may have changed since the last call; None if any may have."""
        return self._files.touched()

    def state(self, processes: Iterable[tuple[int, int, str]], moved: Collection[int]) -> Hashable | None:
        """Return the whole shared state, or None if it is unknown.

        ``processes``: those that have not ended, each as os_pid, pidfd and name; ``moved``: the processes that may have
        opened or mapped something since the last call.
        """
        alive: dict[int, int] = {}
        for os_pid, pidfd, name in processes:
            alive[os_pid] = pidfd
            if os_pid in moved or os_pid not in self._seen:
                self._seen.add(os_pid)
                self._memory.look(os_pid, name)
                self._pipes.look(os_pid, name)
        try:
            return self._memory.content(alive), self._files.content(), self._pipes.content(alive)
        except Unknown:
            return None

    def piece(self, os_pid: int, address: int) -> tuple[str, int] | None:
        """Return the shared memory at this address of a process: its name and its start; None if it is not shared."""
        return self._memory.piece(os_pid, address)

    def close(self) -> None:
        """Stop watching."""
        self._files.close()
