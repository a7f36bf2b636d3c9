"""What is wrong with a file: each fault with its line and its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sandbox.model.events import Clause
from sandbox.model.values import BadValue, shown

#: A place in a file, from the outside in: the names of keys, and the numbers of tables from 0 on.
Where = tuple[str, ...]


class Problem(NamedTuple):
    """One fault of a file: its line (0: the whole file), its place in words of the file, and what is wrong."""

    line: int
    place: str
    what: Clause


class BadInput(Exception):
    """A file that cannot be used. ``problems``: all of them, in the order of the file."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        super().__init__(file)
        self.file = file
        self.problems = sorted(problems, key=lambda problem: problem.line)


class Problems:
    """Gathers all there are. ``lines``: where each table and key of the file begins, as far as that is known."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.lines: Mapping[Where, int] = {}

    def add(self, where: Where, rule: str, **figures: str | int | None) -> None:
        """One more."""
        self.add_clause(where, Clause(rule, dict(figures)))

    def add_clause(self, where: Where, what: Clause, inside: str = "") -> None:
        """One more; ``inside``: where in the value it is."""
        self.found.append(Problem(self._line(where), _place(where) + inside, what))

    def add_bad_value(self, where: Where, bad: BadValue) -> None:
        """All that a value was refused for."""
        for inside, what in bad.faults:
            self.add_clause(where, what, inside)

    def _line(self, where: Where) -> int:
        """The line of a place, or of what it stands in."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 0)


def _place(where: Where) -> str:
    """``process[2].work`` in the counting of people: the first is 1."""
    words = [f"[{int(word) + 1}]" if word.isdecimal() else f".{shown(word).strip(chr(39))}" for word in where]
    return "".join(words).lstrip(".")
