"""Signs for terminals that have no others than ASCII's: each sign of the screen has one that stands for it, of the same
width, so that nothing on the screen moves. Words in other scripts stay as they are."""

from __future__ import annotations

import os
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from sandbox.render.output import SIGNS

#: Of other scripts nothing is replaced, wide punctuation included.
_SIGNS = str.maketrans(
    {sign: like for sign, like in SIGNS.items() if cell_len(sign) == 1} | {"\N{NO-BREAK SPACE}": " "}
)


class AsciiSigns(LineFilter):
    """Puts them in the place of the others, in all that is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """A line with other signs."""
        return [
            segment if segment.text.isascii() else Segment(spelt(segment.text), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(maxsize=4096)
def spelt(text: str) -> str:
    """The same in ASCII, but for words in other scripts."""
    return text.translate(_SIGNS)


def has_no_signs() -> bool:
    """Whether the terminal says that it has no others: the console of the kernel, whose font has few of them, and a
    locale that is another one than UTF-8. A locale that nobody has set says nothing."""
    if os.environ.get("TERM") == "linux":
        return True
    named = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), None)
    return named is not None and "utf8" not in named.lower().replace("-", "")
