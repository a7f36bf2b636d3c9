"""The guide in other languages says the same as the English one, and whatever it leads to is there."""

from __future__ import annotations

import re

import pytest

from sandbox.i18n import LANGUAGES, NATIVE
from tests.support.guide import PAGES, blocks, prose, text, translation

each_page = pytest.mark.parametrize("page", PAGES)
each_language = pytest.mark.parametrize("language", LANGUAGES[1:])

_COMMENT = re.compile(r"\s*#.*")
#: Blocks that are read by programs.
_CODE = ("sh", "toml", "python")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def code(whole: str) -> list[tuple[str, str]]:
    """The blocks in their order; of those that programs read, all but the comments."""
    return [(kind, _COMMENT.sub("", block) if kind in _CODE else "") for kind, block in blocks(whole)]


def anchors(whole: str) -> set[str]:
    """What can follow a page's name after ``#``."""
    heads = re.findall(r"^#+ (.*)$", prose(whole), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@each_page
@each_language
def test_it_has_the_same_sections(page: str, language: str) -> None:
    levels = re.compile(r"^#+(?= )", re.MULTILINE)
    assert levels.findall(prose(text(page, language))) == levels.findall(prose(text(page)))


@each_page
@each_language
def test_it_shows_the_same_code(page: str, language: str) -> None:
    assert code(text(page, language)) == code(text(page))


@each_page
@each_language
def test_it_names_the_same_commands_keys_and_files(page: str, language: str) -> None:
    names = re.compile(r"`([^`]+)`")
    ours, theirs = (
        {" ".join(name.split()) for name in names.findall(prose(whole))} for whole in (text(page, language), text(page))
    )
    assert ours == theirs


@each_page
@each_language
def test_it_has_the_same_rows_in_its_tables(page: str, language: str) -> None:
    assert prose(text(page, language)).count("\n|") == prose(text(page)).count("\n|")


@each_page
@each_language
def test_it_shows_the_same_pictures(page: str, language: str) -> None:
    pictures = re.compile(r"!\[.*\]\((.*)\)")
    shown = pictures.findall(text(page, language))
    assert [name.replace(f".{language}.svg", ".svg") for name in shown] == pictures.findall(text(page))


@each_page
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_it_leads_to_is_there(page: str, language: str) -> None:
    here = translation(page, language)
    for label, target in _LINK.findall(prose(text(page, language))):
        if target.startswith("https:"):
            continue
        name, _, anchor = target.partition("#")
        path = (here.parent / name).resolve()
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text("utf-8")), target
        if label != NATIVE["en"]:
            assert language == "en" or not path.with_suffix(f".{language}.md").exists(), f"{target} is in English"


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    assert text("README.md").count("\n") <= 200
    assert [page for page in PAGES[1:] if f"]({page}" not in text("README.md")] == []
