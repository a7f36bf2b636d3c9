"""ASCII substitutes for terminals without other characters: each sign on the screen is replaced by one of the same
width, so that the layout stays the same. Words in other scripts are not replaced."""

from __future__ import annotations

import os
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from sandbox.render.output import SIGNS

#: Characters of two cells, such as wide punctuation, are not replaced.
_SIGNS = str.maketrans(
    {sign: like for sign, like in SIGNS.items() if cell_len(sign) == 1} | {"\N{NO-BREAK SPACE}": " "}
)


class AsciiSigns(LineFilter):
    """A line filter that replaces signs by ASCII in everything drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with signs replaced."""
        return [
            segment if segment.text.isascii() else Segment(spelt(segment.text), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(maxsize=4096)
def spelt(text: str) -> str:
    """Return the text with signs replaced by ASCII; words in other scripts stay as they are."""
    return text.translate(_SIGNS)


def has_no_signs() -> bool:
    """Whether the terminal seems to have ASCII only: it is the kernel's console, whose font is small, or the locale is
    not UTF-8. An unset locale does not count."""
    if os.environ.get("TERM") == "linux":
        return True
    named = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), None)
    return named is not None and "utf8" not in named.lower().replace("-", "")
