"""The README in other languages says the same as the English one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.i18n import LANGUAGES

ROOT = Path(__file__).parents[2]
ENGLISH = (ROOT / "README.md").read_text("utf-8")

pytestmark = pytest.mark.parametrize("language", LANGUAGES[1:])

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"\s*#.*")
#: Blocks that are read by programs.
_CODE = ("sh", "toml", "python")


def translated(language: str) -> str:
    return (ROOT / f"README.{language}.md").read_text("utf-8")


def prose(text: str) -> str:
    return _BLOCK.sub("", text)


def code(text: str) -> list[tuple[str, str]]:
    """The blocks in their order; of those that programs read, all but the comments."""
    return [(kind, _COMMENT.sub("", block) if kind in _CODE else "") for kind, block in _BLOCK.findall(text)]


def test_it_has_the_same_sections(language: str) -> None:
    levels = re.compile(r"^#+(?= )", re.MULTILINE)
    assert levels.findall(prose(translated(language))) == levels.findall(prose(ENGLISH))


def test_it_shows_the_same_code(language: str) -> None:
    assert code(translated(language)) == code(ENGLISH)


def test_it_names_the_same_commands_keys_and_files(language: str) -> None:
    names = re.compile(r"`([^`]+)`")
    ours, theirs = (
        {" ".join(name.split()) for name in names.findall(prose(text))} for text in (translated(language), ENGLISH)
    )
    assert ours == theirs


def test_it_has_the_same_rows_in_its_tables(language: str) -> None:
    assert prose(translated(language)).count("\n|") == prose(ENGLISH).count("\n|")


def test_it_shows_pictures_that_there_are(language: str) -> None:
    pictures = re.compile(r"!\[.*\]\((.*)\)")
    shown = pictures.findall(translated(language))
    assert [name.replace(f".{language}.svg", ".svg") for name in shown] == pictures.findall(ENGLISH)
    assert [name for name in shown if not (ROOT / name).is_file()] == []
