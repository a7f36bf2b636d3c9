"""Where the loops and comprehensions of a file are: what an iterator has still to give stands in no variable."""

from __future__ import annotations

import ast
from types import FrameType

#: By path.
_FILES: dict[str, Loops] = {}


class Loops:
    """``text``: the source of one file."""

    def __init__(self, text: bytes | str) -> None:
        #: The first and last line of each loop over an iterator, and of each comprehension.
        self.over: list[tuple[int, int]] = []
        self.within: list[tuple[int, int]] = []
        #: The same of comprehensions with their columns: from, to.
        self.columns: list[tuple[tuple[int, int], tuple[int, int]]] = []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.For, ast.AsyncFor)):
                self.over.append((node.lineno, node.end_lineno or node.lineno))
            elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
                last = node.end_lineno or node.lineno
                self.within.append((node.lineno, last))
                self.columns.append(((node.lineno, node.col_offset), (last, node.end_col_offset or 0)))

    def around(self, line: int) -> list[int]:
        """The first lines of the loops that a line is in."""
        return [first for first, last in self.over if first <= line <= last]

    def compresses(self, line: int) -> bool:
        """Whether a comprehension is on a line."""
        return any(first <= line <= last for first, last in self.within)

    def is_within(self, line: int, column: int) -> bool:
        """Whether a place is within a comprehension."""
        return any(start <= (line, column) < end for start, end in self.columns)


class NotFollowed(Exception):
    """Nobody has seen how often a loop has gone round."""


class Rounds:
    """How often each loop that has not been left has gone round, by frame: that tells how far its iterator is, which no
    variable does, and nobody else can see."""

    def __init__(self) -> None:
        self._of: dict[int, dict[int, int]] = {}

    def come_to(self, frame: FrameType, line: int) -> None:
        """A line is about to run."""
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
        """It returns, or yields."""
        self._of.pop(id(frame), None)

    def of(self, frame: FrameType) -> tuple[tuple[int, int], ...]:
        """Of a frame that has not been left. Raises NotFollowed."""
        around = of(frame.f_code.co_filename).around(frame.f_lineno)
        known = self._of.get(id(frame), {})
        if any(first not in known for first in around):
            raise NotFollowed
        return tuple((first, known[first]) for first in around)


def note(path: str, text: bytes) -> None:
    """This is in a file."""
    _FILES[path] = Loops(text)


def of(path: str) -> Loops:
    """Of a file; none where it cannot be read."""
    found = _FILES.get(path)
    if found is None:
        try:
            with open(path, "rb") as file:
                found = Loops(file.read())
        except (OSError, SyntaxError, ValueError):
            found = Loops(b"")
        _FILES[path] = found
    return found
