"""Fitting and wrapping of text for terminals, where a character takes zero, one or two cells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from textwrap import TextWrapper

from rich.cells import cell_len, set_cell_size

from sandbox.util.interpreter import split_words_like

_NUMBERED = re.compile(r"(.*?)((?:[/#]\d+)+|[-:]\d+)")
#: A line may end within a word next to a wide character, but not before punctuation or after an opening bracket.
_OPENING, _CLOSING = "（「『《“‘(", "，。、；：！？）」』》”’….,;:!?)"
_WIDE, _OTHERS = r"[\u2e80-\uffef]", r"[^\u2e80-\uffef]"
_FIRST_WIDE = "\u2e80"


def fit(text: str, width: int) -> str:
    """Cut text with an ellipsis, or pad it, to exactly ``width`` cells."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(width - 1, 0)) + "…"[: max(width, 0)]


def fit_name(name: str, width: int) -> str:
    """Fit a process's name into exactly ``width`` cells; a number at its end, which distinguishes copies and a server's
    children, is kept."""
    numbered = _NUMBERED.fullmatch(name)
    if numbered is None or len(numbered[2]) > width:
        return fit(name, width)
    stem, number = numbered.groups()
    return fit(fit(stem, min(cell_len(stem), width - len(number))) + number, width)


def centred(text: str, width: int) -> str:
    """Centre text in exactly ``width`` cells."""
    return fit(" " * ((width - cell_len(text)) // 2) + text, width)


def flush_right(text: str, width: int) -> str:
    """Right-justify text in exactly ``width`` cells."""
    return " " * (width - cell_len(text)) + text if cell_len(text) <= width else fit(text, width)


def wrap(text: str, width: int, indent: str = "", first: str = "", hyphens: bool = True) -> list[str]:
    """Wrap text to lines of at most ``width`` cells. ``first`` is put before the first line, ``indent`` before all
    others. A line may end between words, after a hyphen if ``hyphens``, and next to a character of a script without
    blanks."""
    lines: list[str] = []
    for line in text.splitlines():
        wrapper = _Wrapper(width, indent if lines else first, indent, break_on_hyphens=hyphens)
        lines += wrapper.wrap(line) or [""]
    return lines


def words(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the pieces within which no line may end, blanks included: the start and end of each, and the piece."""
    end = 0
    for word in re.findall(r"\s*\S+\s*", text):
        for piece in _pieces(word):
            start, end = end, end + len(piece)
            yield start, end, piece


def _pieces(word: str) -> list[str]:
    """Return the pieces of a word, which must not be empty, between which a line may end."""
    return [word] if max(word) < _FIRST_WIDE else _wide_pieces().findall(word) or [word]


@cache
def _wide_pieces() -> re.Pattern[str]:
    """Compile the pattern only when wide characters occur, because that is slow."""
    return re.compile(rf"[{_OPENING}]*(?:{_WIDE}|{_OTHERS}+?(?=[{_OPENING}]*{_WIDE}|\Z))[{_CLOSING}]*")


class _Wrapper(TextWrapper):
    """A text wrapper that counts cells and may break lines between Chinese characters."""


split_words_like(_Wrapper, lambda words: [Measured(piece) for word in words for piece in _pieces(word)])


class Measured(str):
    """Text whose length is its width in cells, for code that measures text with ``len``."""

    __slots__ = ()

    def __len__(self) -> int:
        return cell_len(str(self))
