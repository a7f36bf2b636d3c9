"""The ready assignments: who solves one has all points, and each typical mistake costs what it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.analysis.grading import labs
from sandbox.analysis.grading.assignment import Assignment
from sandbox.analysis.grading.reader import read
from sandbox.i18n import LANGUAGES
from sandbox.policies.base import Policy
from tests.support.labs import MISTAKES, SOLUTIONS
from tests.support.marking import points

BUILT_IN = {"round-robin": "rr", "mlfq": "mlfq", "deadlines": "edf"}
SHARES = (
    "from sandbox.policies.lottery import Lottery as Built\nfrom sandbox.policies.stride import Stride as In\n"
    "class Lottery(Built): pass\nclass Stride(In): pass\n"
)
QUICK = ("round-robin",)


def assignment(name: str) -> Assignment:
    return read(str(labs.folder(name) / labs.TASKS))


def most(name: str) -> list[int]:
    return [task.spec.points for task in assignment(name).tasks]


@pytest.mark.parametrize("name", labs.names())
def test_it_is_complete_in_every_language(tmp_path: Path, name: str) -> None:
    assert sum(most(name)) == 100
    files = labs.write(name, str(tmp_path / "new"), 4711)
    assert {*map(labs.handout, LANGUAGES), "mine.py", labs.TASKS} == {*files}
    assert read(str(tmp_path / "new" / labs.TASKS)).spec.seed == 4711
    for language in LANGUAGES:
        text = (tmp_path / "new" / labs.handout(language)).read_text("utf-8")
        worth = [
            int(line.rpartition("| ")[2].strip(" |"))
            for line in text.splitlines()
            if line.rstrip(" |")[-1:].isdigit() and line.startswith("|")
        ]
        assert worth == most(name), "the handout says what the tasks say"


@pytest.mark.parametrize(
    "name", [each if each in QUICK else pytest.param(each, marks=pytest.mark.thorough) for each in BUILT_IN]
)
def test_the_built_in_policy_has_all_points(name: str) -> None:
    assert points(BUILT_IN[name], assignment(name)) == most(name)


@pytest.mark.thorough
def test_the_built_in_shares_have_all_points(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SHARES)
    assert points(str(file), assignment("shares")) == most("shares")


@pytest.mark.parametrize(
    "name", [each if each in QUICK else pytest.param(each, marks=pytest.mark.thorough) for each in SOLUTIONS]
)
def test_a_student_can_have_all_points(tmp_path: Path, name: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SOLUTIONS[name])
    assert points(str(file), assignment(name)) == most(name)


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        pytest.param(name, mistake, id=mistake, marks=[] if name in QUICK else pytest.mark.thorough)
        for name, mistakes in MISTAKES.items()
        for mistake in mistakes
    ],
)
def test_a_typical_mistake_costs_what_it_should(tmp_path: Path, name: str, mistake: str) -> None:
    text, instead, marks = MISTAKES[name][mistake]
    file = tmp_path / "mine.py"
    assert text in SOLUTIONS[name]
    file.write_text(SOLUTIONS[name].replace(text, instead))
    assert points(str(file), assignment(name)) == marks


@pytest.mark.parametrize("name", labs.names())
def test_what_students_start_from_is_a_policy(name: str) -> None:
    space: dict[str, object] = {"__name__": "mine"}
    exec((labs.folder(name) / "mine.py").read_text("utf-8"), space)
    wanted = {assignment(name).class_of(task) for task in assignment(name).tasks}
    for each in wanted:
        kind = space[str(each)]
        assert isinstance(kind, type)
        assert issubclass(kind, Policy)
