"""What is said beside the catalogue's messages: the template for policies, the system's own words, claims."""

from __future__ import annotations

import ast
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from sandbox import policies, wording
from sandbox.i18n import LANGUAGES, catalogue_file, use
from sandbox.lessons.course import lessons
from sandbox.model.claims import parse_happening
from sandbox.model.events import AnyEvent, Operator, Wrote
from sandbox.scenario import find, load, recording_of
from sandbox.trace.load import Recording
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
        said = wording.happening(step.until)
        assert said != str(step.until)
        assert step.until.verb != "is" or step.until.what not in said
        assert not re.search(CLOSE, said), said


#: A Chinese and a Latin character without the blank that stands between them; blanks beside Chinese punctuation.
CLOSE = r"[\u3400-\u9fff][A-Za-z0-9]|[A-Za-z0-9%][\u3400-\u9fff]"
LOOSE = r"[：，。；？！）、] | [：，。；？！（）、]"
#: What ends a sentence or introduces something, and how Chinese writes it.
MARKS = {".": "。", "?": "？", "!": "！", ":": "：", ";": "；"}


def messages() -> Iterator[tuple[str, str]]:
    for entry in polib.pofile(catalogue_file("zh")):
        for said in [*entry.msgstr_plural.values()] or [entry.msgstr]:
            yield entry.msgid, said


def test_the_catalogue_keeps_chinese_and_latin_apart() -> None:
    for _message, said in messages():
        between = re.sub(r"\{[^}]*\}", "{}", said)
        assert not re.search(f"{CLOSE}|{LOOSE}", between), said


def test_a_message_ends_with_the_mark_it_ends_with_in_english() -> None:
    for message, said in messages():
        ends = MARKS.get(message.strip()[-1:])
        assert ends is None or said.strip().endswith(ends), (message, said)
        assert ends is not None or not said.endswith(tuple(MARKS.values())), (message, said)


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize(
    ("what", "said"),
    [("accept", "boss 阻塞于 accept"), ("read console", "boss 阻塞于读终端"), ("recv", "boss 阻塞于 recv")],
)
def test_a_figure_is_separated_where_only_one_side_is_chinese(what: str, said: str) -> None:
    assert wording.happening(parse_happening(f"boss blocks on {what}")) == said


@pytest.mark.usefixtures("chinese")
def test_sentences_of_real_runs_keep_chinese_and_latin_apart() -> None:
    names = {pid: f"p{pid}" for pid in range(1, 400)}
    for name in ("server", "deadlock", "mlfq", "inversion", "memory"):
        recent: list[AnyEvent] = []
        for event in Recording(str(recording_of(name))).events():
            if isinstance(event, Wrote) or (isinstance(event, Operator) and event.did.rule == "typed"):
                continue  # what a program writes is its own
            recent = [*recent[-20:], event]
            explained = wording.why(recent, names, "rr", False) or (0, "")
            for said in (wording.sentence(event, names), explained[1]):
                assert not re.search(f"{CLOSE}|{LOOSE}|。。", said), said
