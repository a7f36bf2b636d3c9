"""Problems of an input file or of options, each with its line and place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sandbox.model.clause import Clause, Figure
from sandbox.model.values import BadValue, shown

#: A place in a file, outermost part first: names of keys, and numbers of tables starting at 0.
Where = tuple[str, ...]


class Problem(NamedTuple):
    """One fault. ``line``: 0 for the whole file or no file; ``place``: its key or option as the user wrote it;
    ``what``: what is wrong."""

    line: int
    place: str
    what: Clause


def problems_of(bad: BadValue, place: str = "") -> list[Problem]:
    """Return the problems of a value that has no line: an option, or a file as a whole."""
    return [Problem(0, f"{place} {inside}".strip(), what) for inside, what in bad.faults]


class BadInput(Exception):
    """Raised for a file or options that cannot be used. ``problems``: all of them, in the order of their lines."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        super().__init__(file)
        self.file = file
        self.problems = sorted(problems, key=lambda problem: problem.line)

    @classmethod
    def because(cls, file: str, rule: str, **figures: Figure) -> BadInput:
        """Create the exception for a single problem of the file as a whole."""
        return cls(file, [Problem(0, "", Clause(rule, figures))])


class Problems:
    """Collects the problems of one file. ``lines``: the line where each table and key begins, as far as known."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.lines: Mapping[Where, int] = {}

    def add(self, where: Where, rule: str, **figures: Figure) -> None:
        self.add_clause(where, Clause(rule, figures))

    def add_clause(self, where: Where, what: Clause, inside: str = "") -> None:
        """Add a problem. ``inside``: its place within the value."""
        self.found.append(Problem(self._line(where), _place(where) + inside, what))

    def add_bad_value(self, where: Where, bad: BadValue) -> None:
        """Add all faults of a value."""
        for inside, what in bad.faults:
            self.add_clause(where, what, inside)

    def _line(self, where: Where) -> int:
        """Return the line of a place, or of the innermost enclosing place that has one; 0 if none has."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 0)


def _place(where: Where) -> str:
    """Write a place as in ``process[2].work``; tables are counted from 1."""
    words = [f"[{int(word) + 1}]" if word.isdecimal() else f".{shown(word).strip(chr(39))}" for word in where]
    return "".join(words).lstrip(".")
