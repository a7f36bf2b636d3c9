"""A language in which every letter of a message is two cells wide: what is plain in it never was a message."""

from __future__ import annotations

import re
from gettext import NullTranslations

_FIGURES = re.compile(r"(\{\{|\}\}|\{[a-z_]*\}|%\([a-z_]+\)[a-z]|%[a-z])")
_WIDE = {number: number + 0xFEE0 for number in range(ord("A"), ord("z") + 1) if chr(number).isalpha()}


def widen(message: str) -> str:
    """Each letter outside of figures as its full-width twin."""
    return "".join(part if index % 2 else part.translate(_WIDE) for index, part in enumerate(_FIGURES.split(message)))


class WideLanguage(NullTranslations):
    """The catalogue: it has every message."""

    def gettext(self, message: str) -> str:
        return widen(message)

    def ngettext(self, one: str, many: str, number: int) -> str:
        return widen(one if number == 1 else many)
