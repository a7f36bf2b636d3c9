"""The guide as pages: each leads to pages, places and pictures that are there."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from sandbox.i18n import LANGUAGES
from tests.scripts import guide_pages, site
from tests.support.guide import PAGES

_TARGET = re.compile(r'(?:href|src)="([^"]*)"')


def test_what_a_page_leads_to_is_there(tmp_path: Path) -> None:
    pages = guide_pages.build(tmp_path)
    assert len(pages) == len(PAGES) * len(LANGUAGES)
    places = {page: set(re.findall(r'<h\d id="([^"]*)"', page.read_text("utf-8"))) for page in pages}
    for page in pages:
        for target in map(unquote, map(unescape, _TARGET.findall(page.read_text("utf-8")))):
            if target.startswith("https://"):
                continue
            name, _, place = target.partition("#")
            path = (page.parent / name).resolve()
            assert path.is_file(), (page.name, target)
            assert not place or place in places[path], (page.name, target)


def test_the_index_leads_to_the_guide(tmp_path: Path) -> None:
    pages = {page.relative_to(tmp_path).as_posix() for page in guide_pages.build(tmp_path / "guide")}
    led = _TARGET.findall(site.index([]))
    assert len(led) == len(LANGUAGES)
    assert {*led} <= pages


def test_text_is_never_markup() -> None:
    assert "<script" not in guide_pages.html("# A\n\n<script>alert(1)</script> and `<b>`\n", "en")
