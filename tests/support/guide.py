"""The guide: README.md and the pages in docs/, each in every language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.support.run import ROOT

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """What stands between two fences; ``kind``: what reads it."""

    kind: str
    text: str


#: The pages in English: README.md first.
PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md") if path.stem.count(".") == 0))


def translation(page: str, language: str) -> Path:
    """The same page in another language."""
    path = ROOT / page
    return path if language == "en" else path.with_suffix(f".{language}.md")


def text(page: str, language: str = "en") -> str:
    return translation(page, language).read_text("utf-8")


def blocks(whole: str) -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(whole)]


def prose(whole: str) -> str:
    """All but the blocks."""
    return _BLOCK.sub("", whole)


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its rank or above."""
    rank, inside, fenced = len(heading.partition(" ")[0]), False, False
    lines = []
    for line in text(page).splitlines(keepends=True):
        fenced ^= line.startswith("```")
        if inside and not fenced and re.match(rf"#{{1,{rank}}} ", line):
            break
        if inside:
            lines.append(line)
        inside = inside or line.rstrip("\n") == heading
    return "".join(lines)
