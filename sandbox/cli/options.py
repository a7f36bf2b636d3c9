"""From the words on a command line to typed values: each option is read once, and everything that is wrong is told."""

from __future__ import annotations

import argparse
from typing import TypeVar

from sandbox.i18n import _
from sandbox.model.events import Clause, Figure
from sandbox.model.problems import BadInput, Problem, problems_of
from sandbox.model.values import BadValue, Kind

T = TypeVar("T")


class Given:
    """The options that were given. What is wrong with them is gathered, and raised at last by ``check``."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self._problems: list[Problem] = []

    def value(self, name: str, kind: Kind[T]) -> T | None:
        """The value of ``--name``; None where it is not given, not an option of this command, or wrong."""
        text = getattr(self.args, name, None)
        if text is None:
            return None
        try:
            return kind.parse(text)
        except BadValue as bad:
            self.add_bad_value(f"--{name}", bad)
            return None

    def add(self, option: str, rule: str, **figures: Figure) -> None:
        """Something is wrong with an option; ``""``: with all of them together."""
        self._problems.append(Problem(0, option, Clause(rule, figures)))

    def add_bad_value(self, option: str, bad: BadValue) -> None:
        self._problems += problems_of(bad, option)

    def check(self) -> None:
        """Raises BadInput if anything is wrong."""
        if self._problems:
            raise BadInput(_("options"), self._problems)
