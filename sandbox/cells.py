"""Text on a terminal, where a character takes one cell, two or none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells, set_cell_size

#: What a line may be broken between: words, and characters of the scripts that have no blanks between words. What
#: closes stays with what is before it, what opens with what comes after it.
_WIDE = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60"
_CLOSES, _OPENS = "，。、；：！？）」』》】”…", "（「『《【“"
_PART = re.compile(rf"\s*[{_OPENS}]*(?:[^\s{_WIDE}“”]+|[{_WIDE}])?[{_CLOSES}]*")
_NUMBERED = re.compile(r"(.*)([-:]\d+)")


def fit(text: str, width: int) -> str:
    """Text in exactly ``width`` cells: cut with an ellipsis, or filled up."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(width - 1, 0)) + "…"[: max(width, 0)]


def fit_name(name: str, width: int) -> str:
    """A process's name in exactly ``width`` cells; of a copy's name, or of that of a server's child, the number is what
    tells it from the others."""
    numbered = _NUMBERED.fullmatch(name)
    if numbered is None or len(numbered[2]) > width - 2:
        return fit(name, width)
    stem, number = numbered.groups()
    return fit(fit(stem, min(cell_len(stem), width - len(number))) + number, width)


def centred(text: str, width: int) -> str:
    """Text in exactly ``width`` cells, in the middle of them."""
    return fit(" " * ((width - cell_len(text)) // 2) + text, width)


def flush_right(text: str, width: int) -> str:
    """Text in exactly ``width`` cells, at the right end of them."""
    return " " * (width - cell_len(text)) + text if cell_len(text) <= width else fit(text, width)


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """Text in lines of at most ``width`` cells; ``indent`` stands before all but the first."""
    lines: list[str] = []
    for line in text.splitlines():
        for broken in _broken(line, width, cell_len(indent)):
            lines.append(indent + broken if lines else broken)
    return lines


def _broken(text: str, width: int, indent: int) -> Iterator[str]:
    """A line in as many as it takes; there are ``indent`` cells less for all but the first."""
    line = ""
    for part in filter(None, _PART.findall(text)):
        if cell_len(line + part) > width and line:
            yield line
            line, width, indent = "", width - indent, 0
        *whole, line = chop_cells(line + part if line else part.lstrip(), max(width, 2)) or [""]
        yield from whole
    yield line
