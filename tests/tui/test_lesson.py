"""A lesson goes step by step: what it waits for, what it points at, where it pauses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.commands import Pause
from sandbox.happenings import parse_happening
from sandbox.spec import Scenario, Step
from tests.tui.stage import Play, Story, until, world

Stage = Callable[..., Play]


@pytest.fixture
def lesson(tmp_path: Path) -> Scenario:
    """Two steps; the first ends in a pause."""
    (tmp_path / "mine.md").write_text("# Mine\n\nOne {a.x}\n\n---\n\nTwo {a.x}\n\n---\n\nThree {utilisation}\n")
    (tmp_path / "mine.zh.md").write_text("# 我的\n\n一\n\n---\n\n二\n\n---\n\n三\n")
    scenario = world("a", "b", lesson="mine.md")
    scenario.folder = str(tmp_path)
    scenario.steps = [
        Step(parse_happening("a blocks on sleep"), "blocked", pause=True),
        Step(parse_happening("b exits"), "done"),
    ]
    return scenario


def pointed(it: Play) -> list[str | None]:
    return [widget.id for widget in it.app.board_screen.query(".pointed")]


async def test_a_step_comes_when_the_thing_happens(stage: Stage, lesson: Scenario) -> None:
    it = stage(lesson)
    async with it.app.run_test(size=(120, 40)) as pilot:
        story = Story().admit("a").admit("b").run("a").later("10ms").write("a", "x = 5\n")
        await it.tell(pilot, story)
        await until(lambda: "One 5" in it.text or "One …" in it.text, pilot)
        assert "waits until a blocks on sleep" in it.text
        assert "Two" not in it.text
        assert pointed(it) == ["blocked"]
        assert it.sent == []
        await it.tell(pilot, story.block("a", "sleep").run("b").later("10ms"))
        await until(lambda: "Two 5" in it.text, pilot)
        assert "✔ a blocks on sleep after 10 ms" in it.text
        assert "waits until b exits" in it.text
        assert it.sent == [Pause("lesson")]
        assert pointed(it) == ["done"]
        await it.tell(pilot, story.exit("b").wake("a").run("a").exit("a"))
        await until(lambda: "Three 100%" in it.text, pilot)
        assert it.sent == [Pause("lesson")]
        assert pointed(it) == []


async def test_a_lesson_that_nobody_reads_does_not_pause(stage: Stage, lesson: Scenario) -> None:
    it = stage(lesson)
    async with it.app.run_test(size=(80, 24)) as pilot:
        await it.tell(pilot, Story().admit("a").admit("b").run("a").later("10ms").block("a", "sleep"))
        assert it.sent == []
        assert pointed(it) == []


@pytest.mark.usefixtures("chinese")
async def test_a_lesson_in_chinese(stage: Stage, lesson: Scenario) -> None:
    it = stage(lesson)
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, Story().admit("a").admit("b").run("a").later("10ms"))
        await until(lambda: "我的" in it.text.replace("\0", ""), pilot)


async def test_running_it_again_begins_at_its_beginning(stage: Stage, lesson: Scenario) -> None:
    it = stage(lesson)
    async with it.app.run_test(size=(120, 40)) as pilot:
        await it.tell(pilot, Story().admit("a").admit("b").run("a").later("10ms").block("a", "sleep"))
        await until(lambda: "Two" in it.text, pilot)
        await pilot.press("r")
        await it.tell(pilot, Story().admit("a").admit("b").run("a").later("10ms"))
        await until(lambda: "Two" not in it.text and "One" in it.text, pilot)
