"""Pictures of the screen."""

from __future__ import annotations

import re
from html import escape, unescape
from itertools import groupby

from rich.cells import cell_len

from sandbox.tui.compat import SVG_TEXT

_SPACE = "\N{NO-BREAK SPACE}"


def to_cells(svg: str) -> str:
    """A picture that Rich has drawn, with each text in the room of its cells: Rich gives it that of its characters, and
    Chinese ones, of two cells each, would be squeezed into one."""
    return SVG_TEXT.sub(_apart, svg)


def _apart(text: re.Match[str]) -> str:
    """Stretches of wide characters and of others, each in its own place."""
    said = unescape(text["said"]).replace(_SPACE, " ")
    if cell_len(said) <= len(said):
        return text[0]
    x, cell = float(text["x"]), float(text["room"]) / len(said)
    parts = []
    for _, characters in groupby(said, key=lambda character: cell_len(character) > 1):
        part = "".join(characters)
        room = cell_len(part) * cell
        shown = escape(part).replace(" ", "&#160;")
        parts.append(f'<text {text["start"]}x="{x:g}"{text["middle"]}textLength="{room:g}"{text["end"]}>{shown}</text>')
        x += room
    return "".join(parts)
