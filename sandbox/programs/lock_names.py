"""What the code calls its locks, and where that is noted.

This runs in the interpreter of each ``python =`` process once it imports ``threading`` or the locks of
``multiprocessing``, in one namespace with ``thread_locks`` and ``process_locks``, as ``function`` loads them. Nothing
is imported that a program with such locks has not imported anyway.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: So many locks a process notes; a program may make them for ever.
_MAX_NOTED = 10_000
#: A statement that makes a lock may have begun so many lines before.
_MAX_LINES = 4
_STANDARD = os.path.dirname(os.__file__) + os.sep
_OTHERS = f"{os.sep}site-packages{os.sep}"
_frame = sys._getframe


class Place:
    """Where a lock was made: in which line of which file, as which of those that are made there; ``owner``: where the
    object was made of which it is a part."""

    __slots__ = ("file", "line", "nth", "owner")

    def __init__(self, frame: "Any", nth: int, owner: "Place | None" = None) -> None:
        self.file: str = frame.f_code.co_filename
        self.line: int = frame.f_lineno
        self.nth, self.owner = nth, owner


#: How many were made so far at each place of the code.
_made: dict[tuple[object, ...], int] = {}


#: The code of what makes locks that nobody is told of: a thread has some that tell that it has begun.
_private: set[object] = set()


def _place(frame: "Any") -> Place | None:
    """Of what is being made: in the program's own code, where that has a part in it."""
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
    """What the code calls what is made at a place: the target of the assignment."""

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
    """What a line assigns to, "" where it does not; to a list something is added."""
    code, text = line.partition("#")[0], ""
    before, adds, _ = code.partition(".append(")
    if adds and _is_target(before := before.rpartition(";")[2].rpartition(":")[2].strip()):
        return before + "[]"
    at = code.find("=")
    if at > 0 and code[at - 1] not in "=!<>:+-*/%&|^@" and code[at + 1 : at + 2] != "=":
        text = code[:at].rpartition(";")[2].strip()
        text = text.rpartition("):")[2].strip()  # of a function in one line
    if not any(each in text for each in "[]{}"):
        text = text.partition(":")[0].strip()  # without what is said of its type
    return text if _is_target(text) else ""


def _is_target(text: str) -> bool:
    return bool(text) and (text[0].isalpha() or text[0] == "_") and not any(each in text for each in "()'\"{}=\\")


def _of_several(target: str, nth: int, line: str) -> str:
    """The name of one of the things that a line makes: ``a, b = Lock(), Lock()``, ``locks = [Lock() for _ in ...]``."""
    if target.endswith("[]"):
        return f"{target[:-2].rpartition('.')[2]}[{nth}]"
    names = [name.strip() for name in target.split(",")] if "[" not in target else [target]
    if len(names) > 1:
        return names[min(nth, len(names) - 1)].rpartition(".")[2]
    name = names[0] if "[" in names[0] else names[0].rpartition(".")[2]
    return f"{name}[{nth}]" if nth or " for " in line else name


class Notes:
    """A file to which all processes of a run add lines. ``lines``: whether it is noted, too, in which lines of the code
    locks are taken."""

    def __init__(self, path: str, lines: bool) -> None:
        self.path, self.lines = path, lines
        self._written = 0
        self.name = _Names()

    def write(self, line: str) -> bool:
        """Add one, unless there have been very many."""
        if self._written >= _MAX_NOTED:
            return False
        self._written += 1
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
        try:
            os.write(file, f"{os.getpid()} {line}\n".encode(errors="replace")[:1_000])
        finally:
            os.close(file)
        return True
