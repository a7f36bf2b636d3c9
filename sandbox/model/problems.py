"""What is wrong with a file or with options: each fault with its line and its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from sandbox.model.clause import Clause, Figure
from sandbox.model.values import BadValue, shown

#: A place in a file, from the outside in: the names of keys, and the numbers of tables from 0 on.
Where = tuple[str, ...]
#: A key in what is said of a place inside a value: ``.quanta[2]``.
_KEY = re.compile(r"\.([\w-]+)")


class Problem(NamedTuple):
    """One fault: its line (0: the whole file, or no file), its place in words of the file or the option, and what is
    wrong."""

    line: int
    place: str
    what: Clause


def problems_of(bad: BadValue, place: str = "") -> list[Problem]:
    """What is wrong with a value that stands at a place of no line: an option, or a file as a whole."""
    return [Problem(0, f"{place} {inside}".strip(), what) for inside, what in bad.faults]


class BadInput(Exception):
    """A file, or options, that cannot be used. ``problems``: all of them, in the order of the file."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        super().__init__(file)
        self.file = file
        self.problems = sorted(problems, key=lambda problem: problem.line)

    @classmethod
    def because(cls, file: str, rule: str, **figures: Figure) -> BadInput:
        """For one reason, which concerns the file as a whole."""
        return cls(file, [Problem(0, "", Clause(rule, figures))])


class Problems:
    """Gathers the problems of one file. ``lines``: where each table and key begins, as far as that is known."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self.lines: Mapping[Where, int] = {}

    def add(self, where: Where, rule: str, **figures: Figure) -> None:
        self.add_clause(where, Clause(rule, figures))

    def add_clause(self, where: Where, what: Clause, inside: str = "") -> None:
        """``inside``: where in the value it is, which may have lines of its own."""
        line = self._line((*where, *_KEY.findall(inside)))
        self.found.append(Problem(line, _place(where) + inside, what))

    def add_bad_value(self, where: Where, bad: BadValue) -> None:
        """Everything that is wrong with a value."""
        for inside, what in bad.faults:
            self.add_clause(where, what, inside)

    def _line(self, where: Where) -> int:
        """The line of a place, or of what it stands in."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 0)


def _place(where: Where) -> str:
    """``process[2].work``: people count from 1."""
    words = [f"[{int(word) + 1}]" if word.isdecimal() else f".{shown(word).strip(chr(39))}" for word in where]
    return "".join(words).lstrip(".")
