"""Pictures of the screen hold Chinese characters at their width."""

from __future__ import annotations

import io
import re

from rich.console import Console

from sandbox.tui.picture import to_cells

_TEXTS = re.compile(r'textLength="([\d.]+)"[^>]*>([^<]+)<')


def drawn(said: str) -> str:
    console = Console(width=40, file=io.StringIO(), record=True)
    console.print(said)
    return console.export_svg(title="")


def test_a_chinese_character_is_as_wide_as_two_others() -> None:
    widths = [
        {text: float(width) for width, text in _TEXTS.findall(to_cells(drawn(said)))} for said in ("就绪", "READ")
    ]
    assert widths[0]["就绪"] == widths[1]["READ"] > 0


def test_a_picture_without_wide_characters_stays_as_it_is() -> None:
    picture = drawn("a < b & c")
    assert to_cells(picture) == picture
