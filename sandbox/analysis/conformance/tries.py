"""Reports what a policy's code tries in a room, as far as the interpreter tells (``sys.addaudithook``).

Code that bypasses the interpreter is not noticed. Nothing is forbidden here; the room does that. The resident writes
each attempt once, as a line of its standard error, where it can still be read when the process has ended.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

import sandbox
from sandbox.model.clause import Clause
from sandbox.policies.host import validate

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

#: The prefix of a line that reports an attempt, and the line that reports that there can be no strict room.
MARK, NO_FENCES = "\x02tried ", "\x02no fences\n"
_PROCESS, _SOCKET, _SIGNAL, _CHANGES, _READS, _WRITES, _C, _LOOKS, _THREAD, PRINTS, _MORE = (
    *("starts a process", "opens a socket", "signals a process", "changes files", "reads a file", "writes a file"),
    *("calls C code", "looks into the interpreter", "starts a thread", "prints", "tries more"),
)
_EVENTS = {
    **dict.fromkeys(("os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system", "os.spawn"), _PROCESS),
    **dict.fromkeys(("subprocess.Popen", "pty.spawn"), _PROCESS),
    **dict.fromkeys(("socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo"), _SOCKET),
    **dict.fromkeys(("os.kill", "os.killpg", "signal.pthread_kill"), _SIGNAL),
    **dict.fromkeys(("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link"), _CHANGES),
    **dict.fromkeys(("os.symlink", "os.truncate", "shutil.rmtree", "shutil.move", "shutil.copyfile"), _CHANGES),
    **dict.fromkeys(("ctypes.dlopen", "ctypes.dlsym", "ctypes.string_at"), _C),
    **dict.fromkeys(("gc.get_objects", "gc.get_referrers", "gc.get_referents"), _LOOKS),
    **dict.fromkeys(("sys.settrace", "sys.setprofile"), _LOOKS),
    **dict.fromkeys(("_thread.start_new_thread", "_thread.start_joinable_thread"), _THREAD),
}
_LISTS = ("os.listdir", "os.scandir", "glob.glob")
_RULES = frozenset({*_EVENTS.values(), _READS, _WRITES, PRINTS, _MORE})
_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
#: The maximum number of different attempts that are reported, and of characters of a path.
_MOST, _MAX_PATH = 20, 80

_encode = msgspec.json.Encoder().encode


def watch(files: Iterable[str], nowhere: int) -> None:
    """Report from now on, for good, what this process tries. ``files``: its own files; ``nowhere``: a descriptor of the
    null device."""
    told: set[tuple[str, object]] = set()
    ours = tuple({*map(os.path.realpath, _ours()), *_ours(), *files, os.devnull})

    def tell(rule: str, **figures: Any) -> None:
        which = (rule, figures.get("path"))
        if which in told or len(told) > _MOST:
            return
        told.add(which)
        clause = [rule, figures] if len(told) <= _MOST else [_MORE, {}]
        os.write(2, MARK.encode() + _encode(clause) + b"\n")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if (rule := _EVENTS.get(event)) is not None:
            tell(rule)
        elif event == "open" or event in _LISTS:
            path = os.fsdecode(args[0]) if isinstance(args[0], (str, bytes)) else ""
            if path and not path.startswith(ours):
                changes = event == "open" and isinstance(args[2], int) and args[2] & _CHANGING
                tell(_WRITES if changes else _READS, path=path[:_MAX_PATH])

    sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Nowhere(nowhere)), "utf-8")
    sys.addaudithook(hook)


def _ours() -> list[str]:
    """Return where the interpreter and its packages are, since importing modules reads there."""
    own = os.path.realpath(sandbox.__path__[0])
    ways = [path for path in sys.path if os.path.isabs(path) and os.path.realpath(path) != os.path.dirname(own)]
    return [sys.prefix, sys.base_prefix, sys.exec_prefix, own, *ways, "/usr", "/lib", "/lib64"]


class _Nowhere(io.FileIO):
    """A standard output that discards all data, and reports the number of lines. (It gets them from the buffer.)"""

    def __init__(self, nowhere: int) -> None:
        super().__init__(nowhere, "w", closefd=False)
        self._lines, self._next = 0, 1

    def write(self, data: Buffer) -> int:
        """Count the lines."""
        text = bytes(data)
        self._lines += text.count(b"\n")
        while self._lines >= self._next:
            self._next *= 10
            if self._lines < self._next:
                os.write(2, MARK.encode() + _encode([PRINTS, {"lines": self._next // 10}]) + b"\n")
        return len(text)


def read(words: str) -> list[Clause]:
    """Return what was tried, by a resident's standard error. The text may contain anything, and is cleaned."""
    found: dict[tuple[str, object], Clause] = {}
    for line in words.split("\n"):
        if not line.startswith(MARK):
            continue
        try:
            rule, figures = msgspec.json.decode(line.removeprefix(MARK), type=tuple[str, dict[str, str | int]])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue
        if rule in _RULES and len(found) <= _MOST:
            known = {name: figures[name] for name in ("path", "lines") if name in figures}
            path = {"path": validate.line(str(known["path"]), _MAX_PATH)} if "path" in known else {}
            lines = {"lines": known["lines"]} if isinstance(known.get("lines"), int) else {}
            found[rule, path.get("path")] = Clause(rule, {**path, **lines})
    return [*found.values()]
