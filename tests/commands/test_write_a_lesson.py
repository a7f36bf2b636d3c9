"""The guide's way to a lesson of one's own, walked as it is written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.model.claims import RUN_FIGURES, parse_claim
from tests.support.commands import CommandRunner
from tests.support.guide import text

SECTION = text("docs/write-a-lesson.md")
FENCES = dict(re.findall(r"```(toml|python|markdown|sh)\n(.*?)```", SECTION, re.DOTALL))


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
def test_the_lesson_of_the_guide_keeps_what_it_claims(
    ossandbox: CommandRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for kind, name in {"toml": "twins.toml", "python": "twins.py", "markdown": "twins.md"}.items():
        Path(name).write_text(FENCES[kind], "utf-8")
    done = ossandbox(*FENCES["sh"].split()[1:])
    assert (done.status, [line[0] for line in done.lines]) == (0, ["✔"] * 3), done
    plain = ossandbox("lesson", "twins.toml", "--plain")
    assert re.search(
        r"The parent of (\d+) is (?!\1)\d+\. It used \d+ ms of CPU time, and waited for \d{3} ms\.", plain.out
    )


def test_every_claim_in_the_table_is_one() -> None:
    examples = re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (.*?) \|", SECTION, re.MULTILINE)))
    assert len(examples) > 10
    for example in examples:
        claim = re.sub(r"\b[XYZ]\b", "NAME runs", example)
        whole = claim if re.match(r"NAME|never|operator|makespan", claim) else f"NAME {claim}"
        parse_claim(whole)


def test_every_figure_of_a_run_is_in_the_guide() -> None:
    assert [name for name in RUN_FIGURES if f"`{name}`" not in SECTION] == []
