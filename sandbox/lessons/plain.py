"""Conversion of Markdown to plain text for screen readers: without emphasis, and with tables as sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

_EMPHASIS = re.compile(r"(\*\*|\*|`)(?=\S)(.+?)(?<=\S)\1")
_RULE = re.compile(r"\|?[\s|:-]+\|?")


def plain(markdown: str) -> str:
    """Convert the text of a lesson line by line; headings are underlined, and each row of a table becomes a line that
    names its columns."""
    return "\n".join(_lines(markdown)).strip() + "\n"


def _lines(markdown: str) -> Iterator[str]:
    head: list[str] | None = None
    fenced = False
    for line in markdown.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield f"    {line}"
        elif line.startswith("|"):
            cells = [_bare(cell.strip()) for cell in line.strip().strip("|").split("|")]
            if head is None:
                head = cells
            elif not _RULE.fullmatch(line):
                yield _row(head, cells)
        else:
            head = None
            if line.startswith("#"):
                text = _bare(line.lstrip("#").strip())
                yield text
                yield ("=" if line.startswith("# ") else "-") * cell_len(text)
            else:
                yield _bare(line)


def _row(head: list[str], cells: list[str]) -> str:
    """Return a row as a line: ``CPU in use. one after another: 60 %, together: 90 %``."""
    stop, comma, colon = ("。", "，", "：") if any(map(_is_wide, head)) else (". ", ", ", ": ")
    first, *rest = cells
    said = comma.join(f"{name}{colon}{cell}" if name else cell for name, cell in zip(head[1:], rest, strict=False))
    return f"{first}{stop}{said}" if first else said


def _is_wide(text: str) -> bool:
    return cell_len(text) > len(text)


def _bare(text: str) -> str:
    """Remove the signs of emphasis from a text."""
    return _EMPHASIS.sub(lambda match: match[2], text)
