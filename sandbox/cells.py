"""Text on a terminal, where a character takes one cell, two or none."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

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
