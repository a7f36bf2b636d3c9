"""Reasons, rules, causes and faults as data: sentences are made of them where somebody reads."""

from __future__ import annotations

import msgspec

Figure = str | int | float | None


class Clause(msgspec.Struct, frozen=True, gc=False):
    """A rule, cause or fault by name, with its figures: ``least remaining`` with its ``remaining_ns``."""

    rule: str
    figures: dict[str, Figure] = {}

    def text(self, figure: str) -> str | None:
        """A figure that is text; None where there is none of that name."""
        value = self.figures.get(figure)
        return value if isinstance(value, str) else None

    def number(self, figure: str) -> int | None:
        """A figure that is a whole number; None where there is none of that name."""
        value = self.figures.get(figure)
        return value if isinstance(value, int) else None
