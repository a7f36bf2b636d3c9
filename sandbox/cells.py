"""Text on a terminal, where a character takes one cell, two or none."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size


def fit(text: str, width: int) -> str:
    """Text in exactly ``width`` cells: cut with an ellipsis, or filled up."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(width - 1, 0)) + "…"[: max(width, 0)]


def fit_name(name: str, width: int) -> str:
    """A process's name in exactly ``width`` cells; of a copy's name, the number is what tells it from the others."""
    stem, dash, number = name.rpartition("-")
    if not number.isdecimal() or len(dash + number) > width - 2:
        return fit(name, width)
    return fit(fit(stem, min(cell_len(stem), width - len(dash + number))) + dash + number, width)


def flush_right(text: str, width: int) -> str:
    """Text in exactly ``width`` cells, at the right end of them."""
    return " " * (width - cell_len(text)) + text if cell_len(text) <= width else fit(text, width)
