"""What is said beside the catalogue's messages: the template for policies, the system's own words, claims."""

from __future__ import annotations

import ast
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import policies, wording
from sandbox.i18n import LANGUAGES, use
from sandbox.lessons.course import lessons
from sandbox.model.claims import parse_happening
from sandbox.scenario import find, load
from sandbox.wording.system import ERRORS


@pytest.fixture
def chinese() -> Iterator[None]:
    use("zh")
    yield
    use("en")


def code(file: Path) -> str:
    """A file without what only people read."""
    tree = ast.parse(file.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            del node.body[0]
        if isinstance(node, ast.Dict):
            node.values = []  # the sentence that it gives as a reason
    return ast.dump(tree)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_the_template_for_policies_is_the_same_in_every_language(language: str) -> None:
    file = Path(policies.__file__).parent / "template.py"
    assert code(file.with_stem(f"template_{language}")) == code(file)


def test_the_system_says_what_the_catalogue_has() -> None:
    for name, said in ERRORS.items():
        assert os.strerror(getattr(errno, name)) == said


HAPPENINGS = (
    *("boss is born", "boss runs", "boss wakes", "boss uses up its slice", "boss is preempted", "boss blocks"),
    *("boss blocks on accept", "boss exits", "boss exits 0", "boss is killed", 'boss writes "42"'),
)


@pytest.mark.parametrize("written", HAPPENINGS)
def test_in_english_happenings_are_as_one_writes_them(written: str) -> None:
    assert wording.happening(parse_happening(written)) == written


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("written", HAPPENINGS)
def test_in_other_languages_they_are_in_words(written: str) -> None:
    said = wording.happening(parse_happening(written))
    assert "boss" in said
    assert not any(word in said for word in written.split()[1:2]), said


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("name", [each.name for each in lessons()])
def test_the_steps_of_all_lessons_are_in_words(name: str) -> None:
    for step in load(find(name)).steps:
        assert wording.happening(step.until) != str(step.until)
        assert step.until.verb != "is" or step.until.what not in wording.happening(step.until)
