"""The guide as pages for a browser: README.md and docs/, in every language, with the pictures that they show."""

from __future__ import annotations

import re
import shutil
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from sandbox.i18n import LANGUAGES
from tests.support.guide import PAGES, translation
from tests.support.run import ROOT

_STYLE = """
:root { color-scheme: light dark }
body { font: 1rem/1.55 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; max-width: 52em; margin: 2em auto;
       padding: 0 1em }
table { border-collapse: collapse; width: 100% }
th:empty { display: none }
td, th { text-align: left; padding: .3em .6em; border-bottom: 1px solid #8c959f80; vertical-align: top }
pre { padding: .8em; overflow-x: auto; background: #8c959f20 }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em }
img { max-width: 100% }
"""
#: What may stand in an address of the guide that leads to one of its pages or pictures.
_SHOWN = (".md", ".svg", ".png")


def build(folder: Path) -> list[Path]:
    """Write the pages, and copy the pictures; the pages."""
    pages = []
    for page in PAGES:
        for language in LANGUAGES:
            source = translation(page, language)
            target = (folder / source.relative_to(ROOT)).with_suffix(".html")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(html(source.read_text("utf-8"), language), encoding="utf-8")
            pages.append(target)
    shutil.copytree(ROOT / "screenshots", folder / "screenshots", dirs_exist_ok=True)
    return pages


def html(markdown: str, language: str) -> str:
    """A page."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(markdown)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if before is not None and before.type == "heading_open":
            before.attrSet("id", anchor(token.content))
        _lead(token.children or ())
    title = re.search(r"^# (.*)$", markdown, re.MULTILINE)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title[1] if title else 'ossandbox')}</title><style>{_STYLE}</style></head><body>\n"
        f"{reader.renderer.render(tokens, reader.options, {})}</body></html>\n"
    )


def anchor(heading: str) -> str:
    """What stands behind ``#`` in an address that leads to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _lead(tokens: list[Token] | tuple[()]) -> None:
    """Addresses of pages lead to what they have become; those of the code lead nowhere here, and are left out."""
    for token in tokens:
        target = token.attrGet("href")
        if not isinstance(target, str) or urlsplit(target).scheme:
            continue
        path, _, place = target.partition("#")
        name = Path(path).name
        if not path.endswith(_SHOWN) or name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"):
            del token.attrs["href"]
        else:
            token.attrSet("href", re.sub(r"\.md$", ".html", path) + (f"#{place}" if place else ""))
