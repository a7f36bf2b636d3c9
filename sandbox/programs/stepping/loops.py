"""The loops and comprehensions of a file. They matter because no variable contains the position of an iterator."""

from __future__ import annotations

import ast
from types import FrameType

#: Loops by path.
_FILES: dict[str, Loops] = {}


class Loops:
    """The loops of one file. ``text``: its source."""

    def __init__(self, text: bytes | str) -> None:
        #: The first and last line of each loop over an iterator, and of each comprehension.
        self.over: list[tuple[int, int]] = []
        self.within: list[tuple[int, int]] = []
        #: The start and end of each comprehension, as (line, column).
        self.columns: list[tuple[tuple[int, int], tuple[int, int]]] = []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.For, ast.AsyncFor)):
                self.over.append((node.lineno, node.end_lineno or node.lineno))
            elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
                last = node.end_lineno or node.lineno
                self.within.append((node.lineno, last))
                self.columns.append(((node.lineno, node.col_offset), (last, node.end_col_offset or 0)))

    def around(self, line: int) -> list[int]:
        """Return the first lines of the loops around a line."""
        return [first for first, last in self.over if first <= line <= last]

    def compresses(self, line: int) -> bool:
        """Whether there is a comprehension on a line."""
        return any(first <= line <= last for first, last in self.within)

    def is_within(self, line: int, column: int) -> bool:
        """Whether a position is within a comprehension."""
        return any(start <= (line, column) < end for start, end in self.columns)


class NotFollowed(Exception):
    """The number of iterations of a loop is unknown."""


class Rounds:
    """Counts the iterations of each loop that was not left yet, by frame. They tell the position of its iterator, which
    is in no variable and cannot be read otherwise."""

    def __init__(self) -> None:
        self._of: dict[int, dict[int, int]] = {}

    def come_to(self, frame: FrameType, line: int) -> None:
        """Note that a line is about to run."""
        around = of(frame.f_code.co_filename).around(line)
        if not around:
            self._of.pop(id(frame), None)
            return
        known = self._of.setdefault(id(frame), {})
        for first in [first for first in known if first not in around]:
            del known[first]
        if line in around:
            known[line] = known.get(line, 0) + 1

    def leave(self, frame: FrameType) -> None:
        """Note that a frame returns, or yields."""
        self._of.pop(id(frame), None)

    def of(self, frame: FrameType) -> tuple[tuple[int, int], ...]:
        """Return the loops around the present line of a frame, each as its first line and its iterations. Raises
        NotFollowed."""
        around = of(frame.f_code.co_filename).around(frame.f_lineno)
        known = self._of.get(id(frame), {})
        if any(first not in known for first in around):
            raise NotFollowed
        return tuple((first, known[first]) for first in around)


def note(path: str, text: bytes) -> None:
    """Parse the text of a file."""
    _FILES[path] = Loops(text)


def of(path: str) -> Loops:
    """Return the loops of a file; none if it cannot be read."""
    found = _FILES.get(path)
    if found is None:
        try:
            with open(path, "rb") as file:
                found = Loops(file.read())
        except (OSError, SyntaxError, ValueError):
            found = Loops(b"")
        _FILES[path] = found
    return found
