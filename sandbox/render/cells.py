"""Text on a terminal, where a character takes one cell, two or none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from textwrap import TextWrapper

from rich.cells import cell_len, set_cell_size

from sandbox.util.interpreter import split_words_like

_NUMBERED = re.compile(r"(.*)([-:]\d+)")
#: Where a line may end within a word: beside a wide character, but not before a stop nor after an opening bracket.
_OPENING, _CLOSING = "（「『《“‘(", "，。、；：！？）」』》”’….,;:!?)"
_WIDE, _OTHERS = r"[\u2e80-\uffef]", r"[^\u2e80-\uffef]"
_FIRST_WIDE = "\u2e80"


def fit(text: str, width: int) -> str:
    """Text in exactly ``width`` cells: cut with an ellipsis, or filled up."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(width - 1, 0)) + "…"[: max(width, 0)]


def fit_name(name: str, width: int) -> str:
    """A process's name in exactly ``width`` cells; of a copy's name, or of that of a server's child, the number is what
    tells it from the others."""
    numbered = _NUMBERED.fullmatch(name)
    if numbered is None or len(numbered[2]) > width:
        return fit(name, width)
    stem, number = numbered.groups()
    return fit(fit(stem, min(cell_len(stem), width - len(number))) + number, width)


def centred(text: str, width: int) -> str:
    """Text in exactly ``width`` cells, in the middle of them."""
    return fit(" " * ((width - cell_len(text)) // 2) + text, width)


def flush_right(text: str, width: int) -> str:
    """Text in exactly ``width`` cells, at the right end of them."""
    return " " * (width - cell_len(text)) + text if cell_len(text) <= width else fit(text, width)


def wrap(text: str, width: int, indent: str = "", first: str = "", hyphens: bool = True) -> list[str]:
    """Text in lines of at most ``width`` cells; ``first`` stands before the first, ``indent`` before all others. A line
    ends between words, behind a hyphen if ``hyphens``, and beside a character of a script that has no blanks."""
    lines: list[str] = []
    for line in text.splitlines():
        wrapper = _Wrapper(width, indent if lines else first, indent, break_on_hyphens=hyphens)
        lines += wrapper.wrap(line) or [""]
    return lines


def words(text: str) -> Iterator[tuple[int, int, str]]:
    """The pieces that no line may end within, blanks included: where each begins and ends, and the piece."""
    end = 0
    for word in re.findall(r"\s*\S+\s*", text):
        for piece in _pieces(word):
            start, end = end, end + len(piece)
            yield start, end, piece


def _pieces(word: str) -> list[str]:
    """The pieces of a word, which is not empty."""
    return [word] if max(word) < _FIRST_WIDE else _wide_pieces().findall(word) or [word]


@cache
def _wide_pieces() -> re.Pattern[str]:
    """Only where wide characters are read: to compile it takes as long as to import half a screen."""
    return re.compile(rf"[{_OPENING}]*(?:{_WIDE}|{_OTHERS}+?(?=[{_OPENING}]*{_WIDE}|\Z))[{_CLOSING}]*")


class _Wrapper(TextWrapper):
    """Counts cells, and knows that Chinese has no blanks between words."""


split_words_like(_Wrapper, lambda words: [Measured(piece) for word in words for piece in _pieces(word)])


class Measured(str):
    """Text that is as long as it is wide, for code that knows no cells."""

    __slots__ = ()

    def __len__(self) -> int:
        return cell_len(str(self))
