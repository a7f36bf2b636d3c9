"""Pictures of the screen hold Chinese characters at their width."""

from __future__ import annotations

import io
import re
from itertools import pairwise

from rich.console import Console

from sandbox.tui.compat import to_cells

_TEXTS = re.compile(r'<text [^>]*\bx="([\d.]+)"[^>]*textLength="([\d.]+)"[^>]*>([^<]+)<')


def drawn(said: str) -> str:
    console = Console(width=40, file=io.StringIO(), record=True)
    console.print(said)
    return console.export_svg(title="")


def stretches(svg: str) -> list[tuple[str, float, float]]:
    """The texts of a picture: what they say, where they begin and where they end."""
    return [(said, float(x), float(x) + float(room)) for x, room, said in _TEXTS.findall(svg) if said.strip()]


def test_a_chinese_character_is_as_wide_as_two_others() -> None:
    ((_, _, end), *_) = stretches(drawn("CPU 就绪 <".replace("就绪", "WWWW")))
    ours = stretches(to_cells(drawn("CPU 就绪 <")))
    assert [said for said, _, _ in ours] == ["CPU&#160;", "就绪", "&#160;&lt;"]
    assert [round(before[2] - after[1], 3) for before, after in pairwise(ours)] == [0, 0]
    assert round(ours[-1][2] - end, 3) == 0


def test_a_picture_without_wide_characters_stays_as_it_is() -> None:
    picture = drawn("a < b & c")
    assert to_cells(picture) == picture
