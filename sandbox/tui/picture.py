"""Pictures of the screen."""

from __future__ import annotations

import re
from html import unescape

from rich.cells import cell_len

_TEXT = re.compile(r'(<text [^>]*\btextLength=")([\d.]+)("[^>]*>)([^<]+)')


def to_cells(svg: str) -> str:
    """A picture that Rich has drawn, with text that takes the room of its cells: Rich gives it that of its characters,
    and Chinese ones, of two cells each, would be squeezed into one."""
    return _TEXT.sub(_wide, svg)


def _wide(text: re.Match[str]) -> str:
    start, length, end, content = text.groups()
    characters = unescape(content)
    cells = cell_len(characters)
    if cells == len(characters):
        return text[0]
    return f"{start}{float(length) / len(characters) * cells:g}{end}{content}"
