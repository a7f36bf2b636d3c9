"""Signs for terminals that have no others than ASCII's: each sign of the screen has one that stands for it, of the same
width, so that nothing on the screen moves. Words in other scripts stay as they are."""

from __future__ import annotations

import os
from functools import lru_cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

#: Signs, and below them what stands for each. States differ: running #, ready :, blocked a dot.
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("─━═", "-"),
        **dict.fromkeys("│┃║▏▎▍▌▕", "|"),
        **dict.fromkeys("┏┓└┗┛╭╮╯╰╔╗╚╝┌┐┘├┤┬┴┼", "+"),
        **dict.fromkeys("█▉▊▋▇▐■▆▅▄", "#"),
        **dict.fromkeys("▁▂▃╵", "_"),
        **dict.fromkeys("▔", "^"),
        **dict.fromkeys("░▒▓", ":"),
        **dict.fromkeys("·•", "."),
        **dict.fromkeys("▶▸→›", ">"),
        **dict.fromkeys("◀◂←‹", "<"),
        **dict.fromkeys("▲↑", "^"),
        **dict.fromkeys("▼▾↓", "v"),
        **dict.fromkeys("○●", "o"),
        **dict.fromkeys("‘’", "'"),
        **dict.fromkeys("“”", '"'),
        **dict.fromkeys("–−", "-"),
        "‖": "=",
        "⏎": "&",
        "✔": "+",
        "✘": "x",
        "×": "x",
        "…": "~",
        "♪": "*",
        "√": "V",
        "±": "~",
        "µ": "u",
        "Σ": "S",
        "²": "2",
        "\N{NO-BREAK SPACE}": " ",
    }
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
