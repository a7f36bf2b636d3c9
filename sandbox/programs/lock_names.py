"""Finds the names that the code gives to its locks, and writes announcements to a file.

This code runs in the interpreter of each ``python =`` process once it imports ``threading`` or the locks of
``multiprocessing``. ``function`` executes it in one namespace with ``thread_locks`` and ``process_locks``. It imports
nothing that a program with such locks has not imported anyway.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The most lines that a process writes, because a program may keep creating locks.
_MAX_NOTED = 10_000
#: How many lines before a call the statement may begin.
_MAX_LINES = 4
_STANDARD = os.path.dirname(os.__file__) + os.sep
_OTHERS = f"{os.sep}site-packages{os.sep}"
_frame = sys._getframe


class Place:
    """Where a lock was created: the file, the line, and its number among those created there (``nth``). ``owner``:
    where the object was created that the lock belongs to."""

    __slots__ = ("file", "line", "nth", "owner")

    def __init__(self, frame: "Any", nth: int, owner: "Place | None" = None) -> None:
        self.file: str = frame.f_code.co_filename
        self.line: int = frame.f_lineno
        self.nth, self.owner = nth, owner


#: The number of locks that were created at each place of the code.
_made: dict[tuple[object, ...], int] = {}


#: Code whose locks are not announced, such as those by which a new thread tells that it has started.
_private: set[object] = set()


def _place(frame: "Any") -> Place | None:
    """Return where a lock is being created: in the program's own code, if that is on the stack; None for private
    ones."""
    own: Any = frame
    while own is not None and _is_standard(own.f_code.co_filename):
        if own.f_code in _private:
            return None
        own = own.f_back
    own = own or frame
    here = (own.f_code.co_filename, own.f_lineno)
    above: Any = own
    while above is not None and above.f_code.co_name == "__init__":
        above = above.f_back
    if above is own or above is None or _is_standard(above.f_code.co_filename):
        return Place(own, _count(here))
    there = (above.f_code.co_filename, above.f_lineno)
    return Place(own, 0, Place(above, _count((*there, *here))))


def _count(place: tuple[object, ...]) -> int:
    nth = _made.get(place, 0)
    _made[place] = nth + 1
    return nth


def _is_standard(file: str) -> bool:
    return (file.startswith(_STANDARD) and _OTHERS not in file) or file.startswith("<frozen")


class _Names:
    """Finds the name of an object by the target of the assignment at its place."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def __call__(self, place: Place) -> str:
        name = self._target(place)
        if place.owner is None:
            return name or f"{os.path.basename(place.file)}:{place.line}"
        owner = self._target(place.owner)
        return ".".join(filter(None, (owner, name))) or f"{os.path.basename(place.file)}:{place.line}"

    def _target(self, place: Place) -> str:
        if place.file not in self._lines:
            try:
                with open(place.file, encoding="utf-8", errors="replace") as source:
                    self._lines[place.file] = source.read().splitlines()
            except (OSError, ValueError):
                self._lines[place.file] = []
        lines = self._lines[place.file][max(place.line - _MAX_LINES, 0) : place.line]
        for line in reversed(lines):
            if line is not lines[-1] and not line.rstrip().endswith(("(", "[", "{", ",")):
                break
            if target := assigned(line):
                return _of_several(target, place.nth, line)
        return ""


def assigned(line: str) -> str:
    """Return the target of the assignment in a line; "" if there is none. ``x.append(…)`` returns ``x[]``."""
    code, text = line.partition("#")[0], ""
    before, adds, _ = code.partition(".append(")
    if adds and _is_target(before := before.rpartition(";")[2].rpartition(":")[2].strip()):
        return before + "[]"
    at = code.find("=")
    if at > 0 and code[at - 1] not in "=!<>:+-*/%&|^@" and code[at + 1 : at + 2] != "=":
        text = code[:at].rpartition(";")[2].strip()
        text = text.rpartition("):")[2].strip()  # after the head of a function in one line
    if not any(each in text for each in "[]{}"):
        text = text.partition(":")[0].strip()  # without an annotation
    return text if _is_target(text) else ""


def _is_target(text: str) -> bool:
    return bool(text) and (text[0].isalpha() or text[0] == "_") and not any(each in text for each in "()'\"{}=\\")


def _of_several(target: str, nth: int, line: str) -> str:
    """Return the name of one of several objects that a line creates, as in ``a, b = Lock(), Lock()`` or
    ``locks = [Lock() for _ in ...]``."""
    if target.endswith("[]"):
        return f"{target[:-2].rpartition('.')[2]}[{nth}]"
    names = [name.strip() for name in target.split(",")] if "[" not in target else [target]
    if len(names) > 1:
        return names[min(nth, len(names) - 1)].rpartition(".")[2]
    name = names[0] if "[" in names[0] else names[0].rpartition(".")[2]
    return f"{name}[{nth}]" if nth or " for " in line else name


class Notes:
    """A file to which all processes of a run append lines. ``lines``: whether the code lines in which locks are taken
    are announced, too."""

    def __init__(self, path: str, lines: bool) -> None:
        self.path, self.lines = path, lines
        self._written = 0
        self.name = _Names()

    def write(self, line: str) -> bool:
        """Append a line. Returns False if there were too many."""
        if self._written >= _MAX_NOTED:
            return False
        self._written += 1
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
        try:
            os.write(file, f"{os.getpid()} {line}\n".encode(errors="replace")[:1_000])
        finally:
            os.close(file)
        return True
