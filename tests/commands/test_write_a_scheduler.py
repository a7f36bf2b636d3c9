"""The guide's way to a policy of one's own, walked step by step as it is written there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.support.commands import CommandRunner
from tests.support.guide import section
from tests.support.terminal import Terminal

pytestmark = pytest.mark.usefixtures("own_folder")

SECTION = section("docs/write-a-policy.md", "## Write a scheduler")
FENCES = re.findall(r"```(\w*)\n(.*?)```", SECTION, re.DOTALL)
COMMANDS = [line.split()[1:] for kind, text in FENCES if kind == "sh" for line in text.splitlines()]
[EDIT] = [text for kind, text in FENCES if kind == "python"]
[SAID] = [text for kind, text in FENCES if kind == ""]
MINE = Path("mine.py")


def edit(before: str, after: str) -> None:
    text = MINE.read_text("utf-8")
    assert text.count(before) == 1
    MINE.write_text(text.replace(before, after), "utf-8")


def test_every_step_does_what_the_guide_says(ossandbox: CommandRunner) -> None:
    new, check, *more, live = COMMANDS
    assert (new[:2], check[0], live) == (["policies", "--new"], "check", ["convoy", "--policy", "mine.py:Mine"])
    assert ossandbox(*new).status == 0
    assert ossandbox(*check, "--worlds", "50").status == 0, "the starting point keeps every law"
    assert EDIT.count("\n") == 3
    edit("        return self.queue.popleft()\n", EDIT)
    done = ossandbox(*check)
    assert done.status == 1
    assert [line for line in SAID.splitlines() if line not in done.lines] == []
    edit("    # starves = True\n", "    starves = True\n")
    assert ossandbox(*check, "--worlds", "50").status == 0
    assert [words[0] for words in more] == ["simulate", "compare", "check"]
    for words in more:
        assert ossandbox(*words).status == (1 if "--like" in words else 0), shlex.join(words)


@pytest.mark.real
@pytest.mark.usefixtures("leftcheck")
def test_and_live(ossandbox: CommandRunner) -> None:
    ossandbox(*COMMANDS[0])
    edit("        return self.queue.popleft()\n", EDIT)
    run = Terminal(*COMMANDS[-1][:-1], f"{MINE.absolute()}:Mine")
    try:
        run.read_until(lambda: run.shows("Mine"), "the policy's name is on the screen")
        run.press("q")
        assert run.wait() == 0
    finally:
        run.close()
