"""Reasons, rules, causes and faults as data; the user interface turns them into sentences."""

from __future__ import annotations

import msgspec

Figure = str | int | float | None


class Clause(msgspec.Struct, frozen=True, gc=False):
    """A rule, cause or fault identified by name, with its figures: ``least remaining`` with ``remaining_ns``."""

    rule: str
    figures: dict[str, Figure] = {}

    def text(self, figure: str) -> str | None:
        """Return the figure of that name if it is text, else None."""
        value = self.figures.get(figure)
        return value if isinstance(value, str) else None

    def number(self, figure: str) -> int | None:
        """Return the figure of that name if it is a whole number, else None."""
        value = self.figures.get(figure)
        return value if isinstance(value, int) else None
